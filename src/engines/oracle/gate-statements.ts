/** What keeps applications out, and what tells whether it does. The views need SELECT_CATALOG_ROLE. */

/** Of the database, and of the pluggable one that the session is in: V$PDBS shows others from the root only. */
export const READ_OPEN_MODES = `
SELECT d.open_mode AS "mode"
FROM v$database d
UNION ALL
SELECT p.open_mode AS "mode"
FROM v$pdbs p
WHERE p.name = SYS_CONTEXT('USERENV', 'CON_NAME')`

/** SYSTEM is Oracle's, and is used like any other. A common account can be locked from the root alone (ORA-65066). */
export const READ_GATE_ACCOUNTS = `
SELECT u.username AS "name", u.account_status AS "status", u.common AS "common"
FROM dba_users u
WHERE u.oracle_maintained = 'N'
ORDER BY u.username`

/** But for this one. What was ended already only waits for its client to notice. */
export const READ_OTHER_SESSIONS = `
SELECT TO_CHAR(s.sid) AS "sid", TO_CHAR(s.serial#) AS "serial", TO_CHAR(s.inst_id) AS "instance",
       s.username AS "account"
FROM gv$session s
WHERE s.type = 'USER' AND s.username IS NOT NULL AND s.status <> 'KILLED'
  AND NOT (s.sid = TO_NUMBER(SYS_CONTEXT('USERENV', 'SID'))
    AND s.inst_id = TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE')))
ORDER BY s.inst_id, s.sid`

export const LOCK_ACCOUNT = `
BEGIN
  EXECUTE IMMEDIATE 'ALTER USER ' || DBMS_ASSERT.ENQUOTE_NAME(:p_account, FALSE) || ' ACCOUNT LOCK';
END;`

export const UNLOCK_ACCOUNT = `
BEGIN
  EXECUTE IMMEDIATE 'ALTER USER ' || DBMS_ASSERT.ENQUOTE_NAME(:p_account, FALSE) || ' ACCOUNT UNLOCK';
END;`

/** `sid,serial#,@instance`. */
export const END_SESSION = `
BEGIN
  EXECUTE IMMEDIATE 'ALTER SYSTEM KILL SESSION ' || DBMS_ASSERT.ENQUOTE_LITERAL(:p_session) || ' IMMEDIATE';
END;`

/** ALTER SYSTEM is nobody's there but RDS's own. */
export const END_SESSION_ON_RDS = `
BEGIN
  rdsadmin.rdsadmin_util.kill(
    sid => TO_NUMBER(:p_sid), serial => TO_NUMBER(:p_serial), method => 'IMMEDIATE');
END;`

/** Gives back what it wrote. The name is not one of a run's table, which the next run would clear. */
export const WRITE_SCRATCH = `
DECLARE
  l_read NUMBER;
BEGIN
  EXECUTE IMMEDIATE 'CREATE TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' (n NUMBER PRIMARY KEY)';
  BEGIN
    EXECUTE IMMEDIATE 'INSERT INTO ' || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' (n) VALUES (42)';
    COMMIT;
    EXECUTE IMMEDIATE 'SELECT n FROM ' || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) INTO l_read;
  EXCEPTION
    WHEN OTHERS THEN
      EXECUTE IMMEDIATE 'DROP TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' PURGE';
      RAISE;
  END;
  EXECUTE IMMEDIATE 'DROP TABLE ' || DBMS_ASSERT.ENQUOTE_NAME(:p_table, FALSE) || ' PURGE';
  :p_read := l_read;
END;`
