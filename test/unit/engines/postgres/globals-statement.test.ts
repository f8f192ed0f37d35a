import { describe, expect, test } from 'vitest'
import { readGlobalsStatement, stripAttributes } from '../../../../src/engines/postgres/globals-statement.ts'

describe('statements of pg_dumpall --globals-only', () => {
  test.each([
    ['CREATE ROLE app;', { kind: 'create-role', role: 'app' }],
    ['CREATE ROLE "Odd ""x"" y";', { kind: 'create-role', role: 'Odd "x" y' }],
    ['ALTER ROLE app WITH NOSUPERUSER LOGIN;', { kind: 'role-attributes', role: 'app' }],
    ["ALTER ROLE app SET work_mem TO '1MB';", { kind: 'role-detail', role: 'app' }],
    ["COMMENT ON ROLE app IS 'x WITH y';", { kind: 'role-detail', role: 'app' }],
    [
      'GRANT a TO b GRANTED BY rdsadmin;',
      { kind: 'membership', role: 'a', member: 'b', grantor: 'rdsadmin' },
    ],
    ['GRANT a TO "B c";', { kind: 'membership', role: 'a', member: 'B c', grantor: undefined }],
    [
      'GRANT a TO b WITH ADMIN OPTION, INHERIT FALSE GRANTED BY "x y";',
      { kind: 'membership', role: 'a', member: 'b', grantor: 'x y' },
    ],
    [
      "CREATE TABLESPACE fast OWNER app LOCATION '/mnt/f';",
      { kind: 'create-tablespace', tablespace: 'fast', owner: 'app' },
    ],
    ['GRANT CREATE ON TABLESPACE fast TO app;', { kind: 'tablespace-detail', tablespace: 'fast' }],
    ['REVOKE ALL ON TABLESPACE fast FROM PUBLIC;', { kind: 'tablespace-detail', tablespace: 'fast' }],
    ['ALTER TABLESPACE fast SET (seq_page_cost=1);', { kind: 'tablespace-detail', tablespace: 'fast' }],
    ["SET client_encoding = 'UTF8';", { kind: 'session' }],
    ['GRANT SET ON PARAMETER work_mem TO app;', { kind: 'other' }],
  ])('%s', (sql, expected) => {
    expect(readGlobalsStatement(sql)).toEqual(expected)
  })

  test('takes attributes out, but not out of names and passwords', () => {
    const sql = `ALTER ROLE "NOSUPERUSER BYPASSRLS" WITH NOSUPERUSER INHERIT CREATEROLE NOCREATEDB LOGIN REPLICATION NOBYPASSRLS CONNECTION LIMIT 3 PASSWORD 'REPLICATION NOBYPASSRLS' VALID UNTIL 'infinity';`
    expect(stripAttributes(sql, ['SUPERUSER', 'REPLICATION', 'BYPASSRLS'])).toEqual({
      sql: `ALTER ROLE "NOSUPERUSER BYPASSRLS" WITH INHERIT CREATEROLE NOCREATEDB LOGIN CONNECTION LIMIT 3 PASSWORD 'REPLICATION NOBYPASSRLS' VALID UNTIL 'infinity';`,
      lost: ['REPLICATION'],
    })
  })

  test('leaves a statement alone that has nothing to take out', () => {
    const sql = 'ALTER ROLE app WITH INHERIT LOGIN;'
    expect(stripAttributes(sql, ['SUPERUSER'])).toEqual({ sql, lost: [] })
  })
})
