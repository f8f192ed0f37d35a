/** Runs one batch in a database; its rows by their columns' names. */
export type SqlServerQuery = (
  sql: string,
  database?: string,
) => Promise<readonly Readonly<Record<string, unknown>>[]>

/**
 * What describes a database, one statement each: what they give must be the same at source and target. Without what no dump
 * has, and its manifest names: encrypted modules, application roles, and that the server made up the name of a key.
 */
export const DEFINITIONS: Readonly<Record<string, string>> = {
  schemas: 'SELECT name FROM sys.schemas WHERE schema_id BETWEEN 5 AND 16383 ORDER BY name',
  columns: `SELECT s.name AS s, t.name AS t, c.name AS c, TYPE_NAME(c.user_type_id) AS type, c.max_length, c.precision, c.scale,
      c.is_nullable, c.collation_name, c.is_identity, c.is_computed, c.is_sparse, c.is_column_set, c.is_rowguidcol,
      c.generated_always_type, c.is_hidden, c.is_masked, k.definition AS computed, k.is_persisted, d.definition AS dflt,
      CAST(i.seed_value AS nvarchar(40)) AS seed, CAST(i.increment_value AS nvarchar(40)) AS increment
    FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id JOIN sys.columns AS c ON c.object_id = t.object_id
      LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id
      LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id
      LEFT JOIN sys.identity_columns AS i ON i.object_id = c.object_id AND i.column_id = c.column_id
    ORDER BY s.name, t.name, c.name`,
  indexes: `SELECT OBJECT_SCHEMA_NAME(i.object_id) AS s, OBJECT_NAME(i.object_id) AS t,
      CASE WHEN k.name IS NOT NULL THEN N'' ELSE i.name END AS name, i.type_desc,
      i.is_unique, i.is_primary_key, i.is_unique_constraint, i.filter_definition, i.is_disabled, i.fill_factor,
      COL_NAME(c.object_id, c.column_id) AS c, c.key_ordinal, c.is_descending_key, c.is_included_column, c.partition_ordinal
    FROM sys.indexes AS i JOIN sys.index_columns AS c ON c.object_id = i.object_id AND c.index_id = i.index_id
      LEFT JOIN sys.key_constraints AS k ON k.parent_object_id = i.object_id AND k.unique_index_id = i.index_id
    WHERE OBJECTPROPERTY(i.object_id, 'IsMSShipped') = 0 ORDER BY 1, 2, i.type_desc, 3, c.index_column_id`,
  'foreign keys': `SELECT OBJECT_NAME(k.parent_object_id) AS t, k.name, OBJECT_NAME(k.referenced_object_id) AS r,
      k.delete_referential_action_desc, k.update_referential_action_desc, k.is_disabled, k.is_not_trusted,
      COL_NAME(c.parent_object_id, c.parent_column_id) AS c, COL_NAME(c.referenced_object_id, c.referenced_column_id) AS rc
    FROM sys.foreign_keys AS k JOIN sys.foreign_key_columns AS c ON c.constraint_object_id = k.object_id
    ORDER BY 1, k.name, c.constraint_column_id`,
  checks: `SELECT OBJECT_NAME(parent_object_id) AS t, definition, is_disabled, is_not_trusted
    FROM sys.check_constraints ORDER BY 1, definition`,
  modules: `SELECT OBJECT_SCHEMA_NAME(m.object_id) AS s, OBJECT_NAME(m.object_id) AS name, m.definition, m.uses_ansi_nulls,
      m.uses_quoted_identifier FROM sys.sql_modules AS m JOIN sys.objects AS o ON o.object_id = m.object_id
    WHERE o.is_ms_shipped = 0 AND m.definition IS NOT NULL ORDER BY 1, 2`,
  triggers: 'SELECT name, OBJECT_NAME(parent_id) AS t, is_disabled FROM sys.triggers ORDER BY name',
  types: `SELECT SCHEMA_NAME(schema_id) AS s, name, TYPE_NAME(system_type_id) AS base, max_length, is_nullable, is_table_type
    FROM sys.types WHERE is_user_defined = 1 ORDER BY 1, 2`,
  sequences: `SELECT SCHEMA_NAME(schema_id) AS s, name, CAST(start_value AS nvarchar(40)) AS start, CAST(increment AS nvarchar(40)) AS inc,
      CAST(current_value AS nvarchar(40)) AS current_value, is_cycling FROM sys.sequences ORDER BY 1, 2`,
  synonyms: 'SELECT SCHEMA_NAME(schema_id) AS s, name, base_object_name FROM sys.synonyms ORDER BY 1, 2',
  temporal: `SELECT t.name, t.temporal_type_desc, OBJECT_NAME(t.history_table_id) AS history
    FROM sys.tables AS t WHERE t.temporal_type <> 0 ORDER BY t.name`,
  properties: `SELECT class_desc, CASE class WHEN 1 THEN OBJECT_NAME(major_id) WHEN 3 THEN SCHEMA_NAME(major_id) END AS t,
      CASE WHEN class = 1 THEN COL_NAME(major_id, minor_id) END AS c, name, CAST(value AS nvarchar(4000)) AS value
    FROM sys.extended_properties ORDER BY 1, 2, 3, 4`,
  principals: `SELECT name, type_desc, default_schema_name FROM sys.database_principals
    WHERE is_fixed_role = 0 AND principal_id > 4 AND type <> 'A' ORDER BY name`,
  members: `SELECT USER_NAME(role_principal_id) AS role, USER_NAME(member_principal_id) AS member
    FROM sys.database_role_members ORDER BY 1, 2`,
  permissions: `SELECT class_desc, CASE WHEN class = 1 THEN OBJECT_NAME(major_id) END AS t,
      CASE WHEN class = 1 THEN COL_NAME(major_id, minor_id) END AS c, USER_NAME(grantee_principal_id) AS grantee,
      permission_name, state_desc
    FROM sys.database_permissions WHERE class IN (0, 1, 3) AND major_id >= 0 ORDER BY 1, 2, 3, 4, 5`,
}

/** Everything of all user databases, object by object; rows as the bytes of each value. */
export async function readSqlServerObjects(query: SqlServerQuery): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const databases = await query('SELECT name FROM sys.databases WHERE database_id > 4 ORDER BY name')
  for (const { name } of databases) {
    const database = String(name)
    for (const [what, sql] of Object.entries(DEFINITIONS)) {
      const rows = await query(sql, database)
      found.set(`${database}: ${what}`, rows.map((row) => JSON.stringify(row)).join('\n'))
    }
    for (const [table, sql] of await rowQueries(query, database)) {
      const rows = await query(sql, database)
      found.set(
        `${database}: rows of ${table}`,
        rows
          .map((row) => JSON.stringify(row))
          .sort()
          .join('\n'),
      )
    }
  }
  return found
}

/** A rowversion is the server's own; a computed column's value is checked by its definition. */
async function rowQueries(
  query: SqlServerQuery,
  database: string,
): Promise<readonly (readonly [table: string, sql: string])[]> {
  const columns = await query(
    `SELECT QUOTENAME(SCHEMA_NAME(t.schema_id)) + N'.' + QUOTENAME(t.name) AS t, QUOTENAME(c.name) AS c,
       TYPE_NAME(c.system_type_id) AS type, COALESCE(y.name, N'') AS clr
     FROM sys.tables AS t JOIN sys.columns AS c ON c.object_id = t.object_id
       LEFT JOIN sys.types AS y ON y.user_type_id = c.user_type_id AND y.is_assembly_type = 1
     WHERE t.is_ms_shipped = 0 AND c.is_computed = 0 AND c.is_column_set = 0 AND c.system_type_id <> 189 ORDER BY 1, c.column_id`,
    database,
  )
  const byTable = Map.groupBy(columns, ({ t }) => String(t))
  return [...byTable].map(([table, of]) => {
    const list = of.map(({ c, type }, index) => `${asHex(String(c), String(type))} AS c${index}`)
    return [table, `SELECT ${list.join(', ')} FROM ${table}`] as const
  })
}

function asHex(column: string, type: string): string {
  switch (type) {
    case 'text':
    case 'ntext':
    case 'xml':
      return `CONVERT(varchar(max), CAST(CAST(${column} AS nvarchar(max)) AS varbinary(max)), 2)`
    case 'sql_variant':
      return `CAST(SQL_VARIANT_PROPERTY(${column}, 'BaseType') AS varchar(128)) + ':' + CONVERT(varchar(max), CAST(${column} AS varbinary(8000)), 2)`
    default:
      return `CONVERT(varchar(max), CAST(${column} AS varbinary(max)), 2)`
  }
}
