/** What is asked of the dictionary. Only fixed texts: what comes from outside is bound. */

export const READ_VERSION = `
SELECT product AS "product", version AS "version"
FROM product_component_version
WHERE product LIKE 'Oracle%'`

export const READ_SESSION = `
SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') AS "user",
       SYS_CONTEXT('USERENV', 'CON_NAME') AS "container",
       SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME') AS "uniqueName",
       SYS_CONTEXT('USERENV', 'SERVER_HOST') AS "host",
       SYS_CONTEXT('USERENV', 'NETWORK_PROTOCOL') AS "protocol"
FROM dual`

export const READ_CHARACTER_SETS = `
SELECT parameter AS "parameter", value AS "value"
FROM nls_database_parameters
WHERE parameter IN ('NLS_CHARACTERSET', 'NLS_NCHAR_CHARACTERSET')`

/** Needs SELECT_CATALOG_ROLE, which the roles of Data Pump bring. */
export const READ_DATABASE = `
SELECT TO_CHAR(dbid) AS "dbid", TO_CHAR(con_dbid) AS "conDbid",
       TO_CHAR(resetlogs_change#) || ' ' || TO_CHAR(resetlogs_time, 'YYYY-MM-DD HH24:MI:SS') AS "resetlogs",
       open_mode AS "openMode"
FROM v$database`

export const READ_SCN = `
SELECT TO_CHAR(current_scn) AS "scn"
FROM v$database`

/** For whom v$database is closed; up to 3 s behind. */
export const READ_SCN_BY_TIME = `
SELECT TO_CHAR(TIMESTAMP_TO_SCN(SYSTIMESTAMP)) AS "scn"
FROM dual`

export const READ_USERS = `
SELECT username AS "name", oracle_maintained AS "maintained"
FROM all_users
ORDER BY username`

/** Tables of the recycle bin have been dropped; those of lifeboat's runs are its own. */
export const READ_OBJECT_OWNERS = `
SELECT o.owner AS "owner", COUNT(*) AS "objects"
FROM all_objects o JOIN all_users u ON u.username = o.owner
WHERE u.oracle_maintained = 'N'
  AND o.object_name NOT LIKE 'BIN$%' AND o.object_name NOT LIKE 'LIFEBOAT\\_%' ESCAPE '\\'
GROUP BY o.owner
ORDER BY o.owner`

/**
 * Tables whose rows Data Pump unloads, those of objects and of XML too: not temporary, external or dropped ones, not the storage of nested tables, text
 * indexes, overflow segments and materialized view logs, which come with what they belong to, nor the tables of jobs.
 */
export const READ_TABLES = `
SELECT t.owner AS "owner", t.table_name AS "name",
       TO_CHAR(NVL(t.num_rows, 0) * NVL(t.avg_row_len, 0)) AS "estimateBytes"
FROM all_all_tables t JOIN all_users u ON u.username = t.owner
WHERE u.oracle_maintained = 'N'
  AND t.temporary = 'N' AND t.nested = 'NO' AND t.secondary = 'N' AND t.dropped = 'NO'
  AND (t.iot_type IS NULL OR t.iot_type = 'IOT')
  AND t.table_name NOT LIKE 'LIFEBOAT\\_%' ESCAPE '\\'
  AND NOT REGEXP_LIKE(t.table_name, '^SYS_(EXPORT|IMPORT|SQL_FILE)_[A-Z]+_[0-9]+$')
  AND NOT EXISTS (SELECT 1 FROM all_external_tables e WHERE e.owner = t.owner AND e.table_name = t.table_name)
  AND NOT EXISTS (SELECT 1 FROM all_mview_logs l WHERE l.log_owner = t.owner AND l.log_table = t.table_name)
  AND t.table_name NOT LIKE 'RUPD$\\_%' ESCAPE '\\'
ORDER BY t.owner, t.table_name`

/** Tables that Data Pump has definitions of, and no rows. */
export const READ_EXTERNAL_TABLES = `
SELECT COUNT(*) AS "tables"
FROM all_external_tables t JOIN all_users u ON u.username = t.owner
WHERE u.oracle_maintained = 'N'`

/** Policies hide rows from whoever is not exempt. */
export const READ_POLICIES = `
SELECT COUNT(*) AS "policies"
FROM all_policies p JOIN all_users u ON u.username = p.object_owner
WHERE u.oracle_maintained = 'N' AND p.enable = 'YES'`

export const READ_SEGMENTS = `
SELECT s.owner AS "owner", s.tablespace_name AS "tablespace", TO_CHAR(SUM(s.bytes)) AS "bytes"
FROM dba_segments s JOIN all_users u ON u.username = s.owner
WHERE u.oracle_maintained = 'N'
  AND s.segment_type IN ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION', 'NESTED TABLE', 'CLUSTER',
                         'LOBSEGMENT', 'LOB PARTITION', 'LOB SUBPARTITION')
GROUP BY s.owner, s.tablespace_name`

/** Where indexes and empty tables are to lie, too. */
export const READ_USER_TABLESPACES = `
SELECT username AS "owner", default_tablespace AS "tablespace"
FROM dba_users
WHERE oracle_maintained = 'N'`

export const READ_INDEX_TABLESPACES = `
SELECT DISTINCT s.owner AS "owner", s.tablespace_name AS "tablespace"
FROM dba_segments s JOIN all_users u ON u.username = s.owner
WHERE u.oracle_maintained = 'N'`

export const READ_TABLESPACES = `
SELECT tablespace_name AS "name", contents AS "contents"
FROM dba_tablespaces`

export const READ_PRIVILEGES = `
SELECT privilege AS "privilege"
FROM session_privs`

export const READ_ROLES = `
SELECT role AS "role"
FROM session_roles`

export const READ_DIRECTORY = `
SELECT directory_path AS "path"
FROM all_directories
WHERE directory_name = :p_directory`

export const READ_DIRECTORY_GRANTS = `
SELECT DISTINCT privilege AS "privilege"
FROM all_tab_privs
WHERE table_schema = 'SYS' AND table_name = :p_directory
  AND (grantee IN (USER, 'PUBLIC') OR grantee IN (SELECT role FROM session_roles))`

/** A package is listed for whoever may execute it. */
export const READ_PACKAGES = `
SELECT DISTINCT object_name AS "name"
FROM all_objects
WHERE owner = 'SYS' AND object_type = 'PACKAGE'
  AND object_name IN ('DBMS_DATAPUMP', 'UTL_FILE', 'DBMS_LOB', 'DBMS_ASSERT')`

/**
 * What the files of the database take on disk: data, temporary and log files, every member of a group, control files. In a
 * pluggable database only its own data files are seen. Archived logs are left out: RDS removes them by itself.
 */
export const READ_DATABASE_FILES = `
SELECT TO_CHAR(SUM(f.bytes)) AS "bytes"
FROM (
  SELECT d.bytes FROM v$datafile d
  UNION ALL
  SELECT t.bytes FROM v$tempfile t
  UNION ALL
  SELECT l.bytes FROM v$log l JOIN v$logfile m ON m.group# = l.group#
  UNION ALL
  SELECT s.bytes FROM v$standby_log s JOIN v$logfile n ON n.group# = s.group#
  UNION ALL
  SELECT c.block_size * c.file_size_blks FROM v$controlfile c
) f`

/** Room that SQL can see: only where the directory lies in ASM. */
export const READ_ASM_ROOM = `
SELECT TO_CHAR(usable_file_mb) AS "megabytes"
FROM v$asm_diskgroup_stat
WHERE name = :p_group`

export const COUNT_ROWS_AS_OF = `
DECLARE
  l_rows NUMBER;
BEGIN
  EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM ' || DBMS_ASSERT.ENQUOTE_NAME(:p_schema, FALSE) || '.'
    || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' AS OF SCN :scn'
    INTO l_rows USING TO_NUMBER(:p_scn);
  :p_rows := l_rows;
END;`

export const COUNT_ROWS = `
DECLARE
  l_rows NUMBER;
BEGIN
  EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM ' || DBMS_ASSERT.ENQUOTE_NAME(:p_schema, FALSE) || '.'
    || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE)
    INTO l_rows;
  :p_rows := l_rows;
END;`

/** Refuses what Oracle maintains, whatever was asked. */
export const DROP_USER = `
DECLARE
  l_found NUMBER;
BEGIN
  SELECT COUNT(*) INTO l_found FROM all_users WHERE username = :p_schema AND oracle_maintained = 'N';
  IF l_found = 1 THEN
    EXECUTE IMMEDIATE 'DROP USER ' || DBMS_ASSERT.ENQUOTE_NAME(:p_schema, FALSE) || ' CASCADE';
  END IF;
END;`

export const DROP_TABLE = `
BEGIN
  EXECUTE IMMEDIATE 'DROP TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_schema, FALSE) || '.'
    || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' CASCADE CONSTRAINTS PURGE';
END;`

/** Where files are managed by Oracle (db_create_file_dest), as on RDS. */
export const CREATE_TABLESPACE = `
BEGIN
  EXECUTE IMMEDIATE 'CREATE TABLESPACE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_tablespace, FALSE);
END;`

export const SET_QUERY_SCHEMA = `
BEGIN
  EXECUTE IMMEDIATE 'ALTER SESSION SET CURRENT_SCHEMA = ' || DBMS_ASSERT.ENQUOTE_NAME(:p_schema, FALSE);
END;`

export const SET_READ_ONLY = `
BEGIN
  EXECUTE IMMEDIATE 'SET TRANSACTION READ ONLY';
END;`
