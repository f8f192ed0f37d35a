import type { Catalog, IndexModel, TableModel } from '../catalog/model.ts'
import { type CalledFunctions, createCalledFunctions } from './called-functions.ts'
import { closureOf, sortModules } from './module-order.ts'
import { scriptCheck, scriptForeignKey } from './script-constraints.ts'
import { scriptFullText } from './script-full-text.ts'
import {
  scriptAliasType,
  scriptPartitionFunction,
  scriptPartitionScheme,
  scriptSchema,
  scriptSequence,
  scriptSequencePosition,
  scriptXmlSchemaCollection,
} from './script-ground.ts'
import { scriptDisabledIndex, scriptIndex } from './script-indexes.ts'
import {
  scriptBound,
  scriptEnabledTrigger,
  scriptModule,
  scriptSecurityPolicy,
  scriptSynonym,
  scriptTriggerState,
} from './script-modules.ts'
import { scriptExtendedProperty } from './script-properties.ts'
import {
  scriptOwner,
  scriptPermission,
  scriptPrincipal,
  scriptRoleMember,
  scriptRoleOwner,
  scriptSchemaOwner,
} from './script-security.ts'
import { earlyIndexes, scriptDeferred, scriptTable, scriptTableType, usesDeferred } from './script-tables.ts'
import { scriptIdentity, scriptPeriod } from './script-temporal.ts'
import { type Step, settingsStep } from './step.ts'

/** What has to be there to load rows: types, tables with the functions they call, clustered keys and indexes. */
export function scriptBefore(catalog: Catalog): readonly Step[] {
  const calls = createCalledFunctions(catalog)
  return [
    settingsStep,
    ...catalog.schemas.map(scriptSchema),
    ...catalog.xmlSchemaCollections.map(scriptXmlSchemaCollection),
    ...catalog.aliasTypes.map(scriptAliasType),
    ...catalog.sequences.map(scriptSequence),
    ...catalog.partitionFunctions.map(scriptPartitionFunction),
    ...catalog.partitionSchemes.map(scriptPartitionScheme),
    ...calls.early.map(scriptModule),
    ...(calls.early.length === 0 ? [] : [settingsStep]),
    ...catalog.tables.flatMap((table) => scriptTable(table, calls)),
    ...catalog.tableTypes
      .filter((type) => calls.inTableType(type).length === 0)
      .map((type) => scriptTableType(type, 'stop')),
  ]
}

/** All the rest, once the rows are there. Users come first, since modules may run as one of them. */
export function scriptAfter(catalog: Catalog): readonly Step[] {
  const calls = createCalledFunctions(catalog)
  const { tables } = catalog
  const late = (table: TableModel) => {
    const early = new Set(earlyIndexes(table, calls))
    return table.memoryOptimized === undefined ? table.indexes.filter((index) => !early.has(index)) : []
  }
  const needsDeferred = (table: TableModel, index: IndexModel) =>
    usesDeferred(table, [...index.keys, ...index.included.map((name) => ({ name }))], calls) ||
    (index.filter !== undefined && calls.in(index.filter).length > 0)
  const indexes = (deferred: boolean) =>
    tables.flatMap((table) =>
      late(table)
        .filter((index) => needsDeferred(table, index) === deferred)
        .map((index) => scriptIndex(table, index, 'collect')),
    )
  const triggers = catalog.modules.filter(({ kind }) => kind === 'trigger')
  const databaseTriggers = catalog.modules.filter(({ kind }) => kind === 'database trigger')
  return [
    settingsStep,
    ...catalog.principals.map(scriptPrincipal),
    ...catalog.principals.flatMap(scriptRoleOwner),
    ...catalog.roleMembers.map(scriptRoleMember),
    ...catalog.synonyms.map(scriptSynonym),
    ...indexes(false),
    ...scriptModules(catalog, calls),
    settingsStep,
    ...indexes(true),
    ...catalog.indexedViews.flatMap((view) =>
      // Its first index is the unique clustered one, without which it can have no other.
      view.indexes.map((index) => scriptIndex(view, index, 'collect')),
    ),
    ...tables.flatMap((table) => table.checks.map((check) => scriptCheck(table, check))),
    ...tables.flatMap((table) => table.foreignKeys.map((key) => scriptForeignKey(table, key))),
    ...tables.flatMap((table) => table.indexes.flatMap((index) => scriptDisabledIndex(table, index))),
    ...catalog.indexedViews.flatMap((view) =>
      view.indexes.flatMap((index) => scriptDisabledIndex(view, index)),
    ),
    ...(catalog.fullText === undefined ? [] : scriptFullText(catalog.fullText)),
    ...catalog.sequences.flatMap(scriptSequencePosition),
    ...tables.flatMap(scriptIdentity),
    ...tables.flatMap(scriptPeriod),
    ...catalog.securityPolicies.map(scriptSecurityPolicy),
    ...triggers.map(scriptModule),
    ...databaseTriggers.map(scriptModule),
    settingsStep,
    ...[...triggers, ...databaseTriggers].flatMap(scriptTriggerState),
    ...scriptBounds(catalog),
    ...catalog.extendedProperties.map(scriptExtendedProperty),
    ...catalog.schemas.flatMap(scriptSchemaOwner),
    ...catalog.owners.map(scriptOwner),
    ...catalog.permissions.map(scriptPermission),
    ...databaseTriggers.flatMap(scriptEnabledTrigger),
  ]
}

/**
 * Functions that columns call, then these columns, then all other modules: one run, in which whatever fails is tried
 * again. Table types that call functions are in it too.
 */
function scriptModules(catalog: Catalog, calls: CalledFunctions): readonly Step[] {
  const early = new Set(calls.early)
  const modules = sortModules(
    catalog.modules.filter(
      (module) => module.kind !== 'trigger' && module.kind !== 'database trigger' && !early.has(module),
    ),
  )
  const deferredTypes = catalog.tableTypes.filter((type) => calls.inTableType(type).length > 0)
  const needed = closureOf(catalog.modules, [
    ...catalog.tables.flatMap(({ columns }) => columns.flatMap(calls.inColumn)),
    ...deferredTypes.flatMap(calls.inTableType),
  ])
  return [
    ...modules.filter(({ objectId }) => needed.has(objectId)).map(scriptModule),
    // The modules before may have left other settings, under which no computed column can be added.
    ...(needed.size === 0 ? [] : [settingsStep]),
    ...catalog.tables.flatMap((table) => scriptDeferred(table, calls)),
    ...deferredTypes.map((type) => scriptTableType(type, 'retry')),
    ...modules.filter(({ objectId }) => !needed.has(objectId)).map(scriptModule),
  ]
}

function scriptBounds({ tables, aliasTypes }: Catalog): readonly Step[] {
  return [
    ...aliasTypes.flatMap((type) =>
      type.bound === undefined ? [] : scriptBound(type, undefined, type.bound),
    ),
    ...tables.flatMap((table) =>
      table.columns.flatMap((column) =>
        // What the column has by its alias type is bound there.
        column.bound === undefined || column.userType !== undefined
          ? []
          : scriptBound(table, column.name, column.bound),
      ),
    ),
  ]
}
