import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { Wait } from 'testcontainers'
import { makeCertificates } from '../certificates.ts'
import { type Command, type Container, startContainer } from './container.ts'
import { freePort } from './free-port.ts'
import { makeScratchFolder } from './scratch-folder.ts'

/** Of the superuser `postgres`. Odd on purpose: password files need it escaped. */
export const POSTGRES_CONTAINER_PASSWORD = `sup:er\\se'cret "é #1`

const TOOLS = ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql'] as const

export interface PostgresContainer extends AsyncDisposable {
  readonly port: number
  readonly socket: string
  readonly caFile: string
  readonly password: string
  /** The clients of the server's own version, as the engine takes them. */
  readonly commands: Readonly<Record<(typeof TOOLS)[number], Command>>
  readonly container: Container
  /** `postgres://postgres@localhost:PORT/DATABASE?…` with TLS fully verified. */
  url(parts?: {
    user?: string
    host?: string
    database?: string
    query?: Readonly<Record<string, string>>
  }): string
  /** Runs SQL (several statements, too) as the superuser over the socket; the rows of the last one. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** A folder inside the container that the server may use for a tablespace. */
  makeServerFolder(name: string): Promise<string>
  stop(): Promise<void>
}

/** A PostgreSQL newer than the distribution's, with TLS on TCP and trust on its socket: a new cluster each time. */
export async function startPostgresContainer(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresContainer> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.use(await makeScratchFolder('postgres')).path
  const { caFile, certificateFile, keyFile } = await makeCertificates(folder)
  const hbaFile = join(folder, 'pg_hba.conf')
  await writeFile(hbaFile, 'local all all trust\nhostssl all all all scram-sha-256\n', { mode: 0o644 })
  const port = await freePort()
  const options: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    hba_file: hbaFile,
    ssl: 'on',
    ssl_cert_file: certificateFile,
    ssl_key_file: '/run/server.key',
    // /dev/shm is the host's: several servers there would meet.
    dynamic_shared_memory_type: 'mmap',
    shared_buffers: '32MB',
    wal_level: 'logical',
    timezone: 'UTC',
    // Nothing here outlives the test: no need to reach the disk.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    ...settings,
  }
  const container = cleanup.use(
    await startContainer({
      image: 'postgres',
      environment: { POSTGRES_PASSWORD: POSTGRES_CONTAINER_PASSWORD },
      // The server reads its key only if it alone, or it and root, can: the file has to be its own.
      entrypoint: [
        ...['sh', '-c', `install -o postgres -m 600 '${keyFile}' /run/server.key && exec "$@"`, 'sh'],
        'docker-entrypoint.sh',
      ],
      command: [
        'postgres',
        ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      wait: Wait.forSuccessfulCommand(`pg_isready --quiet --host=127.0.0.1 --port=${port}`),
    }),
  )
  const started = cleanup.move()
  const stop = () => started.disposeAsync()
  return {
    port,
    socket: join(folder, `.s.PGSQL.${port}`),
    caFile,
    password: POSTGRES_CONTAINER_PASSWORD,
    commands: {
      pg_dump: container.program('pg_dump'),
      pg_dumpall: container.program('pg_dumpall'),
      pg_restore: container.program('pg_restore'),
      psql: container.program('psql'),
    },
    container,
    url({ user = 'postgres', host = 'localhost', database, query = {} } = {}) {
      const all = new URLSearchParams({ tls: 'verify-full', 'tls-ca': caFile, ...query })
      const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
      return `postgres://${encodeURIComponent(user)}@${host}:${port}${path}?${all}`
    },
    async query(sql, database = 'postgres') {
      const client = new pg.Client({ host: folder, port, user: 'postgres', database, ssl: false })
      await client.connect()
      try {
        const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql)
        return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? []
      } finally {
        await client.end()
      }
    },
    async makeServerFolder(name) {
      const path = `/var/lib/postgresql/${name}`
      await container.exec(['install', '-d', '-o', 'postgres', '-m', '700', path])
      return path
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
