/**
 * A run's table, LIFEBOAT_<id> in the account's own schema, remembers which directory the run's files are in, and its
 * lock says that the run is alive: whoever can lock it exclusively has found the leftovers of a dead run.
 */

export const BEGIN_RUN = `
BEGIN
  EXECUTE IMMEDIATE 'CREATE TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE) || ' (directory_name VARCHAR2(128))';
  EXECUTE IMMEDIATE 'INSERT INTO ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE) || ' VALUES (:directory)'
    USING :p_directory;
  COMMIT;
  EXECUTE IMMEDIATE 'LOCK TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE) || ' IN ROW SHARE MODE';
END;`

export const READ_RUNS = `
SELECT table_name AS "name"
FROM user_tables
WHERE table_name LIKE 'LIFEBOAT\\_%' ESCAPE '\\'
ORDER BY table_name`

/** ORA-00054 where the run is alive, ORA-00942 where another run was faster. */
export const CLAIM_RUN = `
DECLARE
  l_directory VARCHAR2(128);
BEGIN
  EXECUTE IMMEDIATE 'LOCK TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE) || ' IN EXCLUSIVE MODE NOWAIT';
  EXECUTE IMMEDIATE 'SELECT MAX(directory_name) FROM ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE)
    INTO l_directory;
  :p_directory := l_directory;
END;`

/** The lock of a session that was cut goes when the server notices. */
export const END_RUN = `
DECLARE
  l_found NUMBER;
BEGIN
  SELECT COUNT(*) INTO l_found FROM user_tables WHERE table_name = :p_run;
  IF l_found = 1 THEN
    EXECUTE IMMEDIATE 'ALTER SESSION SET ddl_lock_timeout = 15';
    EXECUTE IMMEDIATE 'DROP TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_run, FALSE) || ' PURGE';
  END IF;
END;`
