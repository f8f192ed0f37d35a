import type { DatabaseUrl } from '../../core/database-url.ts'
import type { Finding } from '../../core/finding.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import { type Inventory, readInventory, type TableInfo } from './inventory.ts'
import type { MysqlOptions } from './options.ts'
import { type Privileges, readPrivileges } from './privileges.ts'
import type { Session } from './server-access.ts'
import { isAtLeast } from './version.ts'

/** What a dump of this server by this account will and will not hold. */
export interface SourceFacts {
  readonly inventory: Inventory
  readonly routines: boolean
  readonly triggers: boolean
  readonly events: boolean
  readonly accounts: boolean
  /** Outside of the snapshot: their rows may change while they are read. */
  readonly nonTransactional: readonly TableInfo[]
  /** mysqldump writes the definition of these engines' tables, never rows: they live elsewhere. */
  readonly withoutRows: readonly TableInfo[]
  readonly brokenViews: readonly TableInfo[]
  readonly notCaptured: readonly NotCaptured[]
  readonly findings: readonly Finding[]
}

const ROWLESS = new Set(['mrg_myisam', 'federated', 'connect', 'oqgraph', 'spider', 'vp', 'blackhole'])

export async function readSourceFacts(
  session: Session,
  url: DatabaseUrl,
  options: MysqlOptions,
): Promise<SourceFacts> {
  const inventory = await readInventory(session, url)
  const privileges = await readPrivileges(session, inventory.server)
  const findings: Finding[] = []
  const notCaptured: NotCaptured[] = []
  const miss = (what: string, reason: string, finding: Omit<Finding, 'level'>, count?: number) => {
    notCaptured.push({ what, reason, ...(count === undefined ? {} : { count }) })
    findings.push({ level: 'warning', ...finding, notCaptured: what })
  }
  const names = inventory.databases.map((database) => database.name)
  const everywhere = (privilege: string) => names.every((name) => privileges.has(privilege, name))

  if (names.length === 0) {
    findings.push({
      level: url.database === undefined ? 'warning' : 'failure',
      topic: 'databases',
      message:
        url.database === undefined
          ? 'the account sees no user database'
          : `no database '${url.database}' is visible`,
      hint: 'Check the name in the URL, and that the account may read the database.',
    })
  }
  if (!privileges.has('SELECT') && (url.database === undefined || !everywhere('SELECT'))) {
    miss('databases and tables that the account may not see', 'no SELECT on all databases', {
      topic: 'privileges',
      message: 'the account has no global SELECT: what it may not see will be missing without a trace',
      hint: `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO the account, unless this is meant.`,
    })
  }
  const tables = inventory.tables.filter((table) => table.kind === 'table')
  if (inventory.tables.some((table) => table.kind === 'view') && !everywhere('SHOW VIEW')) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message:
        'there are views, and the account lacks SHOW VIEW on some databases: the dump tool would stop there',
      hint: 'GRANT SHOW VIEW on these databases to the account.',
    })
  }
  const triggers = everywhere('TRIGGER')
  if (!triggers) {
    miss('triggers', 'no TRIGGER privilege on all databases', {
      topic: 'privileges',
      message: 'triggers will not be captured: the account lacks TRIGGER on some databases',
      hint: 'GRANT TRIGGER on these databases to the account.',
    })
  }
  const events = everywhere('EVENT')
  if (!events) {
    miss('events', 'no EVENT privilege on all databases', {
      topic: 'privileges',
      message: 'events will not be captured: the account lacks EVENT on some databases',
      hint: 'GRANT EVENT on these databases to the account.',
    })
  }
  const routines = seesRoutines(privileges, inventory)
  if (!routines) {
    const needed =
      inventory.server.flavour === 'MariaDB' ? 'SELECT on mysql.proc' : 'SHOW_ROUTINE or global SELECT'
    miss('procedures and functions', `no ${needed}`, {
      topic: 'privileges',
      message: `procedures and functions will not be captured: the account lacks ${needed}`,
      hint: `GRANT ${inventory.server.flavour === 'MariaDB' ? 'SELECT ON mysql.proc' : 'SHOW_ROUTINE ON *.*'} to the account.`,
    })
  }
  const readable = privileges.has('SELECT', 'mysql')
  const accounts = options.accounts && readable
  if (options.accounts && !readable) {
    miss('accounts and grants', 'no SELECT on the mysql schema', {
      topic: 'accounts',
      message: 'accounts and grants will not be captured: the account may not read the mysql schema',
      hint: 'GRANT SELECT ON mysql.* to the account, or say accounts=no in the URL.',
    })
  } else if (!options.accounts) {
    notCaptured.push({ what: 'accounts and grants', reason: 'not asked for' })
  }
  const withoutRows = tables.filter((table) => ROWLESS.has(table.engine.toLowerCase()))
  if (withoutRows.length > 0) {
    miss(
      'rows of tables that live elsewhere (FEDERATED, MERGE, SPIDER and the like)',
      'the dump tool writes their definition only',
      { topic: 'tables', message: `only the definition is taken of ${list(withoutRows)}` },
      withoutRows.length,
    )
  }
  const nonTransactional = tables.filter(
    (table) => !inventory.transactional.has(table.engine.toLowerCase()) && !withoutRows.includes(table),
  )
  if (nonTransactional.length > 0) {
    miss(
      'consistency of non-transactional tables (rows are taken, outside of the snapshot)',
      'their engine has no transactions',
      {
        topic: 'tables',
        message: `outside of the snapshot, since not transactional: ${list(nonTransactional)}`,
        hint: 'Hold back writes to them during the dump, or convert them to InnoDB.',
      },
      nonTransactional.length,
    )
  }
  const versioned = tables.filter((table) => table.versioned)
  if (versioned.length > 0) {
    miss(
      'history of system-versioned tables (current rows are taken)',
      'a restore could not put it back as it was',
      { topic: 'tables', message: `only current rows, no history, are taken of ${list(versioned)}` },
      versioned.length,
    )
  }
  const brokenViews = inventory.tables.filter((table) => table.broken)
  if (brokenViews.length > 0) {
    const message = `broken (their tables, columns or definer are gone): ${list(brokenViews)}`
    if (options.brokenViews === 'skip') {
      miss('broken views', 'left out by broken-views=skip', { topic: 'views', message }, brokenViews.length)
    } else {
      findings.push({
        level: 'failure',
        topic: 'views',
        message,
        hint: 'Repair or drop them, or leave them out with broken-views=skip in the URL.',
      })
    }
  }
  return {
    inventory,
    routines,
    triggers,
    events,
    accounts,
    nonTransactional,
    withoutRows,
    brokenViews,
    notCaptured,
    findings,
  }
}

/** Without these, routines of others are left out, or their bodies are NULL and mysqldump stops. */
function seesRoutines(privileges: Privileges, { server }: Inventory): boolean {
  if (privileges.has('SELECT', 'mysql') || privileges.has('SELECT', 'mysql\0proc')) {
    return server.flavour === 'MariaDB' || !isAtLeast(server.numbers, [8]) || privileges.has('SELECT')
  }
  return privileges.has(server.flavour === 'MariaDB' ? 'SHOW CREATE ROUTINE' : 'SHOW_ROUTINE')
}

const SHOWN = 5

export function list(tables: readonly Pick<TableInfo, 'database' | 'table'>[]): string {
  const names = tables.slice(0, SHOWN).map((table) => `${table.database}.${table.table}`)
  return tables.length > SHOWN ? `${names.join(', ')} and ${tables.length - SHOWN} more` : names.join(', ')
}
