import type { SqlRow } from '../session.ts'
import type { Module, ModuleKind, TriggerModel } from './model-modules.ts'
import type { Names } from './names.ts'
import { quoteObject } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeText, number, text } from './row.ts'

export interface BuiltModules {
  readonly modules: readonly Module[]
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
  readonly warnings: readonly string[]
}

/** sys.objects.type. D is also a default of a column, which belongs to its table. */
const KINDS: ReadonlyMap<string, ModuleKind> = new Map([
  ['V', 'view'],
  ['P', 'procedure'],
  ['FN', 'function'],
  ['IF', 'function'],
  ['TF', 'function'],
  ['TR', 'trigger'],
  ['D', 'default'],
  ['R', 'rule'],
])

export function buildModules(rows: CatalogRows, names: Names): BuiltModules {
  const triggers = new Map(rows.triggers.map((row) => [number(row, 'object_id'), row]))
  const events = Map.groupBy(rows.triggerEvents, (row) => number(row, 'object_id'))
  const dependencies = Map.groupBy(rows.dependencies, (row) => number(row, 'referencing_id'))
  const modules: Module[] = []
  const hidden: string[] = []
  let encrypted = 0
  for (const row of rows.modules) {
    const objectId = number(row, 'object_id')
    const trigger = triggers.get(objectId)
    const found = identify(objectId, trigger, names)
    if (found === undefined) continue
    const definition = maybeText(row, 'definition')
    if (definition === undefined) {
      if (flag(row, 'is_encrypted')) encrypted += 1
      else hidden.push(`${found.kind} ${quoteObject(found)}`)
      continue
    }
    modules.push({
      ...found,
      objectId,
      definition,
      quotedIdentifier: flag(row, 'uses_quoted_identifier'),
      ansiNulls: flag(row, 'uses_ansi_nulls'),
      schemaBound: flag(row, 'is_schema_bound'),
      dependsOn: [
        ...new Set((dependencies.get(objectId) ?? []).map((each) => number(each, 'referenced_id'))),
      ],
      ...(trigger === undefined ? {} : { trigger: triggerOf(trigger, events.get(objectId) ?? [], names) }),
    })
  }
  return {
    modules,
    notCaptured: [
      ...(encrypted === 0
        ? []
        : [
            {
              what: 'encrypted modules',
              count: encrypted,
              reason: 'their text can not be read by SQL: create them again from your sources',
            },
          ]),
      ...(hidden.length === 0
        ? []
        : [
            {
              what: 'modules whose text is hidden',
              count: hidden.length,
              reason: 'the login lacks VIEW DEFINITION on the database',
            },
          ]),
    ],
    warnings: hidden.map((what) => `the text of ${what} is hidden: grant VIEW DEFINITION on the database`),
  }
}

/** Undefined for what is not the user's. Triggers on the database are in no schema and not in sys.objects. */
function identify(
  objectId: number,
  trigger: SqlRow | undefined,
  names: Names,
): Pick<Module, 'schema' | 'name' | 'kind'> | undefined {
  if (trigger !== undefined && number(trigger, 'parent_class') === 0) {
    if (flag(trigger, 'is_ms_shipped')) return undefined
    return { schema: '', name: text(trigger, 'name'), kind: 'database trigger' }
  }
  const object = names.object(objectId)
  const kind = KINDS.get(object?.type ?? '')
  if (object === undefined || kind === undefined || (kind === 'default' && object.parentId !== 0)) {
    return undefined
  }
  return { schema: object.schema, name: object.name, kind }
}

function triggerOf(row: SqlRow, events: readonly SqlRow[], names: Names): TriggerModel {
  const parent = names.object(number(row, 'parent_id'))
  return {
    ...(parent === undefined ? {} : { parent: { schema: parent.schema, name: parent.name } }),
    disabled: flag(row, 'is_disabled'),
    order: events.flatMap((event) => {
      const position = flag(event, 'is_first') ? 'First' : flag(event, 'is_last') ? 'Last' : undefined
      return position === undefined ? [] : { statement: text(event, 'type_desc'), position }
    }),
  }
}
