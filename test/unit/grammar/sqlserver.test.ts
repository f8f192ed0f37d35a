import { describe, expect, it } from 'vitest'
import { insertBulk } from '../../../src/engines/sqlserver/bulk-load.ts'
import { COUNTED_KINDS, countText as countKindText } from '../../../src/engines/sqlserver/catalog/counted.ts'
import { travelsAsData } from '../../../src/engines/sqlserver/catalog/model.ts'
import { CATALOG_QUERIES, xmlSchemaText } from '../../../src/engines/sqlserver/catalog/queries.ts'
import { type CatalogQuery, queryText } from '../../../src/engines/sqlserver/catalog/query.ts'
import { quoteObject } from '../../../src/engines/sqlserver/catalog/quote.ts'
import { identityText } from '../../../src/engines/sqlserver/catalog/read-identities.ts'
import * as count from '../../../src/engines/sqlserver/count.ts'
import * as databases from '../../../src/engines/sqlserver/databases.ts'
import * as drop from '../../../src/engines/sqlserver/drop-database.ts'
import { createGate } from '../../../src/engines/sqlserver/gate.ts'
import * as identity from '../../../src/engines/sqlserver/identity.ts'
import { DATABASE_SIZES_TEXT } from '../../../src/engines/sqlserver/native/database-sizes.ts'
import * as nativeStatements from '../../../src/engines/sqlserver/native/statements.ts'
import { LAST_WRITES_TEXT } from '../../../src/engines/sqlserver/native/still-tables.ts'
import * as native from '../../../src/engines/sqlserver/native-layout.ts'
import { USER_OBJECTS_TEXT } from '../../../src/engines/sqlserver/occupied.ts'
import { CREATE_PERMISSION_TEXT } from '../../../src/engines/sqlserver/probe.ts'
import { PERMISSIONS_TEXT } from '../../../src/engines/sqlserver/probe-database.ts'
import { lockTimeoutText } from '../../../src/engines/sqlserver/read-database.ts'
import { oversizedText, selectText } from '../../../src/engines/sqlserver/rows/select-text.ts'
import { parseVariantHead, watchVariants } from '../../../src/engines/sqlserver/rows/variant.ts'
import { splitBatches } from '../../../src/engines/sqlserver/schema/batches.ts'
import { scriptAfter, scriptBefore } from '../../../src/engines/sqlserver/schema/script.ts'
import { scriptDatabase } from '../../../src/engines/sqlserver/schema/script-database.ts'
import { type Step, writeSteps } from '../../../src/engines/sqlserver/schema/step.ts'
import { USERS_QUERY } from '../../../src/engines/sqlserver/schema/users.ts'
import {
  MAY_SEE_LOGINS_TEXT,
  SERVER_ACCOUNT_QUERIES,
} from '../../../src/engines/sqlserver/server-accounts.ts'
import { SERVER_FACTS_TEXT } from '../../../src/engines/sqlserver/server-facts.ts'
import type { Session, SqlRow } from '../../../src/engines/sqlserver/session.ts'
import { EVERYTHING } from './catalog-of-everything.ts'
import { GrammarError } from './grammars.ts'
import { readSqlLiterals, uncovered } from './sql-literals.ts'
import { column } from './tables-of-everything.ts'
import { blankTsql, parseTsql } from './tsql.ts'

const FOLDER = 'src/engines/sqlserver'
const TABLE = EVERYTHING.tables[0]
if (TABLE === undefined) throw new Error('a catalog of everything has a table')

/** All that a step may send. */
const textsOf = ({ batches, otherwise, violations }: Step): readonly string[] => [
  ...batches,
  ...(otherwise === undefined ? [] : [otherwise.batch]),
  ...(violations === undefined ? [] : [violations.rows, violations.unchecked]),
]

function named(
  group: string,
  texts: readonly (string | undefined)[],
): readonly (readonly [string, string])[] {
  return texts.flatMap((text) => (text === undefined ? [] : [[group, text] as const]))
}

function inSteps(group: string, steps: readonly Step[]): readonly (readonly [string, string])[] {
  return steps.flatMap((step) => named(`${group}: ${step.kind} ${step.name}`, textsOf(step)))
}

/** A value of each kind that sql_variant can hold, as the rows' file has them. */
async function variantStatements(): Promise<readonly string[]> {
  const kinds = ['bit', 'tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney']
  const more = ['float', 'real', 'date', 'time', 'datetime', 'datetime2', 'datetimeoffset', 'smalldatetime']
  const rest = ['uniqueidentifier', 'char', 'varchar', 'nchar', 'nvarchar', 'binary', 'varbinary']
  const watch = watchVariants({ schema: 'dbo', name: "it's" }, [column('a ] b', 'sql_variant')])
  const values = [...kinds, ...more, ...rest].map((kind) => `${kind},10,2,20,Latin1_General_CI_AS:1`)
  expect(values.filter((value) => parseVariantHead(value) === undefined)).toEqual([])
  const rows = (async function* () {
    for (const value of values) yield [value]
  })()
  for await (const _row of watch.rows(rows)) {
    // Only looked at on its way.
  }
  return watch.statements()
}

/** A fence, its lifting and trial writes, at a server with a login, two databases and a session of somebody else's. */
async function gateStatements(): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const texts: string[] = []
  const answers: readonly (readonly [RegExp, readonly SqlRow[]])[] = [
    [/sys\.server_principals/, [{ name: 'a ] b', type: 'S', is_disabled: false }]],
    [/is_read_only/, [{ name: 'shop', is_read_only: false }]],
    [/sys\.databases/, [{ name: 'shop', state_desc: 'ONLINE' }]],
    [/^SELECT session_id/, [{ session_id: 51 }]],
    [/^SELECT n /, [{ n: 42 }]],
  ]
  const unused = () => Promise.reject(new Error('a gate does not send it'))
  const session: Session = {
    query: async (sql) => {
      texts.push(sql)
      return answers.find(([pattern]) => pattern.test(sql))?.[1] ?? []
    },
    batch: async (sql) => {
      texts.push(sql)
      return []
    },
    stream: () => {
      throw new Error('a gate reads no table')
    },
    bulk: unused,
    transaction: unused,
    [Symbol.asyncDispose]: async () => undefined,
  }
  const sessions = async () => ({ open: async () => session, [Symbol.asyncDispose]: async () => undefined })
  const gate = createGate(sessions, undefined)
  const { statements, undo, sessions: others } = await gate.planFence(signal)
  await gate.fence(statements, signal)
  await gate.unfence(undo, signal)
  await gate.writable(signal)
  await gate.tryWrite(signal)
  await createGate(sessions, 'shop').tryWrite(signal)
  return [...texts, others]
}

const transfer = { blockSize: 4096, maxTransferSize: 65_536, bufferCount: 8, kmsKey: 'arn:aws:kms:x' }

const TEXTS: readonly (readonly [string, string])[] = [
  ...Object.entries(CATALOG_QUERIES).flatMap(([name, query]) => [
    [`catalog: ${name}`, queryText(query)] as const,
    [`catalog: the least of ${name}`, queryText(query, new Set(query.optional))] as const,
  ]),
  ...COUNTED_KINDS.map((kind) => [`catalog: count of ${kind.what}`, countKindText(kind)] as const),
  ...named('catalog', [
    xmlSchemaText('dbo', "it's"),
    identityText(quoteObject(TABLE)),
    USERS_QUERY,
    // readPositions of tools/bcp.ts.
    "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID(N'[dbo].[t]') ORDER BY column_id",
  ]),
  ...Object.entries<CatalogQuery>(SERVER_ACCOUNT_QUERIES).flatMap(([name, query]) => [
    [`accounts: ${name}`, queryText(query)] as const,
    [`accounts: the least of ${name}`, queryText(query, new Set(query.optional))] as const,
  ]),
  ...named('server', [
    MAY_SEE_LOGINS_TEXT,
    SERVER_FACTS_TEXT,
    PERMISSIONS_TEXT,
    CREATE_PERMISSION_TEXT,
    USER_OBJECTS_TEXT,
    identity.SERVER_NAME_TEXT,
    identity.BIRTHS_TEXT,
    identity.FEWER_BIRTHS_TEXT,
    databases.DATABASES_TEXT,
    databases.FEWER_DATABASES_TEXT,
    drop.singleUserText("it's ]"),
    drop.dropText("it's ]"),
    drop.dropOnRdsText("it's ]"),
    lockTimeoutText(60_000),
  ]),
  ...named('rows', [
    ...EVERYTHING.tables.map(selectText),
    ...EVERYTHING.tables.map(oversizedText),
    count.countText(TABLE),
    // countRows of tools/proof.ts.
    'SELECT COUNT_BIG(*) AS n FROM [dbo].[t]',
    ...[true, false].map((tableLock) =>
      insertBulk(quoteObject(TABLE), TABLE.columns.filter(isLoadable), { tableLock }),
    ),
  ]),
  ...named('native', [
    nativeStatements.PROCEDURES_TEXT,
    nativeStatements.TASK_STATUS_TEXT,
    nativeStatements.ALL_TASKS_TEXT,
    nativeStatements.CANCEL_TASK_TEXT,
    nativeStatements.FINISH_RESTORE_TEXT,
    nativeStatements.DROP_DATABASE_TEXT,
    nativeStatements.backupStatement('shop', 'arn:aws:s3:::b/k*', {
      ...transfer,
      type: 'DIFFERENTIAL',
      files: 4,
      bucketDefaultEncryption: true,
    }).text,
    nativeStatements.restoreStatement('shop', 'arn:aws:s3:::b/k*', {
      ...transfer,
      type: 'FULL',
      norecovery: true,
      keepCdc: true,
      dataFileVolume: 'H:',
      logFileVolume: 'I:',
    }).text,
    nativeStatements.restoreCallText("Bob's", 'arn:aws:s3:::b/k'),
    LAST_WRITES_TEXT,
    DATABASE_SIZES_TEXT,
    native.TABLE_NAMES_TEXT,
    native.ORPHANS_TEXT,
    native.mapUserText('a ] b'),
  ]),
  ...inSteps('database', scriptDatabase(EVERYTHING.database)),
  ...inSteps('before', scriptBefore(EVERYTHING)),
  ...inSteps('after', scriptAfter(EVERYTHING)),
]

function expectGrammarError(thrown: unknown): void {
  expect(thrown).toBeInstanceOf(GrammarError)
}

/** Types that travel as text are declared as such by whoever loads; here the rest is enough. */
function isLoadable(each: (typeof EVERYTHING.tables)[number]['columns'][number]): boolean {
  const asText = [
    'xml',
    'sql_variant',
    'hierarchyid',
    'geography',
    'geometry',
    'text',
    'ntext',
    'image',
    'json',
  ]
  return travelsAsData(each) && !asText.includes(each.type)
}

/** Texts that begin like SQL and are never sent. */
const NEVER_SENT: Readonly<Record<string, readonly string[]>> = {
  // What a message calls it: the driver sends a request of the protocol.
  [`${FOLDER}/driver-session.ts`]: ['BEGIN TRANSACTION ('],
  // Sentences.
  [`${FOLDER}/native/explain-task.ts`]: ['EXEC msdb.dbo.rds_task_status @task_id = … shows'],
  [`${FOLDER}/tools/freebcp-damage.ts`]: ['SELECT * shows'],
}

describe('what lifeboat sends to SQL Server', () => {
  it.each(TEXTS)('%s: %s', async (_what, text) => {
    await parseTsql(text)
  })

  it('is refused with a parenthesis less, each of it', async () => {
    const maimed = TEXTS.flatMap(([, text]) => {
      const at = blankTsql(text).lastIndexOf(')')
      return at < 0 ? [] : [text.slice(0, at) + text.slice(at + 1)]
    })
    expect(maimed.length).toBeGreaterThan(100)
    const taken: string[] = []
    for (const text of maimed) await parseTsql(text).then(() => taken.push(text), expectGrammarError)
    expect(taken).toEqual([])
  })

  it('values of sql_variant', async () => {
    const statements = await variantStatements()
    expect(statements.length).toBe(1)
    for (const text of statements) await parseTsql(text)
  })

  it('a fence and its lifting', async () => {
    const statements = await gateStatements()
    expect(statements.length).toBeGreaterThan(15)
    for (const text of statements) await parseTsql(text)
  })

  it.each([
    ['before', scriptBefore(EVERYTHING)],
    ['after', scriptAfter(EVERYTHING)],
  ] as const)('the part schema-%s, as sqlcmd reads it', async (_when, steps) => {
    for (const batch of splitBatches(writeSteps(steps))) await parseTsql(batch)
  })

  it('is all there is', async () => {
    const texts = [
      ...TEXTS.map(([, text]) => text),
      ...(await variantStatements()),
      ...(await gateStatements()),
      writeSteps(scriptBefore(EVERYTHING)),
      writeSteps(scriptAfter(EVERYTHING)),
    ]
    const literals = readSqlLiterals(FOLDER)
    expect(await uncovered(literals, texts, parseTsql, NEVER_SENT)).toEqual([])
    const known = new Set(literals.map(({ file }) => file))
    expect(Object.keys(NEVER_SENT).filter((file) => !known.has(file))).toEqual([])
  })
})
