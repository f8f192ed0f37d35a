import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import type { Dump, DumpResult, Part } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import { dumpAccounts, listAccounts } from './accounts-dump.ts'
import { changedBetween, readDefinitions, type TableName } from './definitions.ts'
import { readLogPosition } from './log-position.ts'
import { createParallelReading } from './parallel-reading.ts'
import { ACCOUNTS } from './part-names.ts'
import { type Account, quoteAccount } from './quote.ts'
import type { ReadingContext } from './reading.ts'
import { createSerialReading } from './serial-reading.ts'
import { list, type SourceFacts } from './source-facts.ts'

export interface DumpContext extends ReadingContext {
  readonly jobs: number
  readonly byHand: (part: { readonly name: string; readonly format: string }) => string
}

/** All user databases at one moment, then the accounts as a script of their own. */
export function createDump(given: DumpContext, signal: AbortSignal): Dump {
  const { access, facts, counts, jobs, byHand } = given
  const { server, managed, databases } = facts.inventory
  const reading =
    jobs > 1 && databases.length > 0
      ? createParallelReading(given, jobs, signal)
      : createSerialReading(given, signal)
  const unreadable: Account[] = []

  async function* openAccounts(inner: AbortSignal): Bytes {
    const pieces = await access.withSession(inner, (session) =>
      Array.fromAsync(dumpAccounts(session, server, managed, unreadable)),
    )
    yield Buffer.concat(pieces)
  }

  async function* parts(): AsyncGenerator<Part> {
    yield* reading.parts()
    if (!facts.accounts) return
    yield {
      name: ACCOUNTS,
      format: 'sql',
      open: (inner) => openAccounts(AbortSignal.any([signal, inner])),
      release: async () => undefined,
    }
  }

  async function finish(inner: AbortSignal): Promise<DumpResult> {
    if (!reading.isWhole()) throw new Error('finish was called before the last part had ended')
    return await access.withSession(AbortSignal.any([signal, inner]), async (session) => {
      const after = await readLogPosition(session, server)
      const definitions = reading.definitions()
      const position = reading.position(after)
      const changed =
        definitions === undefined
          ? []
          : changedBetween(definitions, await readDefinitions(session, server, databases))
      refuseMissing(changed)
      const accounts = facts.accounts ? await listAccounts(session, server, managed) : undefined
      return {
        contents: {
          format: 1,
          databases: databases.map(({ name, charset, collation }) => ({ name, charset, collation })),
          tables: tableCounts(),
          byHand: [
            ...reading.partNames.map((name) => byHand({ name, format: 'sql' })),
            ...(facts.accounts ? [byHand({ name: ACCOUNTS, format: 'sql' })] : []),
          ],
          engine: {
            nonTransactional: names(facts.nonTransactional),
            withoutRows: names(facts.withoutRows),
            brokenViews: names(facts.brokenViews),
            changedDuringDump: changed.map((table) => list([table])),
            accounts: accounts?.accounts.map(quoteAccount) ?? [],
            roles: accounts?.roles.map(quoteAccount) ?? [],
            ...reading.facts(),
          },
        },
        consistency: reading.consistency,
        notCaptured: [...facts.notCaptured, ...ignoredAccounts(), ...inconsistent(changed)],
        ...(position !== undefined && { position }),
        warnings:
          changed.length === 0
            ? []
            : [
                `made, altered or dropped while the dump ran, so not of one moment with the rest: ${list(changed)}; dump again without schema changes if they matter`,
              ],
      }
    })
  }

  /** What is there unchanged before and after must be in between. */
  function refuseMissing(changed: readonly TableName[]): void {
    if (counts === 'off') return
    const key = ({ database, table }: TableName) => `${database}\0${table}`
    const there = new Set([...reading.counted(), ...changed, ...facts.withoutRows].map(key))
    const before = reading.definitions()
    const missing = facts.inventory.tables.filter(
      (table) => table.kind === 'table' && before?.has(key(table)) === true && !there.has(key(table)),
    )
    if (missing.length > 0) throw leftOut(missing)
  }

  function ignoredAccounts(): readonly NotCaptured[] {
    if (unreadable.length === 0) return []
    return [
      {
        what: 'accounts with a host name, which the server ignores',
        count: unreadable.length,
        reason: 'skip_name_resolve is on',
      },
    ]
  }

  function tableCounts(): TableCount[] {
    if (counts === 'off') {
      return facts.inventory.tables
        .filter((table) => table.kind === 'table')
        .map(({ database, table }) => ({ database, table }))
    }
    const rowless = new Set(facts.withoutRows.map((table) => `${table.database}\0${table.table}`))
    return reading
      .counted()
      .map((count) =>
        rowless.has(`${count.database}\0${count.table}`)
          ? { database: count.database, table: count.table }
          : count,
      )
  }

  return {
    parts: parts(),
    async finish(inner) {
      return await finish(inner)
    },
    [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
  }
}

function inconsistent(changed: readonly TableName[]): readonly NotCaptured[] {
  if (changed.length === 0) return []
  return [
    {
      what: 'consistency of tables and views whose definition changed during the dump',
      count: changed.length,
      reason: 'a snapshot does not hold definitions',
    },
  ]
}

/** MariaDB's tool takes two names for one that differ in case or accents only, where it is told to leave one out. */
function leftOut(missing: readonly TableName[]): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to complete the dump: the dump tool has left out ${list(missing)}`,
    {
      hint: 'Repair or drop broken views, above all those whose names differ from these in case or accents only, then run again without broken-views=skip.',
    },
  )
}

function names(tables: SourceFacts['nonTransactional']): readonly string[] {
  return tables.map((table) => list([table]))
}
