import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { createPrivateFolder } from '../../core/private-folder.ts'
import type { Secret } from '../../core/secret.ts'
import type { Server } from './connection.ts'
import { quoteConnectionValue } from './quote.ts'

/** How one run of a tool reaches the server: nothing secret on its command line or in its environment. */
export interface ToolAccess extends AsyncDisposable {
  readonly secrets: readonly Secret[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** A connection string of libpq for the database. */
  connectionString(database: string): string
}

/** https://www.postgresql.org/docs/current/libpq-envars.html, and psql's own: none may divert a tool. */
const CLEARED = [
  ...['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGPASSWORD', 'PGPASSFILE', 'PGSERVICE'],
  ...[
    'PGSERVICEFILE',
    'PGOPTIONS',
    'PGAPPNAME',
    'PGSSLMODE',
    'PGREQUIRESSL',
    'PGSSLCOMPRESSION',
    'PGSSLCERT',
  ],
  ...[
    'PGSSLKEY',
    'PGSSLCERTMODE',
    'PGSSLROOTCERT',
    'PGSSLCRL',
    'PGSSLCRLDIR',
    'PGSSLSNI',
    'PGSSLNEGOTIATION',
  ],
  ...['PGSSLMINPROTOCOLVERSION', 'PGSSLMAXPROTOCOLVERSION', 'PGREQUIREPEER', 'PGREQUIREAUTH', 'PGGSSENCMODE'],
  ...[
    'PGCHANNELBINDING',
    'PGKRBSRVNAME',
    'PGGSSLIB',
    'PGGSSDELEGATION',
    'PGCONNECT_TIMEOUT',
    'PGCLIENTENCODING',
  ],
  ...[
    'PGTARGETSESSIONATTRS',
    'PGLOADBALANCEHOSTS',
    'PGMINPROTOCOLVERSION',
    'PGMAXPROTOCOLVERSION',
    'PGDATESTYLE',
  ],
  ...[
    'PGTZ',
    'PGGEQO',
    'PGSYSCONFDIR',
    'PGLOCALEDIR',
    'PGDATA',
    'PSQLRC',
    'PSQL_PAGER',
    'PAGER',
    'PSQL_HISTORY',
  ],
  ...['PG_COLOR', 'PG_COLORS', 'PGOAUTHDEBUG', 'PGOAUTHCAFILE'],
]

/** The last client that reads lines of a password file up to 320 bytes only: IAM tokens are longer. */
const SHORT_LINES_MAJOR = 13
const SHORT_LINE_BYTES = 300

/** Lives as long as the run of the tool: psql and pg_restore read the password file at each of their connections. */
export async function openToolAccess(server: Server, toolMajor: number): Promise<ToolAccess> {
  const { url, address, trust } = server
  const secret = await server.password?.()
  const line = secret === undefined ? undefined : passwordLine(secret)
  if (line !== undefined && toolMajor <= SHORT_LINES_MAJOR && Buffer.byteLength(line) > SHORT_LINE_BYTES) {
    throw new LifeboatError(
      'unsupported',
      'unable to hand over the password: it is too long for tools of version 13',
      {
        hint: 'Install postgresql-client-14 or later.',
      },
    )
  }
  const folder = await createPrivateFolder()
  try {
    const passfile = line === undefined ? join(folder.path, 'none') : await folder.file('pgpass', line)
    const rootcert = trust === undefined ? join(folder.path, 'none') : await folder.file('ca.pem', trust)
    const none = join(folder.path, 'none')
    const values = {
      host: address.host,
      ...(address.hostaddr !== undefined && { hostaddr: address.hostaddr }),
      port: String(address.port),
      user: address.user,
      passfile,
      sslmode: url.tls,
      // Files of the operator's home folder would be taken otherwise: root.crt even turns `require` into `verify-ca`.
      sslrootcert: rootcert,
      sslcert: none,
      sslkey: none,
      sslcrl: none,
      gssencmode: 'disable',
      connect_timeout: '20',
      // A server that is gone without a word is noticed after 90 s, where nothing is on its way to it.
      keepalives_idle: '30',
      keepalives_interval: '10',
      keepalives_count: '6',
      application_name: 'lifeboat',
    }
    return {
      secrets: secret === undefined ? [] : [secret],
      env: {
        ...Object.fromEntries(CLEARED.map((name) => [name, undefined])),
        PGTZ: 'UTC',
        PGSYSCONFDIR: folder.path,
        // What the tools say is read by people and by us, and must not depend on the operator's locale.
        LC_ALL: 'C.UTF-8',
      },
      connectionString: (database) =>
        Object.entries({ ...values, dbname: database })
          .map(([name, value]) => `${name}=${quoteConnectionValue(value)}`)
          .join(' '),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    }
  } catch (thrown) {
    await folder[Symbol.asyncDispose]()
    throw thrown
  }
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html: one line per password, `:` and `\` escaped. */
export function passwordLine(secret: Secret): string {
  const password = secret.reveal()
  if (/[\r\n\0]/.test(password)) {
    throw new LifeboatError('unsupported', 'unable to hand over the password: it holds a line break', {
      hint: 'A password file can not hold it: check that the reference does not end in an extra line, or change the password.',
    })
  }
  return `*:*:*:*:${password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`
}
