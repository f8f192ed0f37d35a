import { collect } from '../../core/bytes.ts'
import type { EngineContext, PartSource, RestoreOptions, RestoreResult } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { createSlots } from '../../core/slots.ts'
import { writeTool } from '../../core/tool.ts'
import {
  type AccountReport,
  type AccountStatement,
  createAccounts,
  grantAll,
  leaveRoles,
  parseAccounts,
  translateAccount,
} from './accounts-restore.ts'
import { readCollations } from './collations.ts'
import { explainRestore } from './failures.ts'
import { readServer } from './inventory.ts'
import { readLoadSettings } from './load-settings.ts'
import { createLoadStream, type LoadStream } from './load-stream.ts'
import type { MysqlOptions } from './options.ts'
import { ACCOUNTS, DATABASES, isRowsName, STRUCTURE, TRIGGERS_AND_EVENTS } from './part-names.ts'
import { type Account, quoteName } from './quote.ts'
import { createRewriter, type Rewriter } from './rewrite.ts'
import type { ServerAccess } from './server-access.ts'
import { findClient, TOOL_ENVIRONMENT } from './tools.ts'
import type { ServerVersion } from './version.ts'

export interface RestoreContext {
  readonly access: ServerAccess
  readonly context: EngineContext
  readonly options: MysqlOptions
}

/**
 * Accounts and grants first: a view is created with the rights of its definer. Then the data, then what of the grants
 * had to wait for its table or routine.
 */
export async function restore(
  { access, context, options }: RestoreContext,
  source: PartSource,
  restoring: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const step = (message: string) => restoring.onProgress?.({ kind: 'step', message })
  const report: AccountReport & { warnings: string[] } = { restored: [], notRestored: [], warnings: [] }
  const has = (name: string) => source.parts.some((part) => part.name === name)
  const { server, rewriter } = await access.withSession(signal, async (session) => {
    const found = await readServer(session)
    const collations = await readCollations(session)
    return {
      server: found.server,
      rewriter: createRewriter({ definer: options.definer, collations, to: found.server.flavour }),
    }
  })

  let statements: readonly AccountStatement[] = []
  if (has(ACCOUNTS) && options.accounts) {
    step('accounts')
    // Read to its end before anything is done: a part is proven only by then.
    statements = parseAccounts(Buffer.from(await collect(source.open(ACCOUNTS, signal))))
  } else if (has(ACCOUNTS)) {
    report.notRestored.push({ what: 'accounts and grants', reason: 'accounts=no in the URL' })
  }
  if (restoring.replace) {
    await access.withSession(signal, async (session) => {
      await session.query('SET SESSION foreign_key_checks = 0')
      for (const { name } of source.contents.databases) {
        step(`dropping ${quoteName(name)}`)
        await session.query(`DROP DATABASE IF EXISTS ${quoteName(name)}`)
      }
    })
  }
  let roles: readonly Account[] = []
  if (statements.length > 0) {
    const created = await access.withSession(signal, (session) =>
      createAccounts(
        session,
        {
          server,
          statements,
          translate: (sql) => translateAccount(sql, source.server.flavour, server.flavour),
          grantsAgain: restoring.replace,
        },
        report,
      ),
    )
    roles = created.roles
    const untold: AccountReport = { restored: [], notRestored: [] }
    statements = await access.withSession(signal, (session) =>
      grantAll(session, statements, (name) => restoring.replace || !created.left.has(name), untold),
    )
  }
  if (has(DATABASES) || has(STRUCTURE)) {
    const settings = await access.withSession(signal, readLoadSettings)
    report.warnings.push(...settings.warnings)
    const { initCommand } = settings
    const loading = { access, context, options, server, rewriter, source, initCommand }
    for (const names of loadOrder(source)) {
      step(names.length === 1 ? String(names[0]) : `rows, ${restoring.jobs ?? 1} at once`)
      await loadAll(loading, names, restoring.jobs ?? 1, signal)
    }
    for (const { name } of source.contents.databases) report.restored.push(`database ${quoteName(name)}`)
  }
  if (statements.length > 0) {
    step('grants')
    await access.withSession(signal, (session) => grantAll(session, statements, () => true, report))
  }
  if (roles.length > 0)
    await access.withSession(signal, (session) => leaveRoles(session, roles, report.warnings))
  report.warnings.push(...rewriter.changes, ...(await missingDefiners(access, rewriter, signal)))
  for (const what of rewriter.omitted) {
    report.notRestored.push({ what, reason: `${server.flavour} has no such thing` })
  }
  return report
}

interface Load {
  readonly access: ServerAccess
  readonly context: EngineContext
  readonly options: MysqlOptions
  readonly server: ServerVersion
  readonly rewriter: Rewriter
  readonly source: PartSource
  readonly initCommand: string | undefined
}

/** What is loaded one after the other; within a group the order means nothing. */
function loadOrder(source: PartSource): readonly (readonly string[])[] {
  const names = source.parts.map(({ name }) => name)
  const groups = [
    names.filter((name) => name === DATABASES || name === STRUCTURE),
    names.filter(isRowsName),
    names.filter((name) => name === TRIGGERS_AND_EVENTS),
  ]
  return groups.filter((group) => group.length > 0)
}

/** The first failure stops the others, and is thrown when none of them runs any more. */
async function loadAll(
  loading: Load,
  names: readonly string[],
  jobs: number,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const slots = createSlots(jobs)
  let failure: { readonly thrown: unknown } | undefined
  await Promise.all(
    names.map(async (name) => {
      try {
        await slots.run(() => load(loading, name, both), both)
      } catch (thrown) {
        failure ??= { thrown }
        failed.abort(thrown)
      }
    }),
  )
  if (failure !== undefined) throw failure.thrown
}

async function load(
  { access, context, options, server, rewriter, source, initCommand }: Load,
  part: string,
  signal: AbortSignal,
): Promise<void> {
  const tool = await findClient('load', server, context, signal, options.client)
  const file = await access.optionFile(tool, signal)
  const stream = createLoadStream(rewriter)
  try {
    await writeTool(
      {
        name: tool.name,
        command: tool.command,
        args: [
          `--defaults-file=${file.path}`,
          '--batch',
          // No command of the client but DELIMITER is understood, so a dump can't run a shell; \r\n stays as it is.
          '--binary-mode',
          // Otherwise comments inside of routines are lost.
          '--comments',
          '--default-character-set=utf8mb4',
          '--max-allowed-packet=1G',
          ...(initCommand === undefined ? [] : [`--init-command=${initCommand}`]),
        ],
        env: TOOL_ENVIRONMENT,
        secrets: file.secrets,
        explain: explainRestore,
      },
      stream.through(source.open(part, signal)),
      signal,
    )
  } catch (thrown) {
    throw namingStatement(thrown, stream)
  }
}

/**
 * `ERROR 1064 (42000) at line 17: …`: the line is of what was fed, the statement is named from memory. The rest of
 * stderr is left out, since MariaDB's client repeats the whole statement there, rows and all.
 */
function namingStatement(thrown: unknown, stream: LoadStream): unknown {
  if (!(thrown instanceof LifeboatError)) return thrown
  const found = /ERROR \d+ \([0-9A-Z]+\) at line (\d+): .*/s.exec(thrown.message)
  if (found === null) return thrown
  const statement = stream.statementAt(Number(found[1])) ?? 'a statement'
  return new LifeboatError(thrown.code, `unable to restore '${statement}': ${found[0].trim()}`, {
    hint: thrown.hint,
    details: { ...thrown.details, line: Number(found[1]) },
  })
}

async function missingDefiners(
  access: ServerAccess,
  rewriter: Rewriter,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (rewriter.definers.size === 0) return []
  return await access.withSession(signal, async (session) => {
    const rows = await session.query(
      "SELECT CONCAT('`', REPLACE(User, '`', '``'), '`') AS user, Host AS host FROM mysql.user",
    )
    const known = new Set(
      rows.map((row) => (row.host === '' ? String(row.user) : `${row.user}@${quoteName(String(row.host))}`)),
    )
    return [...rewriter.definers]
      .filter((definer) => !known.has(definer))
      .map(
        (definer) =>
          `the definer ${definer} does not exist at the target: what it defined will fail when used`,
      )
  })
}
