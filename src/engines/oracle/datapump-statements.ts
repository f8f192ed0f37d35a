/**
 * DBMS_DATAPUMP. Its types are unqualified: KU$_STATUS is a public synonym of a type that has another name in each
 * version. Starting a job resolves with the reason of a failure rather than raising it: what Data Pump says of an
 * ORA-39001 or ORA-39002 is in its status only, and gone with the handle.
 */

const EXPLAIN_AND_STOP = `
EXCEPTION
  WHEN OTHERS THEN
    l_failure := SQLERRM;
    IF l_handle IS NOT NULL THEN
      BEGIN
        DBMS_DATAPUMP.GET_STATUS(l_handle, DBMS_DATAPUMP.KU$_STATUS_JOB_ERROR, 0, l_state, l_status);
        IF BITAND(l_status.mask, DBMS_DATAPUMP.KU$_STATUS_JOB_ERROR) <> 0 AND l_status.error IS NOT NULL THEN
          FOR l_index IN 1 .. l_status.error.COUNT LOOP
            l_failure := SUBSTR(l_failure || CHR(10) || l_status.error(l_index).logtext, 1, 4000);
          END LOOP;
        END IF;
      EXCEPTION
        WHEN OTHERS THEN
          l_failure := SUBSTR(l_failure || CHR(10) || SQLERRM, 1, 4000);
      END;
      BEGIN
        DBMS_DATAPUMP.STOP_JOB(l_handle, 1, 0, 0);
      EXCEPTION
        WHEN OTHERS THEN
          l_failure := SUBSTR(l_failure || CHR(10) || SQLERRM, 1, 4000);
      END;
    END IF;
    :p_handle := NULL;
    :p_failure := l_failure;
END;`

/** ORA-31627 is no error: "API call succeeded but more information is available". */
const START = `
  BEGIN
    DBMS_DATAPUMP.START_JOB(l_handle);
  EXCEPTION
    WHEN OTHERS THEN
      IF SQLCODE <> -31627 THEN
        RAISE;
      END IF;
  END;
  :p_handle := l_handle;
  :p_failure := NULL;`

const DECLARATIONS = `
DECLARE
  l_handle NUMBER;
  l_state VARCHAR2(30);
  l_status KU$_STATUS;
  l_failure VARCHAR2(32767);`

/** p_schemas and p_tables are lists of literals ('A','B'), each quoted; p_run is the table of the run, left out. */
export const START_EXPORT = `${DECLARATIONS}
BEGIN
  l_handle := DBMS_DATAPUMP.OPEN(operation => 'EXPORT', job_mode => :p_mode, job_name => :p_job, version => :p_version);
  DBMS_DATAPUMP.ADD_FILE(handle => l_handle, filename => :p_pieces, directory => :p_directory,
    filesize => :p_piece_bytes, filetype => DBMS_DATAPUMP.KU$_FILE_TYPE_DUMP_FILE);
  DBMS_DATAPUMP.ADD_FILE(handle => l_handle, filename => :p_log, directory => :p_directory,
    filetype => DBMS_DATAPUMP.KU$_FILE_TYPE_LOG_FILE);
  DBMS_DATAPUMP.METADATA_FILTER(l_handle, 'SCHEMA_LIST', TO_CLOB(:p_schemas));
  IF :p_mode = 'TABLE' THEN
    DBMS_DATAPUMP.METADATA_FILTER(l_handle, 'NAME_LIST', TO_CLOB(:p_tables), 'TABLE');
  ELSE
    DBMS_DATAPUMP.METADATA_FILTER(l_handle, 'NAME_EXPR', '!= ' || DBMS_ASSERT.ENQUOTE_LITERAL(:p_run), 'TABLE');
  END IF;
  DBMS_DATAPUMP.SET_PARAMETER(l_handle, 'FLASHBACK_SCN', TO_NUMBER(:p_scn));
  IF :p_parallel > 1 THEN
    DBMS_DATAPUMP.SET_PARALLEL(l_handle, :p_parallel);
  END IF;${START}${EXPLAIN_AND_STOP}`

/** p_remap_schemas and p_remap_tablespaces are lines of OLD, CHR(9), NEW. */
export const START_IMPORT = `${DECLARATIONS}
  PROCEDURE remap(p_what VARCHAR2, p_pairs VARCHAR2) IS
    l_from PLS_INTEGER := 1;
    l_to PLS_INTEGER;
    l_tab PLS_INTEGER;
    l_pair VARCHAR2(300);
  BEGIN
    WHILE l_from <= NVL(LENGTH(p_pairs), 0) LOOP
      l_to := INSTR(p_pairs || CHR(10), CHR(10), l_from);
      l_pair := SUBSTR(p_pairs, l_from, l_to - l_from);
      l_tab := INSTR(l_pair, CHR(9));
      DBMS_DATAPUMP.METADATA_REMAP(l_handle, p_what, SUBSTR(l_pair, 1, l_tab - 1), SUBSTR(l_pair, l_tab + 1));
      l_from := l_to + 1;
    END LOOP;
  END;
BEGIN
  l_handle := DBMS_DATAPUMP.OPEN(operation => 'IMPORT', job_mode => :p_mode, job_name => :p_job);
  DBMS_DATAPUMP.ADD_FILE(handle => l_handle, filename => :p_pieces, directory => :p_directory,
    filetype => DBMS_DATAPUMP.KU$_FILE_TYPE_DUMP_FILE);
  DBMS_DATAPUMP.ADD_FILE(handle => l_handle, filename => :p_log, directory => :p_directory,
    filetype => DBMS_DATAPUMP.KU$_FILE_TYPE_LOG_FILE);
  DBMS_DATAPUMP.METADATA_FILTER(l_handle, 'SCHEMA_LIST', TO_CLOB(:p_schemas));
  IF :p_mode = 'TABLE' THEN
    DBMS_DATAPUMP.METADATA_FILTER(l_handle, 'NAME_LIST', TO_CLOB(:p_tables), 'TABLE');
  END IF;
  DBMS_DATAPUMP.SET_PARAMETER(l_handle, 'TABLE_EXISTS_ACTION', :p_exists);
  remap('REMAP_SCHEMA', :p_remap_schemas);
  remap('REMAP_TABLESPACE', :p_remap_tablespaces);
  IF :p_parallel > 1 THEN
    DBMS_DATAPUMP.SET_PARALLEL(l_handle, :p_parallel);
  END IF;${START}${EXPLAIN_AND_STOP}`

/** Waits at the server for news, p_timeout seconds at most. The handle ends with the job: ORA-31623 or ORA-31626. */
export const READ_JOB_STATUS = `
DECLARE
  l_state VARCHAR2(30);
  l_status KU$_STATUS;
  l_text VARCHAR2(32767);
  PROCEDURE note(p_entries KU$_LOGENTRY) IS
  BEGIN
    IF p_entries IS NOT NULL THEN
      FOR l_index IN 1 .. p_entries.COUNT LOOP
        l_text := SUBSTR(l_text || p_entries(l_index).logtext || CHR(10), 1, 8000);
      END LOOP;
    END IF;
  END;
BEGIN
  DBMS_DATAPUMP.GET_STATUS(:p_handle,
    DBMS_DATAPUMP.KU$_STATUS_JOB_ERROR + DBMS_DATAPUMP.KU$_STATUS_JOB_STATUS + DBMS_DATAPUMP.KU$_STATUS_WIP,
    :p_timeout, l_state, l_status);
  IF BITAND(l_status.mask, DBMS_DATAPUMP.KU$_STATUS_JOB_STATUS) <> 0 AND l_status.job_status IS NOT NULL THEN
    :p_percent := l_status.job_status.percent_done;
    :p_errors := l_status.job_status.error_count;
  END IF;
  IF BITAND(l_status.mask, DBMS_DATAPUMP.KU$_STATUS_WIP) <> 0 THEN
    note(l_status.wip);
  END IF;
  IF BITAND(l_status.mask, DBMS_DATAPUMP.KU$_STATUS_JOB_ERROR) <> 0 THEN
    note(l_status.error);
  END IF;
  :p_state := l_state;
  :p_text := l_text;
END;`

/** From any session of the same account; a job that is not there is ORA-31626. */
export const STOP_JOB = `
DECLARE
  l_handle NUMBER;
BEGIN
  l_handle := DBMS_DATAPUMP.ATTACH(:p_job, USER);
  DBMS_DATAPUMP.STOP_JOB(l_handle, 1, 0, 0);
END;`

export const READ_JOB = `
SELECT state AS "state", attached_sessions AS "sessions"
FROM user_datapump_jobs
WHERE job_name = :p_job`

/** The master table of a job that can't be attached to any more has the job's name. */
export const DROP_MASTER = `
DECLARE
  l_found NUMBER;
BEGIN
  SELECT COUNT(*) INTO l_found FROM user_tables WHERE table_name = :p_job;
  IF l_found = 1 THEN
    EXECUTE IMMEDIATE 'ALTER SESSION SET ddl_lock_timeout = 15';
    EXECUTE IMMEDIATE 'DROP TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_job, FALSE) || ' PURGE';
  END IF;
END;`
