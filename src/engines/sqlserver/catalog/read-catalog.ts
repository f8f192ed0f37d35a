import type { Session, SqlRow } from '../session.ts'
import { buildColumns } from './build-columns.ts'
import { buildFullText } from './build-full-text.ts'
import {
  buildDatabase,
  buildPartitionFunctions,
  buildPartitionSchemes,
  buildSchemas,
  buildSequences,
} from './build-ground.ts'
import { buildIndexes, isSelective } from './build-indexes.ts'
import { buildModules } from './build-modules.ts'
import { buildOwners } from './build-owners.ts'
import { buildPermissions } from './build-permissions.ts'
import { buildSecurityPolicies } from './build-policies.ts'
import { buildPrincipals } from './build-principals.ts'
import { buildProperties } from './build-properties.ts'
import { buildTables } from './build-tables.ts'
import { buildAliasTypes, createTypeIndex } from './build-types.ts'
import type { Catalog, XmlSchemaCollection } from './model.ts'
import { createNames, type Names } from './names.ts'
import { xmlSchemaText } from './queries.ts'
import { readIdentities } from './read-identities.ts'
import { type CatalogRows, countKinds, readRows } from './read-rows.ts'
import { number, text } from './row.ts'
import { isMissing, reasonOf } from './server-error.ts'

/**
 * Reads the database that the session is in. Views that the server lacks cost their kind of object and a warning;
 * without schemas, types, tables, columns and objects there is nothing to dump, and the server's error is thrown.
 */
export async function readCatalog(session: Session, signal: AbortSignal): Promise<Catalog> {
  const warnings: string[] = []
  const read = await readRows(session, warnings, signal)
  const counted = await countKinds(session, warnings, signal)
  const names = createNames(read)
  const rows: CatalogRows = {
    ...read,
    identityColumns: await readIdentities(session, read, names, warnings, signal),
  }
  const xmlSchemaCollections = await readXmlSchemas(session, rows, names, warnings, signal)
  return buildCatalog(rows, xmlSchemaCollections, counted, warnings)
}

function buildCatalog(
  rows: CatalogRows,
  xmlSchemaCollections: readonly XmlSchemaCollection[],
  counted: Catalog['notCaptured'],
  warnings: readonly string[],
): Catalog {
  const names = createNames(rows)
  const types = createTypeIndex(rows, names)
  const storage = buildIndexes(rows, names)
  const tables = buildTables(rows, { names, types, columns: buildColumns(rows, names, types), storage })
  const modules = buildModules(rows, names)
  const principals = buildPrincipals(rows, names)
  const permissions = buildPermissions(rows, names, principals.principals)
  const properties = buildProperties(rows, names)
  const fullText = buildFullText(rows, names)
  const hiddenSequences = countHidden(rows)
  return {
    database: buildDatabase(rows),
    schemas: buildSchemas(rows, names),
    aliasTypes: buildAliasTypes(rows, names, types),
    tableTypes: tables.tableTypes,
    xmlSchemaCollections,
    sequences: buildSequences(rows, names, types),
    partitionFunctions: buildPartitionFunctions(rows, types),
    partitionSchemes: buildPartitionSchemes(rows),
    tables: tables.tables,
    modules: modules.modules,
    indexedViews: modules.modules.flatMap(({ kind, schema, name, objectId }) => {
      const { indexes } = storage(objectId)
      return kind === 'view' && indexes.length > 0 ? { schema, name, indexes } : []
    }),
    securityPolicies: buildSecurityPolicies(rows, names),
    synonyms: rows.synonyms.map((row) => ({
      schema: names.schema(number(row, 'schema_id')),
      name: text(row, 'name'),
      target: text(row, 'base_object_name'),
    })),
    ...(fullText === undefined ? {} : { fullText }),
    principals: principals.principals,
    roleMembers: principals.roleMembers,
    owners: buildOwners(rows, names),
    permissions: permissions.permissions,
    extendedProperties: properties.extendedProperties,
    notCaptured: [
      ...tables.notCaptured,
      ...modules.notCaptured,
      ...principals.notCaptured,
      ...permissions.notCaptured,
      ...properties.notCaptured,
      ...selectiveIndexes(rows.xmlIndexes),
      ...counted,
    ],
    warnings: [
      ...warnings,
      ...tables.warnings,
      ...modules.warnings,
      ...(hiddenSequences === 0
        ? []
        : [
            `sequences are not read: sys.objects lists ${hiddenSequences} that sys.sequences does not show (those behind identity columns included)`,
          ]),
    ],
  }
}

async function readXmlSchemas(
  session: Session,
  rows: CatalogRows,
  names: Names,
  warnings: string[],
  signal: AbortSignal,
): Promise<readonly XmlSchemaCollection[]> {
  const collections: XmlSchemaCollection[] = []
  for (const row of rows.xmlSchemaCollections) {
    const named = { schema: names.schema(number(row, 'schema_id')), name: text(row, 'name') }
    try {
      const [found] = await session.query(xmlSchemaText(named.schema, named.name), signal)
      collections.push({ ...named, text: text(found ?? {}, 'text') })
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown
      warnings.push(
        `an XML schema collection is not read: ${named.schema}.${named.name}: ${reasonOf(thrown)}`,
      )
    }
  }
  return collections
}

/** Babelfish has sequences, but not in sys.sequences. */
function countHidden(rows: CatalogRows): number {
  const listed = rows.objects.filter((row) => text(row, 'type').trim() === 'SO').length
  return Math.max(0, listed - rows.sequences.length)
}

function selectiveIndexes(xmlIndexes: readonly SqlRow[]): Catalog['notCaptured'] {
  const count = xmlIndexes.filter(isSelective).length
  return count === 0
    ? []
    : [{ what: 'selective XML indexes', count, reason: 'not scripted: make them again by hand' }]
}
