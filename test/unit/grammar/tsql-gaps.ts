import type { Gap } from './gaps.ts'

const NAME = String.raw`(?:\[[^\]]+\]|[\p{L}_@#][\p{L}\d_@#$]*)`
const QUALIFIED = String.raw`${NAME}(?:\s*\.\s*${NAME}){0,3}`
const COLUMNS = String.raw`\(\s*${NAME}(?:\s*,\s*${NAME})*\s*\)`
const ORDERED_COLUMNS = String.raw`\(\s*${NAME}(?:\s+(?:ASC|DESC))?(?:\s*,\s*${NAME}(?:\s+(?:ASC|DESC))?)*\s*\)`
const NUMBER = String.raw`-?\d+(?:\.\d+)?`
const STRING = `N?'[^']*'`
const PERMISSION = String.raw`[A-Z]+(?:\s+[A-Z]+){0,4}`
const OBJECT_PERMISSION = String.raw`(?:SELECT|INSERT|UPDATE|DELETE|EXECUTE|REFERENCES|ALTER|CONTROL|VIEW\s+DEFINITION)`
const SECURABLE = String.raw`(?:(?:OBJECT|TYPE|SCHEMA|DATABASE|ROLE|USER|ASSEMBLY|CERTIFICATE|SYMMETRIC\s+KEY|XML\s+SCHEMA\s+COLLECTION)\s*::\s*)?${QUALIFIED}`
const GRANTEES = String.raw`${NAME}(?:\s*,\s*${NAME})*`
const FULLTEXT_COLUMN = String.raw`${NAME}(?:\s+TYPE\s+COLUMN\s+${NAME})?(?:\s+LANGUAGE\s+\d+)?(?:\s+STATISTICAL_SEMANTICS)?`
/** To the end of a statement: nothing that could be the rest of a wrong one. */
const END = String.raw`(?=\s*(?:;|$|\n\s*[A-Z]))`

/** A list of words in the syntax's order, each separated by white space. */
function words(text: string): string {
  return text.trim().split(/ +/).join(String.raw`\s+`)
}

function gap(construct: string, source: string, pattern: string, instead: Gap['instead']): Gap {
  return { construct, source, pattern: new RegExp(pattern, 'giu'), instead }
}

const HISTORY = String.raw`HISTORY_TABLE\s*=\s*${NAME}\s*\.\s*${NAME}`
const RETENTION = String.raw`HISTORY_RETENTION_PERIOD\s*=\s*(?:INFINITE|\d+\s+(?:DAY|WEEK|MONTH|YEAR)S?)`
const VERSIONING = String.raw`SYSTEM_VERSIONING\s*=\s*(?:OFF|ON(?:\s*\(\s*${HISTORY}(?:\s*,\s*DATA_CONSISTENCY_CHECK\s*=\s*(?:ON|OFF))?(?:\s*,\s*${RETENTION})?\s*\))?)`

/** What the T-SQL grammar of @dbml/core 10 lacks of the statements that lifeboat sends. */
export const TSQL_GAPS: readonly Gap[] = [
  gap(
    'xml bound to a schema collection',
    'CREATE TABLE: xml ( [ CONTENT | DOCUMENT ] xml_schema_collection )',
    String.raw`(?<=\s)\[?xml\]?\s*\(\s*(?:(?:CONTENT|DOCUMENT)\s+)?${NAME}\s*\.\s*${NAME}\s*\)`,
    () => 'xml',
  ),
  gap(
    'a table type, which has any number of constraints',
    'CREATE TYPE: AS TABLE ( { <column_definition> | <table_constraint> | <table_index> } [ ,...n ] )',
    String.raw`\bCREATE\s+TYPE\s+(${NAME}\s*\.\s*${NAME})\s+AS\s+TABLE(?=\s*\()`,
    (_all, name) => `CREATE TABLE ${name}`,
  ),
  gap(
    'an identity that begins or counts below zero',
    'CREATE TABLE: IDENTITY [ ( seed , increment ) ]',
    String.raw`\bIDENTITY\s*\(\s*-?\d+\s*,\s*-?\d+\s*\)`,
    () => 'IDENTITY(1,1)',
  ),
  gap(
    'a sequence that begins below zero',
    'CREATE SEQUENCE: START WITH <constant>',
    String.raw`(?<=\bSTART\s+WITH\s+)-(?=\d)`,
    () => '',
  ),
  gap(
    'a sequence of a user-defined type with its schema',
    'CREATE SEQUENCE: AS [ built_in_integer_type | user-defined_integer_type ]',
    String.raw`(?<=\bCREATE\s+SEQUENCE\s+${QUALIFIED}\s+AS\s+)${NAME}\.(${NAME})`,
    (_all, name) => name ?? '',
  ),
  gap(
    'a partition function with a collation',
    "CREATE PARTITION FUNCTION; ScriptDom's PartitionParameterType has a Collation",
    String.raw`(?<=\bCREATE\s+PARTITION\s+FUNCTION\s+${NAME}\s*\(\s*n?(?:var)?char\s*\(\s*\d+\s*\)\s+)COLLATE\s+\w+(?=\s*\))`,
    () => '',
  ),
  gap(
    'a table on a partition scheme, with options after it',
    'CREATE TABLE: ON { partition_scheme_name ( column ) } … [ WITH ( <table_option> [ ,...n ] ) ]',
    String.raw`(?<=\bCREATE\s+TABLE\b[^;]*\)\s*)\bON\s+${NAME}\s*\(\s*${NAME}\s*\)(?=\s*WITH\s*\()`,
    () => '',
  ),
  gap(
    'a default of the old kind',
    'CREATE DEFAULT [ schema_name . ] default_name AS constant_expression',
    String.raw`\bCREATE\s+DEFAULT\s+${QUALIFIED}\s+AS\s+(${NUMBER}|${STRING})${END}`,
    (_all, value) => `SELECT ${value}`,
  ),
  gap(
    'a security policy with two options',
    'CREATE SECURITY POLICY: WITH ( STATE = { ON | OFF } [,] [ SCHEMABINDING = { ON | OFF } ] )',
    String.raw`(?<=\bSTATE\s*=\s*(?:ON|OFF)\s*),\s*SCHEMABINDING\s*=\s*(ON|OFF)(?=\s*\))`,
    (_all, value) => ` SCHEMABINDING ${value}`,
  ),
  gap(
    'a column of a user-defined type with its schema',
    'CREATE TABLE: <data_type> ::= [ type_schema_name. ] type_name',
    String.raw`(?<=\b(?:TABLE|DECLARE)\b[^;]*[(,]\s*${NAME}\s+)${NAME}\.(${NAME})(?=\s*(?:[,)]|\b(?:NOT|NULL|CONSTRAINT|DEFAULT|SPARSE|COLLATE|IDENTITY|MASKED|ROWGUIDCOL|CHECK|PRIMARY|UNIQUE|REFERENCES)\b))`,
    () => '[dbo_type]',
  ),
  gap(
    'the column set of sparse columns',
    'CREATE TABLE: column_set_name XML COLUMN_SET FOR ALL_SPARSE_COLUMNS',
    String.raw`(?<=\bxml\]?\s+)${words('COLUMN_SET FOR ALL_SPARSE_COLUMNS')}`,
    () => '',
  ),
  gap(
    'the period of a temporal table, beside its columns',
    'CREATE TABLE: PERIOD FOR SYSTEM_TIME ( start , end )',
    String.raw`,\s*${words('PERIOD FOR SYSTEM_TIME')}\s*\(\s*${NAME}\s*,\s*${NAME}\s*\)`,
    () => '',
  ),
  gap(
    'the period of a temporal table, added later',
    'ALTER TABLE: ADD PERIOD FOR SYSTEM_TIME ( start , end )',
    String.raw`(?<=\bADD\s+)${words('PERIOD FOR SYSTEM_TIME')}\s*\(\s*${NAME}\s*,\s*${NAME}\s*\)`,
    () => '[period] int',
  ),
  gap(
    'system versioning, switched',
    'ALTER TABLE: SET ( SYSTEM_VERSIONING = OFF | ON [ ( HISTORY_TABLE = … ) ] )',
    String.raw`(?<=\bSET\s*\(\s*)${VERSIONING}(?=\s*\))`,
    () => 'LOCK_ESCALATION = AUTO',
  ),
  gap(
    'system versioning of a new table',
    'CREATE TABLE: WITH ( SYSTEM_VERSIONING = ON [ ( HISTORY_TABLE = … ) ] )',
    String.raw`(?<=\bWITH\s*\([^;]*)${VERSIONING}(?=\s*[,)])`,
    () => 'DATA_COMPRESSION = PAGE',
  ),
  gap(
    'checking the rows that are there already',
    'ALTER TABLE: WITH { CHECK | NOCHECK } { CHECK | NOCHECK } CONSTRAINT { ALL | name }',
    String.raw`(?<=\bALTER\s+TABLE\s+${QUALIFIED}\s+)(?:WITH\s+(?:NO)?CHECK\s+)?((?:NO)?CHECK)\s+CONSTRAINT\s+(?:ALL\b|${NAME})(?!\s*,)`,
    (_all, check) => `${check} CONSTRAINT [x]`,
  ),
  gap(
    'a constraint that replication does not check',
    'ALTER TABLE: [ NOT FOR REPLICATION ] of FOREIGN KEY and CHECK',
    String.raw`(?<=(?:\bCHECK|\bREFERENCES\s+${QUALIFIED}\s*${COLUMNS}(?:\s+ON\s+(?:DELETE|UPDATE)\s+(?:NO\s+ACTION|CASCADE|SET\s+NULL|SET\s+DEFAULT)){0,2})\s+)${words('NOT FOR REPLICATION')}`,
    () => '',
  ),
  gap(
    'all triggers of a table',
    'ALTER TABLE: { ENABLE | DISABLE } TRIGGER { ALL | name }',
    String.raw`(?<=\bALTER\s+TABLE\s+${QUALIFIED}\s+(?:ENABLE|DISABLE)\s+TRIGGER\s+)ALL\b`,
    () => '[x]',
  ),
  gap(
    'several permissions at once',
    'GRANT { permission [ ( column [ ,...n ] ) ] } [ ,...n ]; DENY and REVOKE alike',
    String.raw`(?<=\b(?:GRANT|DENY|REVOKE)\s+)${OBJECT_PERMISSION}(?:\s*${COLUMNS})?(?:\s*,\s*${OBJECT_PERMISSION}(?:\s*${COLUMNS})?)+(?=\s+(?:ON|TO|FROM)\b)`,
    () => 'SELECT',
  ),
  gap(
    'permissions on columns, in the order of the catalog',
    'GRANT object permissions: ON [ OBJECT :: ] name [ ( column [ ,...n ] ) ]',
    String.raw`(?<=\b(?:GRANT|DENY|REVOKE(?:\s+GRANT\s+OPTION\s+FOR)?)\s+${PERMISSION}\s+ON\s+${SECURABLE}\s*)${COLUMNS}(?=\s+(?:TO|FROM)\b)`,
    () => '',
  ),
  gap(
    'DENY',
    'DENY permission [ ON securable ] TO principal [ CASCADE ] [ AS principal ]',
    String.raw`\bDENY\s+(${PERMISSION})(\s+ON\s+${SECURABLE})?\s+TO\s+(${GRANTEES})(?:\s+CASCADE)?(\s+AS\s+${NAME})?${END}`,
    (_all, permission, on, to, as) => `GRANT ${permission}${on ?? ''} TO ${to}${as ?? ''}`,
  ),
  gap(
    'REVOKE',
    'REVOKE [ GRANT OPTION FOR ] permission [ ON securable ] FROM principal [ CASCADE ] [ AS principal ]',
    String.raw`\bREVOKE\s+(?:GRANT\s+OPTION\s+FOR\s+)?(${PERMISSION})(\s+ON\s+${SECURABLE})?\s+(?:FROM|TO)\s+(${GRANTEES})(?:\s+CASCADE)?(\s+AS\s+${NAME})?${END}`,
    (_all, permission, on, to, as) => `GRANT ${permission}${on ?? ''} TO ${to}${as ?? ''}`,
  ),
  gap(
    'an index on a partition scheme',
    'CREATE INDEX: ON partition_scheme_name ( column_name )',
    String.raw`(?<=\bINDEX\b[^;]*\)\s*\bON\s+${NAME})\s*\(\s*${NAME}\s*\)`,
    () => '',
  ),
  gap(
    'a columnstore index on a partition scheme or with an order',
    'CREATE COLUMNSTORE INDEX: [ ORDER ( column [ ,...n ] ) ] … ON partition_scheme_name ( column_name )',
    String.raw`(?<=\bCOLUMNSTORE\s+INDEX\s+${NAME}\s+ON\s+${QUALIFIED}(?:\s*${COLUMNS})?\s*)ORDER\s*${COLUMNS}`,
    () => '',
  ),
  gap(
    'a hash index of a memory-optimized table',
    'CREATE TABLE: NONCLUSTERED HASH ( column [ ,...n ] ) WITH ( BUCKET_COUNT = n )',
    String.raw`\bNONCLUSTERED\s+HASH\s*(${COLUMNS})\s*WITH\s*\(\s*BUCKET_COUNT\s*=\s*\d+\s*\)`,
    (_all, columns) => `NONCLUSTERED ${columns}`,
  ),
  gap(
    'an index among the constraints of a table',
    'CREATE TABLE: <table_index> ::= INDEX index_name [ UNIQUE ] [ CLUSTERED | NONCLUSTERED ] ( column [ ASC | DESC ] [ ,...n ] )',
    String.raw`(?<=,\s*)INDEX\s+${NAME}(?:\s+UNIQUE)?(?:\s+(?:NON)?CLUSTERED)?\s*${ORDERED_COLUMNS}(?=\s*[,)])`,
    () => 'CHECK (1=1)',
  ),
  gap(
    'a spatial index',
    'CREATE SPATIAL INDEX name ON object ( column ) [ USING tessellation ] [ WITH ( BOUNDING_BOX …, GRIDS …, CELLS_PER_OBJECT … ) ]',
    String.raw`\bCREATE\s+SPATIAL\s+INDEX\s+(${NAME})\s+ON\s+(${QUALIFIED})\s*\(\s*(${NAME})\s*\)(?:\s*USING\s+(?:GEOMETRY|GEOGRAPHY)_(?:AUTO_)?GRID)?(?:\s*WITH\s*\(\s*(?:BOUNDING_BOX\s*=\s*\(\s*${NUMBER}(?:\s*,\s*${NUMBER}){3}\s*\)|GRIDS\s*=\s*\(\s*(?:LOW|MEDIUM|HIGH)(?:\s*,\s*(?:LOW|MEDIUM|HIGH)){3}\s*\)|CELLS_PER_OBJECT\s*=\s*\d+|PAD_INDEX\s*=\s*(?:ON|OFF)|FILLFACTOR\s*=\s*\d+|DATA_COMPRESSION\s*=\s*(?:NONE|ROW|PAGE)|\s*,\s*(?=[A-Z]))+\s*\))?`,
    (_all, index, table, column) => `CREATE INDEX ${index} ON ${table} (${column})`,
  ),
  gap(
    'a full-text index',
    'CREATE FULLTEXT INDEX ON table ( column [ TYPE COLUMN column ] [ LANGUAGE lcid ] [ STATISTICAL_SEMANTICS ] [ ,...n ] ) KEY INDEX index [ ON catalog ] [ WITH ( CHANGE_TRACKING = { MANUAL | AUTO | OFF }, STOPLIST = { OFF | SYSTEM | name } ) ]',
    String.raw`\bCREATE\s+FULLTEXT\s+INDEX\s+ON\s+(${QUALIFIED})\s*\(\s*${FULLTEXT_COLUMN}(?:\s*,\s*${FULLTEXT_COLUMN})*\s*\)\s*KEY\s+INDEX\s+${NAME}(?:\s+ON\s+${NAME})?(?:\s*WITH\s*\(\s*CHANGE_TRACKING\s*=\s*(?:MANUAL|AUTO|OFF)\s*,\s*STOPLIST\s*=\s*(?:OFF|SYSTEM|${NAME})\s*\))?`,
    (_all, table) => `CREATE INDEX [x] ON ${table} ([x])`,
  ),
  gap(
    'a full-text index that is not kept',
    'ALTER FULLTEXT INDEX ON table { ENABLE | DISABLE }',
    String.raw`\bALTER\s+FULLTEXT\s+INDEX\s+ON\s+(${QUALIFIED})\s+(?:ENABLE|DISABLE)${END}`,
    (_all, table) => `ALTER INDEX [x] ON ${table} DISABLE`,
  ),
  gap(
    'reseeding an identity',
    'DBCC CHECKIDENT ( table [ , { NORESEED | RESEED [ , new_value ] } ] ) [ WITH NO_INFOMSGS ]',
    String.raw`\bDBCC\s+CHECKIDENT\s*\(\s*(?:${STRING}|${QUALIFIED})(?:\s*,\s*(?:NORESEED|RESEED(?:\s*,\s*(?:${NUMBER}|@\w+))?))?\s*\)(?:\s*WITH\s+NO_INFOMSGS)?${END}`,
    () => 'DBCC CHECKDB',
  ),
  gap(
    'a bulk load',
    'INSERT BULK, as [MS-TDS] 2.2.5.5 gives it: INSERT BULK object ( column type [ ,...n ] ) [ WITH ( hint [ ,...n ] ) ]',
    String.raw`\bINSERT\s+BULK\s+(${QUALIFIED})\s*\(([^;]+?)\)(?:\s*WITH\s*\(\s*(?:KEEP_NULLS|TABLOCK|CHECK_CONSTRAINTS|FIRE_TRIGGERS|KEEP_IDENTITY|ORDER\s*${ORDERED_COLUMNS}|ROWS_PER_BATCH\s*=\s*\d+)(?:\s*,\s*(?:KEEP_NULLS|TABLOCK|CHECK_CONSTRAINTS|FIRE_TRIGGERS|KEEP_IDENTITY|ORDER\s*${ORDERED_COLUMNS}|ROWS_PER_BATCH\s*=\s*\d+))*\s*\))?${END}`,
    (_all, table, columns) => `CREATE TABLE ${table} (${columns})`,
  ),
  gap(
    'all versions of the rows of a temporal table',
    'FROM: table FOR SYSTEM_TIME ALL',
    String.raw`(?<=\b(?:FROM|JOIN)\s+${QUALIFIED}\s+)${words('FOR SYSTEM_TIME ALL')}`,
    () => '',
  ),
]
