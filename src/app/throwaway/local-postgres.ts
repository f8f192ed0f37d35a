import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../../core/tool.ts'
import type { LocalRecipe, Prepared } from './local-server.ts'
import { asAccount } from './server-account.ts'

/** Its data are worth nothing: no wait for a disk. */
const SETTINGS = [
  'listen_addresses=',
  'fsync=off',
  'full_page_writes=off',
  'synchronous_commit=off',
  'max_wal_size=4GB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'unix_socket_permissions=0700',
]

export async function preparePostgres(
  { scratch, account, programs }: LocalRecipe,
  signal: AbortSignal,
): Promise<Prepared> {
  const server = programs.server as string
  const as = (program: string) => asAccount(account, 'QUIT', program)
  const data = join(scratch.data, 'd')
  await mkdir(data, { mode: 0o700 })
  if (account !== undefined) await chown(data, account.uid, account.gid)
  const program = programs.install as string
  await runTool(
    {
      name: program,
      command: await as(program),
      // Whoever reaches the socket may log in: its folder lets nobody else through.
      args: ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    },
    signal,
  )
  const settings = [...SETTINGS, `unix_socket_directories=${scratch.socket}`]
  return {
    server: {
      url: `postgres://postgres@?socket=${encodeURIComponent(join(scratch.socket, '.s.PGSQL.5432'))}`,
    },
    command: {
      name: server,
      command: await as(server),
      args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
      endWith: 'SIGQUIT',
    },
  }
}
