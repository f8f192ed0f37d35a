import type { EngineContext } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { findTool, runTool } from '../../core/tool.ts'
import type { MysqlOptions } from './options.ts'
import { isAtLeast, parseVersion, type ServerVersion } from './version.ts'

export type Vendor = 'MariaDB' | 'Oracle'

/** A client program of one of the vendors, found and asked for its version. */
export interface Tool {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly vendor: Vendor
  readonly version: string
}

const NAMES = {
  dump: { MariaDB: ['mariadb-dump', 'mysqldump'], Oracle: ['mysqldump', 'mariadb-dump'] },
  load: { MariaDB: ['mariadb', 'mysql'], Oracle: ['mysql', 'mariadb'] },
} as const

/** Option files and variables of the person who runs this must not change what a dump holds. */
export const TOOL_ENVIRONMENT = {
  MYSQL_TEST_LOGIN_FILE: '/nonexistent',
  MYSQL_PWD: undefined,
  MYSQL_HOST: undefined,
  MYSQL_GROUP_SUFFIX: undefined,
  MARIADB_GROUP_SUFFIX: undefined,
} as const

/**
 * The program for the job, of the server's own vendor where there is one. `mysqldump` says nothing about the vendor:
 * distributions ship MariaDB's under that name, and MariaDB from 11.0 may come without it.
 */
export async function findClient(
  job: 'dump' | 'load',
  server: ServerVersion,
  context: EngineContext,
  signal: AbortSignal,
  preferred: MysqlOptions['client'] = 'auto',
): Promise<Tool> {
  const own: Vendor = server.flavour === 'MariaDB' ? 'MariaDB' : 'Oracle'
  const wanted = preferred === 'auto' ? own : preferred === 'mariadb' ? 'MariaDB' : 'Oracle'
  let other: Tool | undefined
  for (const name of NAMES[job][wanted]) {
    const path = await findTool([name], context.searchPath)
    const command = context.commands?.[name] ?? (path === undefined ? undefined : ([path] as const))
    if (command === undefined) continue
    const tool = await identify(name, command, signal)
    if (tool.vendor === wanted) return tool
    other ??= tool
  }
  if (other !== undefined) return other
  const names = NAMES[job][wanted]
  throw new LifeboatError(
    'tool-missing',
    `unable to find '${names[0]}': neither it nor ${names[1]} is on PATH`,
    {
      hint:
        wanted === 'MariaDB'
          ? "Install the package 'mariadb-client'."
          : "Install MySQL's client (package 'mysql-client' or 'mysql-community-client'); 'mariadb-client' mostly serves too.",
    },
  )
}

async function identify(
  name: string,
  command: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<Tool> {
  const text = await runTool(
    { name, command, args: ['--no-defaults', '--version'], env: TOOL_ENVIRONMENT },
    signal,
  )
  return { name, command, ...readClientVersion(text) }
}

/** `Ver 10.19 Distrib 10.11.19-MariaDB`, `from 11.8.3-MariaDB, client 10.19`, `Ver 8.0.36 for Linux`. */
export function readClientVersion(text: string): { readonly vendor: Vendor; readonly version: string } {
  const version =
    /Distrib (\d+\.\d+\.\d+)/.exec(text) ??
    /from (\d+\.\d+\.\d+)/.exec(text) ??
    /Ver (\d+\.\d+\.\d+)/.exec(text)
  return { vendor: /MariaDB/i.test(text) ? 'MariaDB' : 'Oracle', version: version?.[1] ?? 'unknown' }
}

/** What is worth knowing about this client against this server. */
export function judgeClient(tool: Tool, server: ServerVersion): readonly Finding[] {
  const message = `${tool.name} of ${tool.vendor}, version ${tool.version}`
  const topic = tool.name
  if (tool.vendor === 'Oracle' && /^(?:8\.0\.32|5\.7\.41)$/.test(tool.version) && /dump/.test(tool.name)) {
    return [
      {
        level: 'warning',
        topic,
        message: `${message}, wants FLUSH TABLES WITH READ LOCK, which managed servers refuse`,
        hint: 'Install a later mysqldump.',
      },
    ]
  }
  if ((tool.vendor === 'MariaDB') !== (server.flavour === 'MariaDB')) {
    return [
      {
        level: 'warning',
        topic,
        message: `${message}, against a ${server.flavour} server: what only ${server.flavour} has may come out differently`,
        hint: server.flavour === 'MariaDB' ? "Install 'mariadb-client'." : "Install MySQL's own client.",
      },
    ]
  }
  if (!isAtLeast(parseVersion(tool.version), server.numbers.slice(0, 2))) {
    return [
      {
        level: 'warning',
        topic,
        message: `${message}, is older than the server's ${server.text}`,
        hint: 'Install a client of the same release as the server, or a newer one.',
      },
    ]
  }
  return [{ level: 'ok', topic, message }]
}
