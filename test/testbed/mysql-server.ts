import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { createConnection } from 'mysql2/promise'
import { startMysqlContainer } from './containers/mysql.ts'
import type { SqlServer } from './mysql-snapshot.ts'

export interface MysqlServer extends SqlServer, AsyncDisposable {
  readonly url: string
  readonly password: string
  /** Oracle's clients, as the engine takes them; others after a restart. */
  commands(): Readonly<Record<'mysql' | 'mysqldump', readonly [string, ...string[]]>>
  restart(): Promise<void>
}

/** Oracle's MySQL in a container, with what the tests of the engine need beyond the container itself. */
export async function startMysqlServer(): Promise<MysqlServer> {
  const server = await startMysqlContainer()
  let commands = server.commands
  const optionFile = join(dirname(server.caFile), 'client.cnf')
  const quoted = server.password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  await writeFile(optionFile, `[client]\nuser=root\npassword="${quoted}"\nsocket="${server.socket}"\n`, {
    mode: 0o600,
  })
  const client = async (command: readonly string[], args: readonly string[], input = '') => {
    const [file = '', ...first] = command
    const { stdout } = await execa(file, [...first, `--defaults-file=${optionFile}`, ...args], { input })
    return stdout
  }
  return {
    url: server.url(),
    password: server.password,
    commands: () => commands,
    run: (sql) =>
      client(
        commands.mysql,
        ['--batch', '--raw', '--skip-column-names', '--comments', '--default-character-set=utf8mb4'],
        sql,
      ),
    dump: (args) => client(commands.mysqldump, ['--set-gtid-purged=OFF', ...args]),
    async restart() {
      await execa('docker', ['restart', '--time=30', server.container.id])
      const { stdout } = await execa('docker', ['inspect', '--format={{.State.Pid}}', server.container.id])
      const program = (name: string) =>
        ['nsenter', `--target=${stdout.trim()}`, '--mount', '--', name] as const
      commands = { mysql: program('mysql'), mysqldump: program('mysqldump') }
      await answering(server.socket, server.password)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function answering(socketPath: string, password: string): Promise<void> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      const connection = await createConnection({ socketPath, user: 'root', password })
      await connection.end()
      return
    } catch (thrown) {
      if (performance.now() > deadline) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
