import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { createConnection } from 'mysql2/promise'
import { makeCertificates } from './certificates.ts'

export interface MariadbServer extends AsyncDisposable {
  readonly port: number
  readonly socket: string
  /** A user with all privileges, from anywhere. */
  readonly user: string
  readonly password: string
  /** The authority that signed the server's certificate for localhost, 127.0.0.1 and db.example.test. */
  readonly ca: string
  /** `mariadb://root@127.0.0.1:PORT?tls=verify-full&tls-ca=…` */
  readonly url: string
  readonly socketUrl: string
  /** Runs SQL text with the vendor's client; returns what it prints, tab-separated. */
  run(sql: string): Promise<string>
  /** The vendor's own dump, as text. */
  dump(args: readonly string[]): Promise<string>
  restart(): Promise<void>
}

export interface MariadbOptions {
  /** Lines for the server's option file. */
  readonly settings?: readonly string[]
  readonly password?: string
}

const SERVER = '/usr/sbin/mariadbd'

/** True, or why no MariaDB server of the distribution can be started here. */
export async function mariadbAvailable(): Promise<true | string> {
  for (const path of [SERVER, '/usr/bin/mariadb-install-db', '/usr/bin/mariadb']) {
    if (!(await exists(path))) return `${path} is missing (apt-get install mariadb-server)`
  }
  return true
}

/** A fresh server in a scratch folder on a free port, with TLS and a Unix socket. Gone, with its data, at the end. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const template = await dataTemplate()
  const folder = await mkdtemp(join(tmpdir(), 'lb-mariadb-'))
  await chmod(folder, 0o755)
  await mkdir(join(folder, 'tls'))
  const certificates = await makeCertificates(join(folder, 'tls'))
  await cp(template, join(folder, 'data'), { recursive: true, preserveTimestamps: false })
  const password = options.password ?? 's3cr3t-p#ss "word\\'
  const port = await freePort()
  const socket = join(folder, 'server.sock')
  const settings = [
    '[mariadbd]',
    `datadir=${join(folder, 'data')}`,
    `socket=${socket}`,
    `port=${port}`,
    `pid-file=${join(folder, 'server.pid')}`,
    `log-error=${join(folder, 'server.log')}`,
    'bind-address=127.0.0.1',
    `tmpdir=${folder}`,
    `ssl-ca=${certificates.caFile}`,
    `ssl-cert=${certificates.certificateFile}`,
    `ssl-key=${certificates.keyFile}`,
    `log-bin=${join(folder, 'data', 'binlog')}`,
    'server-id=1',
    'event-scheduler=OFF',
    'character-set-server=utf8mb4',
    'max-allowed-packet=1G',
    // A test server loses nothing of value in a crash of the machine: no fsync, small caches, quick start.
    'sync-binlog=0',
    'innodb-flush-log-at-trx-commit=0',
    'innodb-flush-method=nosync',
    'innodb-buffer-pool-size=64M',
    'innodb-log-file-size=64M',
    'aria-pagecache-buffer-size=8M',
    'key-buffer-size=1M',
    'skip-name-resolve',
    ...(options.settings ?? []),
  ]
  const optionFile = join(folder, 'server.cnf')
  await writeFile(optionFile, `${settings.join('\n')}\n`)
  const asRoot = process.getuid?.() === 0
  if (asRoot) await execa('chown', ['-R', 'mysql:mysql', folder])

  let server = await start(optionFile, asRoot, socket)
  try {
    const admin = await createConnection({ socketPath: socket, user: 'root' })
    const hash = admin.escape(password)
    await admin.query(`ALTER USER root@localhost IDENTIFIED BY ${hash}`)
    await admin.query(`CREATE OR REPLACE USER lifeboat@'%' IDENTIFIED BY ${hash}`)
    await admin.query("GRANT ALL PRIVILEGES ON *.* TO lifeboat@'%' WITH GRANT OPTION")
    await admin.query('RESET MASTER')
    await admin.end()
  } catch (thrown) {
    await stop(server)
    throw thrown
  }
  const clientFile = join(folder, 'client.cnf')
  const quoted = password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  await writeFile(clientFile, `[client]\nuser=lifeboat\npassword="${quoted}"\nsocket="${socket}"\n`, {
    mode: 0o600,
  })
  return {
    port,
    socket,
    user: 'lifeboat',
    password,
    ca: certificates.caFile,
    url: `mariadb://lifeboat@127.0.0.1:${port}?tls=verify-full&tls-ca=${certificates.caFile}`,
    socketUrl: `mariadb://lifeboat@?socket=${socket}`,
    async run(sql) {
      const { stdout } = await execa(
        'mariadb',
        [
          `--defaults-file=${clientFile}`,
          '--batch',
          '--raw',
          '--skip-column-names',
          '--comments',
          '--default-character-set=utf8mb4',
        ],
        { input: sql },
      )
      return stdout
    },
    async dump(args) {
      const { stdout } = await execa('mariadb-dump', [`--defaults-file=${clientFile}`, ...args])
      return stdout
    },
    async restart() {
      await stop(server)
      server = await start(optionFile, asRoot, socket)
    },
    async [Symbol.asyncDispose]() {
      await stop(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Running = ReturnType<typeof spawn>

async function start(optionFile: string, asRoot: boolean, socket: string): Promise<Running> {
  // A killed test run must not leave servers behind: setpriv(1) has the kernel end them with it.
  const [file, ...first] = [
    '/usr/bin/setpriv',
    ...(asRoot ? ['--reuid=mysql', '--regid=mysql', '--clear-groups'] : []),
    '--pdeathsig=TERM',
    '--',
    SERVER,
  ] as const
  const server = spawn(file, [...first, `--defaults-file=${optionFile}`], { stdio: 'ignore' })
  const deadline = performance.now() + 30_000
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`mariadbd did not start: see ${optionFile.replace('.cnf', '.log')}`)
    }
    try {
      const probe = await createConnection({ socketPath: socket, user: 'nobody' })
      await probe.end()
      return server
    } catch (thrown) {
      // A refused login is an answer: the server listens.
      if (String((thrown as { code?: unknown }).code).startsWith('ER_')) return server
      if (performance.now() > deadline) {
        await stop(server)
        throw new Error('mariadbd did not answer within 30 s', { cause: thrown })
      }
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
}

async function stop(server: Running): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  const timer = setTimeout(() => server.kill('SIGKILL'), 20_000)
  await gone
  clearTimeout(timer)
}

/** The installed data directory, made once per machine and version and then copied: installing takes seconds. */
async function dataTemplate(): Promise<string> {
  const { stdout } = await execa(SERVER, ['--version'])
  const version = /Ver (\S+)/.exec(stdout)?.[1] ?? 'unknown'
  const template = join(tmpdir(), `lb-mariadb-template-${version}-${process.getuid?.() ?? 0}`)
  if (await exists(join(template, 'ready'))) return join(template, 'data')
  const making = await mkdtemp(`${template}-`)
  await chmod(making, 0o755)
  await mkdir(join(making, 'data'))
  await execa('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${join(making, 'data')}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...(process.getuid?.() === 0 ? ['--user=mysql'] : []),
  ])
  await writeFile(join(making, 'ready'), '')
  try {
    await rename(making, template)
  } catch {
    // Another test process was quicker: its template is as good.
    await rm(making, { recursive: true, force: true })
  }
  return join(template, 'data')
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
