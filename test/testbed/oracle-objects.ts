/** Rows of a query, each by its columns' names. */
export type OracleQuery = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>

const OWNERS = `owner IN (SELECT username FROM all_users WHERE oracle_maintained = 'N')`

/** Names that the server gives by itself differ after every import. */
const SYSTEM_NAME = /\b(?:SYS_C|ISEQ\$\$_|SYS_IL|SYS_LOB)[\w$]+/g

/** Everything of the users' own in a pluggable database, object by object: definitions and rows as text. */
export async function readOracleObjects(query: OracleQuery): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const objects = await query(
    `SELECT owner, object_type, object_name FROM all_objects WHERE ${OWNERS}
     AND object_type IN ('TABLE', 'VIEW', 'INDEX', 'SEQUENCE', 'FUNCTION', 'PROCEDURE', 'TRIGGER', 'SYNONYM')
     AND object_name NOT LIKE 'SYS\\_%' ESCAPE '\\' AND object_name NOT LIKE 'ISEQ$$%' AND generated = 'N'
     ORDER BY owner, object_type, object_name`,
  )
  for (const { OWNER, OBJECT_TYPE, OBJECT_NAME } of objects) {
    const [owner, type, name] = [OWNER, OBJECT_TYPE, OBJECT_NAME].map(String) as [string, string, string]
    const [definition] = await query(
      `SELECT DBMS_METADATA.GET_DDL(${literal(type)}, ${literal(name)}, ${literal(owner)}) AS ddl FROM dual`,
    )
    found.set(`${owner}.${name} (${type})`, withoutOwnNames(String(definition?.DDL)))
    if (type !== 'TABLE') continue
    const rows = await query(
      `SELECT JSON_OBJECT(* RETURNING CLOB) AS line FROM ${quoted(owner)}.${quoted(name)}`,
    )
    const lines = rows.map(({ LINE }) => String(LINE)).sort()
    found.set(`${owner}.${name} (rows)`, lines.join('\n'))
  }
  const grants = await query(
    `SELECT grantee, table_schema, table_name, privilege FROM all_tab_privs
     WHERE table_schema IN (SELECT username FROM all_users WHERE oracle_maintained = 'N') ORDER BY 1, 2, 3, 4`,
  )
  found.set('grants', grants.map((row) => Object.values(row).join(' ')).join('\n'))
  const constraints = await query(
    `SELECT owner, table_name, constraint_type, status, search_condition_vc FROM all_constraints
     WHERE ${OWNERS} AND table_name NOT LIKE 'BIN$%' ORDER BY 1, 2, 3, 5`,
  )
  found.set('constraints', constraints.map((row) => Object.values(row).join(' ')).join('\n'))
  return found
}

/** Before GET_DDL: where and how large something lies is the server's own business. */
export const DEFINITIONS_ONLY = `BEGIN
  DBMS_METADATA.SET_TRANSFORM_PARAM(DBMS_METADATA.SESSION_TRANSFORM, 'STORAGE', FALSE);
  DBMS_METADATA.SET_TRANSFORM_PARAM(DBMS_METADATA.SESSION_TRANSFORM, 'SEGMENT_ATTRIBUTES', FALSE);
END;`

/** An identity's START WITH is where it has come to, at the source and at the target alike, but for its cache. */
function withoutOwnNames(definition: string): string {
  return definition
    .replace(SYSTEM_NAME, 'SYS_NAME')
    .replace(/START WITH \d+/g, 'START WITH n')
    .trim()
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function quoted(name: string): string {
  return `"${name}"`
}
