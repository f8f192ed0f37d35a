import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** The password of the superuser `postgres` of every server that is started here. Odd on purpose. */
export const POSTGRES_PASSWORD = `sup:er\\se'cret "é ${'#'}1`

export interface PostgresOptions {
  /** Where `postgres`, `initdb` and the clients are; by default the newest of the distribution's. */
  readonly binFolder?: string
  /** Lines for postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Lines put first into pg_hba.conf. */
  readonly hba?: readonly string[]
}

/** A PostgreSQL server of this machine, with TLS on TCP and trust on its Unix socket. Gone when disposed. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  readonly socket: string
  readonly caFile: string
  readonly binFolder: string
  readonly folder: string
  readonly password: string
  /** `postgres://postgres@localhost:PORT/DATABASE?…` with TLS fully verified. */
  url(parts?: {
    user?: string
    host?: string
    database?: string
    query?: Readonly<Record<string, string>>
  }): string
  /** Runs SQL as the superuser over the socket. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** Runs a file with the stock psql, stopping at the first error. */
  load(file: string, database?: string): Promise<void>
  /** Ends and starts the same server: same data, same address. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The newest folder of server programs that the distribution installed, or undefined. */
export async function findPostgresBinFolder(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const majors = (await readdir(root)).filter((name) => /^\d+$/.test(name)).map(Number)
  return majors
    .sort((left, right) => right - left)
    .map((major) => join(root, String(major), 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')))
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binFolder = options.binFolder ?? (await findPostgresBinFolder())
  if (binFolder === undefined) throw new Error('no PostgreSQL server programs in /usr/lib/postgresql')
  const slot = takeSlot()
  const template = await prepareTemplate(binFolder, slot)
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-pg-'))
  const data = join(folder, 'data')
  await giveAway(folder)
  await asServerUser('cp', ['-a', '--reflink=auto', join(template, 'data'), data])
  await cp(join(template, 'ca.crt'), join(folder, 'ca.crt'))
  await chmod(folder, 0o755)
  const hba = await readFile(join(data, 'pg_hba.conf'), 'utf8')
  if (options.hba !== undefined)
    await writeFile(join(data, 'pg_hba.conf'), `${options.hba.join('\n')}\n${hba}`)
  const port = await freePort()
  const settings = { port: String(port), unix_socket_directories: folder, ...options.settings }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
  await writeFile(join(data, 'lifeboat.conf'), `${lines.join('\n')}\n`)
  const control = (...args: string[]) =>
    asServerUser(join(binFolder, 'pg_ctl'), ['-D', data, '-l', join(folder, 'log'), '-s', '-w', ...args])
  try {
    await control('-t', '30', 'start')
  } catch (thrown) {
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => 'no log')
    await rm(folder, { recursive: true, force: true })
    slots.delete(slot)
    throw new Error(`PostgreSQL did not start: ${log}`, { cause: thrown })
  }
  let running = true
  async function stop(): Promise<void> {
    if (!running) return
    running = false
    slots.delete(slot)
    await control('-m', 'immediate', 'stop')
    await rm(folder, { recursive: true, force: true })
  }
  return {
    port,
    socket: join(folder, `.s.PGSQL.${port}`),
    caFile: join(folder, 'ca.crt'),
    binFolder,
    folder,
    password: POSTGRES_PASSWORD,
    url({ user = 'postgres', host = 'localhost', database, query = {} } = {}) {
      const all = new URLSearchParams({ tls: 'verify-full', 'tls-ca': join(folder, 'ca.crt'), ...query })
      const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
      return `postgres://${encodeURIComponent(user)}@${host}:${port}${path}?${all}`
    },
    async query(sql, database = 'postgres') {
      const client = new pg.Client({ host: folder, port, user: 'postgres', database, ssl: false })
      await client.connect()
      try {
        const result = await client.query(sql)
        const last = Array.isArray(result) ? result.at(-1) : result
        return last.rows
      } finally {
        await client.end()
      }
    },
    async load(file, database = 'postgres') {
      const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', String(port), '-U', 'postgres']
      await run(join(binFolder, 'psql'), [...args, '-d', database, '-f', file], {
        maxBuffer: 64 * 1024 * 1024,
      })
    },
    restart: () => control('-m', 'fast', '-t', '30', 'restart'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A copy has the system identifier of its template: servers that live at once come from different ones. */
const slots = new Set<number>()

function takeSlot(): number {
  let slot = 0
  while (slots.has(slot)) slot += 1
  slots.add(slot)
  return slot
}

/** initdb takes a second or two, a copy of what it made almost none: made once per machine, version and slot. */
async function prepareTemplate(binFolder: string, slot: number): Promise<string> {
  const version = (await run(join(binFolder, 'postgres'), ['--version'])).stdout.trim()
  const template = join(tmpdir(), `lifeboat-pg-template-${slot}-${version.replace(/[^0-9A-Za-z.]+/g, '-')}`)
  if (existsSync(template)) return template
  const making = await mkdtemp(join(tmpdir(), 'lifeboat-pg-template-'))
  await giveAway(making)
  const passwordFile = join(making, 'password')
  await writeFile(passwordFile, POSTGRES_PASSWORD)
  await giveAway(passwordFile)
  const data = join(making, 'data')
  const initdb = [
    '-D',
    data,
    '-U',
    'postgres',
    '--pwfile',
    passwordFile,
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-N',
  ]
  await asServerUser(join(binFolder, 'initdb'), [
    ...initdb,
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
  ])
  await makeCertificates(making)
  for (const name of ['server.crt', 'server.key']) {
    await rename(join(making, name), join(data, name))
    await giveAway(join(data, name))
    await chmod(join(data, name), 0o600)
  }
  await writeFile(
    join(data, 'pg_hba.conf'),
    ['local all all trust', 'hostssl all all all scram-sha-256', ''].join('\n'),
  )
  const configuration = [
    "listen_addresses = '127.0.0.1,::1'",
    'ssl = on',
    'fsync = off',
    'full_page_writes = off',
    'synchronous_commit = off',
    'shared_buffers = 32MB',
    'max_connections = 60',
    'wal_level = logical',
    "timezone = 'UTC'",
    "include_if_exists = 'lifeboat.conf'",
    '',
  ]
  await writeFile(join(data, 'postgresql.conf'), configuration.join('\n'))
  await rm(passwordFile)
  await chmod(making, 0o755)
  try {
    await rename(making, template)
  } catch (thrown) {
    // Another test file was quicker.
    if (!existsSync(template)) throw thrown
    await rm(making, { recursive: true, force: true })
  }
  return template
}

/** A CA of our own and a certificate for localhost and 127.0.0.1, as server.crt, server.key and ca.crt. */
async function makeCertificates(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const ca = ['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-days', '30']
  await run('openssl', [...ca, '-subj', '/CN=lifeboat test CA'])
  const request = [
    'req',
    ...key,
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
    '-subj',
    '/CN=localhost',
  ]
  await run('openssl', request)
  await writeFile(at('extensions'), 'subjectAltName=DNS:localhost,DNS:db.example.test,IP:127.0.0.1,IP:::1\n')
  const sign = ['x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key')]
  await run('openssl', [
    ...[...sign, '-CAcreateserial', '-days', '30', '-extfile', at('extensions')],
    ...['-out', at('server.crt')],
  ])
  for (const name of ['ca.key', 'ca.srl', 'server.csr', 'extensions']) await rm(at(name), { force: true })
}

/** PostgreSQL refuses to run as root. */
async function asServerUser(program: string, args: readonly string[]): Promise<void> {
  const user = await serverUser()
  const env = { ...process.env, LC_ALL: 'C.UTF-8', PGOPTIONS: undefined, PGDATA: undefined }
  const how =
    user === undefined ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  const [file, ...rest] = [...how, program, ...args] as [string, ...string[]]
  await run(file, rest, { env, cwd: '/' })
}

async function giveAway(path: string): Promise<void> {
  const user = await serverUser()
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined
  const passwd = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const entry =
    passwd.find((fields) => fields[0] === 'postgres') ?? passwd.find((fields) => fields[0] === 'nobody')
  if (entry === undefined) throw new Error('neither a user postgres nor nobody to run the server as')
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A folder that the server may use for a tablespace. */
export async function makeServerFolder(server: PostgresServer, name: string): Promise<string> {
  const path = join(server.folder, name)
  await mkdir(path)
  await giveAway(path)
  return path
}
