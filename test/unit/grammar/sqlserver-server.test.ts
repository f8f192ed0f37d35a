import { expect, test } from 'vitest'
import { insertBulk } from '../../../src/engines/sqlserver/bulk-load.ts'
import { countText } from '../../../src/engines/sqlserver/count.ts'
import { DATABASES_TEXT, FEWER_DATABASES_TEXT } from '../../../src/engines/sqlserver/databases.ts'
import { dropOnRdsText, dropText, singleUserText } from '../../../src/engines/sqlserver/drop-database.ts'
import { BIRTHS_TEXT, FEWER_BIRTHS_TEXT, SERVER_NAME_TEXT } from '../../../src/engines/sqlserver/identity.ts'
import { mapUserText, ORPHANS_TEXT, TABLE_NAMES_TEXT } from '../../../src/engines/sqlserver/native-layout.ts'
import { USER_OBJECTS_TEXT } from '../../../src/engines/sqlserver/occupied.ts'
import { CREATE_PERMISSION_TEXT } from '../../../src/engines/sqlserver/probe.ts'
import { PERMISSIONS_TEXT } from '../../../src/engines/sqlserver/probe-database.ts'
import { lockTimeoutText, SNAPSHOT_LEVEL_TEXT } from '../../../src/engines/sqlserver/read-database.ts'
import { SERVER_FACTS_TEXT } from '../../../src/engines/sqlserver/server-facts.ts'
import { parseTsql } from './tsql.ts'

const ODD = "odd ]name's"

/** What lifeboat asks a server beside its catalog, and does to databases as a whole. */
const TEXTS: Readonly<Record<string, string>> = {
  'who the server is': SERVER_FACTS_TEXT,
  'its name': SERVER_NAME_TEXT,
  'when its databases were made': BIRTHS_TEXT,
  'the same without Service Broker': FEWER_BIRTHS_TEXT,
  'its databases': DATABASES_TEXT,
  'the same of an older server': FEWER_DATABASES_TEXT,
  'what the login may do in a database': PERMISSIONS_TEXT,
  'whether it may create some': CREATE_PERMISSION_TEXT,
  'whether a database is empty': USER_OBJECTS_TEXT,
  'the rows of a table': countText({ schema: 'my schema', name: ODD }),
  'how long to wait for locks': lockTimeoutText(60_000),
  'how tables are read': SNAPSHOT_LEVEL_TEXT,
  'ending the sessions in a database': singleUserText(ODD),
  'dropping it': dropText(ODD),
  'dropping it on RDS': dropOnRdsText(ODD),
  'the tables of a database': TABLE_NAMES_TEXT,
  'users without a login': ORPHANS_TEXT,
  'giving them one': mapUserText(ODD),
}

test.each(Object.entries(TEXTS))('%s', async (_name, text) => {
  await expect(parseTsql(text)).resolves.toBeUndefined()
})

// No grammar knows INSERT BULK, which only drivers say (MS-TDS 2.2.1.3): what is between its parentheses is a table's.
test('the columns of a bulk load', async () => {
  const text = insertBulk(
    '[dbo].[t]',
    [
      { name: ODD, type: 'decimal', precision: 38, scale: 10 },
      { name: 'b', type: 'varchar', maxLength: 8000 },
      { name: 'c', type: 'datetimeoffset', scale: 7 },
      { name: 'd', type: 'varbinary', maxLength: -1 },
    ],
    { tableLock: true },
  )
  expect(text).toMatch(/^INSERT BULK \[dbo\]\.\[t\] \(.*\) WITH \(KEEP_NULLS, TABLOCK\)$/)
  const table = text.replace('INSERT BULK', 'CREATE TABLE').replace(/ WITH .*$/, '')
  await expect(parseTsql(table)).resolves.toBeUndefined()
})
