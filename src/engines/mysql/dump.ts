import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import type { Dump, DumpResult, EngineContext, Part } from '../../core/engine.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import { readTool } from '../../core/tool.ts'
import { dumpAccounts, listAccounts } from './accounts-dump.ts'
import { changedBetween, type Definitions, readDefinitions, type TableName } from './definitions.ts'
import { explainDump } from './failures.ts'
import { readLogPosition } from './log-position.ts'
import type { MysqlOptions } from './options.ts'
import { type Account, quoteAccount } from './quote.ts'
import { createRowCounter } from './row-counter.ts'
import type { ServerAccess } from './server-access.ts'
import { list, type SourceFacts } from './source-facts.ts'
import { findClient, TOOL_ENVIRONMENT, type Tool } from './tools.ts'
import { isAtLeast, parseVersion } from './version.ts'

export const DATABASES = 'databases'
export const ACCOUNTS = 'accounts'

export interface DumpContext {
  readonly access: ServerAccess
  readonly context: EngineContext
  readonly options: MysqlOptions
  readonly facts: SourceFacts
  readonly counts: 'exact' | 'off'
  readonly byHand: (part: { readonly name: string; readonly format: string }) => string
}

/** One mysqldump of all user databases in one transaction, then the accounts as a script of their own. */
export function createDump(
  { access, context, options, facts, counts, byHand }: DumpContext,
  signal: AbortSignal,
): Dump {
  const { server, managed, databases } = facts.inventory
  const counter = createRowCounter()
  const unreadable: Account[] = []
  let before: string | undefined
  let definitions: Definitions | undefined
  let whole = databases.length === 0

  async function* openDatabases(inner: AbortSignal): Bytes {
    await access.withSession(inner, async (session) => {
      before = await readLogPosition(session, server)
      definitions = await readDefinitions(session, server, databases)
    })
    const tool = await findClient('dump', server, context, inner, options.client)
    const file = await access.optionFile(tool, inner)
    const command = {
      name: tool.name,
      command: tool.command,
      // Only this file is read: a [mysqldump] section of the operator could leave out tables, rows or the trailer.
      args: [`--defaults-file=${file.path}`, ...dumpArguments(tool, facts)],
      env: TOOL_ENVIRONMENT,
      secrets: file.secrets,
      explain: explainDump,
    }
    const bytes = readTool(command, inner, {
      isComplete: (tail) => /^-- Dump completed/m.test(tail.toString('latin1')),
    })
    yield* counts === 'exact' ? counter.through(bytes) : bytes
    whole = true
  }

  async function* openAccounts(inner: AbortSignal): Bytes {
    const pieces = await access.withSession(inner, (session) =>
      Array.fromAsync(dumpAccounts(session, server, managed, unreadable)),
    )
    yield Buffer.concat(pieces)
  }

  async function* parts(): AsyncGenerator<Part> {
    const part = (name: string, open: (inner: AbortSignal) => Bytes, estimateBytes?: number): Part => ({
      name,
      format: 'sql',
      ...(estimateBytes === undefined ? {} : { estimateBytes }),
      open: (inner) => open(AbortSignal.any([signal, inner])),
      release: async () => undefined,
    })
    if (databases.length > 0) {
      const estimate = databases.reduce((sum, database) => sum + database.estimateBytes, 0)
      yield part(DATABASES, openDatabases, estimate)
    }
    if (facts.accounts) yield part(ACCOUNTS, openAccounts)
  }

  async function finish(inner: AbortSignal): Promise<DumpResult> {
    if (!whole) throw new Error('finish was called before the last part had ended')
    return await access.withSession(AbortSignal.any([signal, inner]), async (session) => {
      const after = await readLogPosition(session, server)
      const changed =
        definitions === undefined
          ? []
          : changedBetween(definitions, await readDefinitions(session, server, databases))
      const accounts = facts.accounts ? await listAccounts(session, server, managed) : undefined
      return {
        contents: {
          format: 1,
          databases: databases.map(({ name, charset, collation }) => ({ name, charset, collation })),
          tables: tableCounts(),
          byHand: [
            ...(databases.length > 0 ? [byHand({ name: DATABASES, format: 'sql' })] : []),
            ...(facts.accounts ? [byHand({ name: ACCOUNTS, format: 'sql' })] : []),
          ],
          engine: {
            nonTransactional: names(facts.nonTransactional),
            withoutRows: names(facts.withoutRows),
            brokenViews: names(facts.brokenViews),
            changedDuringDump: changed.map((table) => list([table])),
            accounts: accounts?.accounts.map(quoteAccount) ?? [],
            roles: accounts?.roles.map(quoteAccount) ?? [],
          },
        },
        consistency:
          facts.nonTransactional.length === 0
            ? 'one transaction over all tables'
            : 'one transaction over all transactional tables; the others as they were read',
        notCaptured: [...facts.notCaptured, ...ignoredAccounts(), ...inconsistent(changed)],
        ...(before === undefined && after === undefined
          ? {}
          : {
              position: {
                ...(before === undefined ? {} : { before }),
                ...(after === undefined ? {} : { after }),
                exact: false,
                meaning:
                  'binary log before and after the dump: its snapshot lies in between, not at either (a managed server gives no global lock)',
              },
            }),
        warnings:
          changed.length === 0
            ? []
            : [
                `made, altered or dropped while the dump ran, so not of one moment with the rest: ${list(changed)}; dump again without schema changes if they matter`,
              ],
      }
    })
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
    return counter
      .result()
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
    async [Symbol.asyncDispose]() {
      // Each part closes its own tool when its reader lets go; nothing is held between parts.
    },
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

function names(tables: SourceFacts['nonTransactional']): readonly string[] {
  return tables.map((table) => list([table]))
}

/** Both vendors' options differ, and an unknown one aborts either's client. */
export function dumpArguments(tool: Tool, facts: SourceFacts): readonly string[] {
  const version = parseVersion(tool.version)
  const oracle = tool.vendor === 'Oracle'
  return [
    '--single-transaction',
    '--quick',
    '--hex-blob',
    // LOCK TABLES around the rows breaks the restore of a MariaDB table whose default reads a sequence (ERROR 1100).
    '--skip-add-locks',
    // Asking for tablespaces needs PROCESS, which no managed account has on MySQL 8.
    '--no-tablespaces',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    facts.routines ? '--routines' : '--skip-routines',
    facts.triggers ? '--triggers' : '--skip-triggers',
    facts.events ? '--events' : '--skip-events',
    // Neither a global lock nor SET @@GLOBAL.GTID_PURGED, which managed servers refuse.
    ...(oracle ? ['--set-gtid-purged=OFF'] : []),
    // Asks for histograms that 5.7, Aurora and MariaDB don't have.
    ...(oracle && isAtLeast(version, [8]) ? ['--loose-column-statistics=0'] : []),
    ...facts.brokenViews.map((view) => `--ignore-table=${view.database}.${view.table}`),
    '--databases',
    '--',
    ...facts.inventory.databases.map((database) => database.name),
  ]
}
