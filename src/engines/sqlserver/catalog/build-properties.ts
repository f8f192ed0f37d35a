import type { SqlRow } from '../session.ts'
import type { ExtendedProperty } from './model-security.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { maybeText, number, text } from './row.ts'
import { variantText } from './variant-text.ts'

type Levels = ExtendedProperty['levels']

export interface BuiltProperties {
  readonly extendedProperties: readonly ExtendedProperty[]
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
}

/** What sp_addextendedproperty calls the types of sys.objects that lie right in a schema. */
const LEVEL1: ReadonlyMap<string, string> = new Map([
  ['U', 'TABLE'],
  ['V', 'VIEW'],
  ['P', 'PROCEDURE'],
  ['FN', 'FUNCTION'],
  ['IF', 'FUNCTION'],
  ['TF', 'FUNCTION'],
  ['SN', 'SYNONYM'],
  ['SO', 'SEQUENCE'],
  ['D', 'DEFAULT'],
  ['R', 'RULE'],
])

export function buildProperties(rows: CatalogRows, names: Names): BuiltProperties {
  const lookup = createLookup(rows)
  const extendedProperties: ExtendedProperty[] = []
  let lost = 0
  for (const row of rows.extendedProperties) {
    const levels = levelsOf(row, names, lookup)
    if (levels === undefined) lost += 1
    else extendedProperties.push({ name: text(row, 'name'), value: variantText(row, 'value'), levels })
  }
  return {
    extendedProperties,
    notCaptured:
      lost === 0
        ? []
        : [
            {
              what: 'extended properties of what is not captured',
              count: lost,
              reason: 'what they describe is not scripted',
            },
          ],
  }
}

interface Lookup {
  index(key: string): string | undefined
  parameter(key: string): string | undefined
  partitionFunction(id: number): string | undefined
  partitionScheme(id: number): string | undefined
  collection(id: number): SqlRow | undefined
  tableType(userTypeId: number): number | undefined
  databaseTrigger(id: number): string | undefined
}

function createLookup(rows: CatalogRows): Lookup {
  const nameBy = (all: readonly SqlRow[], ...ids: readonly string[]) =>
    new Map(all.map((row) => [ids.map((id) => text(row, id)).join('.'), maybeText(row, 'name')]))
  const indexes = nameBy(rows.indexes, 'object_id', 'index_id')
  const parameters = nameBy(rows.parameters, 'object_id', 'parameter_id')
  const functions = nameBy(rows.partitionFunctions, 'function_id')
  const schemes = nameBy(rows.partitionSchemes, 'data_space_id')
  const collections = new Map(rows.xmlSchemaCollections.map((row) => [number(row, 'xml_collection_id'), row]))
  const tableTypes = new Map(
    rows.tableTypes.map((row) => [number(row, 'user_type_id'), number(row, 'type_table_object_id')]),
  )
  const triggers = nameBy(
    rows.triggers.filter((row) => number(row, 'parent_class') === 0),
    'object_id',
  )
  return {
    index: (key) => indexes.get(key),
    parameter: (key) => parameters.get(key),
    partitionFunction: (id) => functions.get(String(id)),
    partitionScheme: (id) => schemes.get(String(id)),
    collection: (id) => collections.get(id),
    tableType: (id) => tableTypes.get(id),
    databaseTrigger: (id) => triggers.get(String(id)),
  }
}

/** sys.extended_properties.class; undefined for what is not scripted. */
function levelsOf(row: SqlRow, names: Names, lookup: Lookup): Levels | undefined {
  const [id, minor] = [number(row, 'major_id'), number(row, 'minor_id')]
  const one = (type: string, name: string | undefined): Levels | undefined =>
    name === undefined ? undefined : [[type, name]]
  const below = (levels: Levels | undefined, type: string, name: string | undefined): Levels | undefined =>
    levels === undefined || name === undefined ? undefined : [...levels, [type, name]]
  switch (number(row, 'class')) {
    case 0:
      return []
    case 1:
      return minor === 0
        ? objectLevels(id, names, lookup)
        : below(objectLevels(id, names, lookup), 'COLUMN', names.column(id, minor))
    case 2:
      return below(objectLevels(id, names, lookup), 'PARAMETER', lookup.parameter(`${id}.${minor}`))
    case 3:
      return one('SCHEMA', names.schema(id))
    case 4:
      // Roles go by the name of users here.
      return one('USER', names.principal(id))
    case 6:
      return typeLevels('TYPE', id, names)
    case 7:
      return below(objectLevels(id, names, lookup), 'INDEX', lookup.index(`${id}.${minor}`))
    case 8:
      return below(
        typeLevels('TABLE_TYPE', id, names),
        'COLUMN',
        names.column(lookup.tableType(id) ?? 0, minor),
      )
    case 10: {
      const collection = lookup.collection(id)
      if (collection === undefined) return undefined
      return [
        ['SCHEMA', names.schema(number(collection, 'schema_id'))],
        ['XML SCHEMA COLLECTION', text(collection, 'name')],
      ]
    }
    case 20:
      return one('PARTITION SCHEME', lookup.partitionScheme(id))
    case 21:
      return one('PARTITION FUNCTION', lookup.partitionFunction(id))
    default:
      return undefined
  }
}

function typeLevels(type: string, userTypeId: number, names: Names): Levels | undefined {
  const named = names.type(userTypeId)
  if (named === undefined) return undefined
  return [
    ['SCHEMA', named.schema],
    [type, named.name],
  ]
}

/** Constraints and triggers lie below their table. */
function objectLevels(id: number, names: Names, lookup: Lookup): Levels | undefined {
  const trigger = lookup.databaseTrigger(id)
  if (trigger !== undefined) return [['TRIGGER', trigger]]
  const object = names.object(id)
  if (object === undefined) return undefined
  if (object.parentId !== 0) {
    const parent = objectLevels(object.parentId, names, lookup)
    return parent === undefined
      ? undefined
      : [...parent, [object.type === 'TR' ? 'TRIGGER' : 'CONSTRAINT', object.name]]
  }
  const type = LEVEL1.get(object.type)
  if (type === undefined) return undefined
  return [
    ['SCHEMA', object.schema],
    [type, object.name],
  ]
}
