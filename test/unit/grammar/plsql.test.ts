import { describe, expect, it } from 'vitest'
import { GrammarError } from './grammars.ts'
import { PLSQL_GAPS, parsePlsql } from './plsql.ts'

const KNOWN: Readonly<Record<string, string>> = {
  'a block that starts a Data Pump job': `DECLARE h NUMBER;
    BEGIN
      h := DBMS_DATAPUMP.OPEN(operation => 'EXPORT', job_mode => 'SCHEMA', job_name => :job);
      DBMS_DATAPUMP.ADD_FILE(handle => h, filename => :file, directory => :dir,
        filetype => DBMS_DATAPUMP.KU$_FILE_TYPE_DUMP_FILE, filesize => :size, reusefile => 1);
      DBMS_DATAPUMP.SET_PARAMETER(h, 'FLASHBACK_SCN', TO_NUMBER(:scn));
      DBMS_DATAPUMP.START_JOB(h);
    EXCEPTION WHEN OTHERS THEN
      BEGIN DBMS_DATAPUMP.DETACH(h); EXCEPTION WHEN OTHERS THEN NULL; END;
      RAISE;
    END;`,
  'a loop over what a job says': `DECLARE sts ku$_Status; le ku$_LogEntry; ind NUMBER;
    BEGIN
      DBMS_DATAPUMP.GET_STATUS(:h, DBMS_DATAPUMP.KU$_STATUS_WIP + 1, 5, :state, sts);
      IF BITAND(sts.mask, DBMS_DATAPUMP.KU$_STATUS_WIP) != 0 THEN le := sts.wip; END IF;
      ind := le.FIRST;
      WHILE ind IS NOT NULL LOOP :log := :log || le(ind).LogText; ind := le.NEXT(ind); END LOOP;
    END;`,
  'a flashback query': 'SELECT COUNT(*) FROM "HR"."EMP" AS OF SCN :scn',
  'a file as a LOB': 'SELECT BFILENAME(:dir, :file) FROM DUAL',
  'raw bytes into a file': `DECLARE f UTL_FILE.FILE_TYPE;
    BEGIN f := UTL_FILE.FOPEN(:dir, :name, 'ab', 32767); UTL_FILE.PUT_RAW(f, :piece, TRUE); UTL_FILE.FCLOSE(f); END;`,
  'a table function': 'SELECT filename FROM TABLE(rdsadmin.rds_file_util.listdir(p_directory => :dir))',
  'a new user':
    'CREATE USER "A" IDENTIFIED BY "x" DEFAULT TABLESPACE "USERS" QUOTA UNLIMITED ON "USERS" ACCOUNT LOCK',
  'a setting': "ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD'",
}

const WRONG: Readonly<Record<string, string>> = {
  'a missing parenthesis': 'BEGIN DBMS_DATAPUMP.START_JOB(h; END;',
  'one parenthesis too many': 'SELECT 1 FROM DUAL)',
  'a block without its end': 'BEGIN NULL;',
  'a missing semicolon': 'BEGIN DBMS_DATAPUMP.DETACH(h) END;',
  'a misspelt keyword': 'DECLAR h NUMBER; BEGIN NULL; END;',
  'a misspelt SCN': 'SELECT COUNT(*) FROM t AS OF SNC 5',
  'an assignment without its colon': 'DECLARE h NUMBER; BEGIN h = 1; END;',
  'an IF without its end': 'BEGIN IF 1 = 1 THEN NULL; END;',
  'a loop without its end': 'BEGIN WHILE 1 = 1 LOOP NULL; END; END;',
  'a bind variable without its name': 'SELECT a FROM t WHERE b = :',
  'a string without its end': "BEGIN x := 'abc; END;",
  'T-SQL names': 'SELECT TOP 1 [a] FROM [t]',
  'a T-SQL call': 'EXEC sp_help @a = 1',
  'T-SQL variables': 'DECLARE @h int; BEGIN SET @h = 1 END',
  "MySQL's LIMIT": 'SELECT * FROM t LIMIT 5',
}

/** For each gap, by its construct: what is filled, and a wrong one that must be refused all the same. */
const FILLED: Readonly<Record<string, { readonly good: string; readonly wrong: string }>> = {
  'an attribute or column named MASK or BYTES': {
    good: 'SELECT SUM(s.bytes) FROM dba_segments s',
    wrong: 'SELECT SUM(s..bytes) FROM dba_segments s',
  },
  'a setting of the session that is a number': {
    good: 'ALTER SESSION SET ddl_lock_timeout = 15',
    wrong: 'ALTER SESSION SET ddl_lock_timeout 15',
  },
  'ending a session': {
    good: "ALTER SYSTEM KILL SESSION '12,345,@1' IMMEDIATE",
    wrong: 'ALTER SYSTEM KILL SESSION 12,345 IMMEDIATE',
  },
}

describe('the PL/SQL grammar', { timeout: 240_000 }, () => {
  it('has an example for each of its gaps', () => {
    expect(Object.keys(FILLED)).toEqual(PLSQL_GAPS.map((gap) => gap.construct))
  })

  it.each(Object.entries(FILLED))('fills %s, and no more', async (_construct, { good, wrong }) => {
    await parsePlsql(good)
    await expect(parsePlsql(wrong)).rejects.toThrow(GrammarError)
  })

  it.each(Object.entries(KNOWN))('takes %s', async (_what, text) => {
    await parsePlsql(text)
  })

  it.each(Object.entries(WRONG))('refuses %s', async (_what, text) => {
    await expect(parsePlsql(text)).rejects.toThrow(GrammarError)
  })
})
