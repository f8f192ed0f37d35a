import { randomBytes } from 'node:crypto'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../../core/secret.ts'
import { runTool } from '../../core/tool.ts'
import type { LocalRecipe, Prepared } from './local-server.ts'
import { asAccount } from './server-account.ts'

const DATA_IS_WORTH_NOTHING = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=OFF',
  '--skip-log-bin',
  '--sync-binlog=0',
]

export async function prepareMysql(
  product: 'MariaDB' | 'MySQL',
  { scratch, account, programs }: LocalRecipe,
  signal: AbortSignal,
): Promise<Prepared> {
  const server = programs.server as string
  const as = (program: string) => asAccount(account, 'KILL', program)
  const data = join(scratch.data, 'd')
  const folder = join(scratch.data, 't')
  const initFile = join(scratch.data, 'init.sql')
  const password = new Secret(randomBytes(24).toString('base64url'))
  const install: readonly [string, readonly string[]] =
    product === 'MariaDB'
      ? [
          programs.install as string,
          [
            '--no-defaults',
            `--datadir=${data}`,
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
          ],
        ]
      : [server, ['--no-defaults', '--initialize-insecure', `--datadir=${data}`]]
  await writeFile(initFile, `ALTER USER root@localhost IDENTIFIED BY '${password.reveal()}';\n`, {
    mode: 0o600,
  })
  await mkdir(folder, { mode: 0o700 })
  await mkdir(data, { mode: 0o700 })
  if (account !== undefined) {
    for (const path of [initFile, folder, data]) await chown(path, account.uid, account.gid)
  }
  const [program, args] = install
  // Ours may lie where the account can't write.
  const env = { TMPDIR: folder }
  await runTool({ name: program, command: await as(program), args, env }, signal)
  const socket = join(scratch.socket, 'm')
  return {
    server: {
      url: `${product === 'MariaDB' ? 'mariadb' : 'mysql'}://root@?socket=${encodeURIComponent(socket)}`,
      password: async () => password,
    },
    command: {
      name: server,
      command: await as(server),
      args: [
        '--no-defaults',
        `--datadir=${data}`,
        `--tmpdir=${folder}`,
        `--socket=${socket}`,
        `--pid-file=${join(scratch.data, 'pid')}`,
        `--init-file=${initFile}`,
        '--skip-networking',
        // What was scheduled at the source must not happen here.
        '--event-scheduler=OFF',
        '--max-allowed-packet=1G',
        '--character-set-server=utf8mb4',
        ...DATA_IS_WORTH_NOTHING,
        // The folder that is compiled in need not be there.
        ...(product === 'MySQL' ? ['--mysqlx=OFF', '--secure-file-priv=NULL'] : []),
      ],
      env,
      endWith: 'SIGKILL',
    },
  }
}
