import { readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { EngineContext } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ToolVersion } from '../../core/manifest.ts'
import { findTool, runTool } from '../../core/tool.ts'

export type ToolName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql'

export interface Tool extends ToolVersion {
  readonly name: ToolName
  readonly command: readonly [string, ...string[]]
  readonly major: number
}

/** PATH mostly has one version only, and on Debian a Perl wrapper that guesses: all others are in these folders. */
const VERSIONED = [
  { root: '/usr/lib/postgresql', folder: /^(\d+)$/ },
  { root: '/usr', folder: /^pgsql-(\d+)$/ },
]

/** The newest that there is: every client reads older servers, none a newer one. Undefined where there is none. */
export async function findPostgresTool(
  name: ToolName,
  context: EngineContext,
  signal: AbortSignal,
): Promise<Tool | undefined> {
  const given = context.commands?.[name]
  if (given !== undefined) return await askVersion(name, given, signal)
  let newest: Tool | undefined
  for (const folder of [...(await versionedFolders()), ...context.searchPath.split(delimiter)]) {
    const path = await findTool([name], folder)
    if (path === undefined) continue
    const tool = await askVersion(name, [path], signal)
    if (newest === undefined || compareVersions(tool.version, newest.version) > 0) newest = tool
  }
  return newest
}

export function missingTool(name: ToolName): LifeboatError {
  return new LifeboatError(
    'tool-missing',
    `unable to find '${name}': it is neither on PATH nor in /usr/lib/postgresql`,
    {
      hint: 'Install the client tools of the newest PostgreSQL: apt-get install postgresql-client.',
    },
  )
}

/** Whose package is too old, and what to type. */
export function newerClientHint(major: number): string {
  return `Run apt-get install postgresql-client-${major}; where the distribution has none, add the PGDG repository first (apt-get install postgresql-common, then /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh).`
}

/** The first of each major version whose \unrestrict can't be forged by a name inside of the script. */
const SAFE_UNRESTRICT_SINCE = ['14.24', '15.19', '16.15', '17.11', '18.6']

/** CVE-2026-18408: this psql can be made to leave restricted mode by what the script holds. */
export function isUnrestrictForgeable(psql: Pick<Tool, 'major' | 'version'>): boolean {
  const since = SAFE_UNRESTRICT_SINCE.find((version) => Number.parseInt(version, 10) === psql.major)
  return since === undefined ? psql.major < 18 : compareVersions(psql.version, since) < 0
}

async function askVersion(
  name: ToolName,
  command: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<Tool> {
  const text = await runTool({ name, command, args: ['--version'] }, signal)
  const version = /\(PostgreSQL\) ((\d+)[^\s]*)/.exec(text)
  if (version?.[1] === undefined) {
    throw new LifeboatError('unsupported', `unable to use '${command.join(' ')}': it says '${text.trim()}'`, {
      hint: `Give the ${name} of PostgreSQL, 10 or later.`,
    })
  }
  return { name, vendor: 'PostgreSQL', version: version[1], major: Number(version[2]), command }
}

export function compareVersions(left: string, right: string): number {
  const [one, two] = [left, right].map((text) =>
    text.split('.').map((step) => Number.parseInt(step, 10) || 0),
  )
  for (let at = 0; at < Math.max(one?.length ?? 0, two?.length ?? 0); at += 1) {
    const difference = (one?.[at] ?? 0) - (two?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

async function versionedFolders(): Promise<readonly string[]> {
  const found: { major: number; path: string }[] = []
  for (const { root, folder } of VERSIONED) {
    for (const name of await namesIn(root)) {
      const major = folder.exec(name)?.[1]
      if (major !== undefined) found.push({ major: Number(major), path: join(root, name, 'bin') })
    }
  }
  return found.sort((left, right) => right.major - left.major).map(({ path }) => path)
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}
