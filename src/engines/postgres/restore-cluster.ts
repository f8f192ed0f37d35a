import type { PartSource } from '../../core/engine.ts'
import type { Connection } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { CLUSTER_PART } from './parts.ts'
import type { RestoreSetting } from './restore.ts'
import { restoreError } from './restore-error.ts'
import { applyGlobals } from './restore-globals.ts'
import { joinOwners, makePlaceholders } from './restore-roles.ts'
import { writeToServer } from './run-tool.ts'
import { connectedDatabase, scanScript } from './script.ts'
import { compareVersions, isUnrestrictForgeable, type Tool } from './tools.ts'

/** The first of each major version whose psql knows \restrict (CVE-2025-8714). */
const RESTRICT_SINCE = ['13.22', '14.19', '15.14', '16.10', '17.6', '18']

/**
 * The script up to its first `\connect` are roles and tablespaces: psql would stop at the first role that exists, so
 * they go statement by statement. The rest is fed to one psql.
 */
export async function restoreCluster(
  source: PartSource,
  facts: readonly DatabaseFacts[],
  setting: RestoreSetting,
  maintenance: Connection,
  signal: AbortSignal,
): Promise<void> {
  const { server, options, target, tool, log } = setting
  const pieces = scanScript(source.open(CLUSTER_PART.name, signal))
  const head: Uint8Array[] = []
  let first: Uint8Array | undefined
  let restricted = false
  for (;;) {
    const next = await pieces.next()
    if (next.done === true) break
    const piece = next.value
    if (piece.kind !== 'meta') head.push(piece.bytes)
    else if (connectedDatabase(piece.text) !== undefined) {
      first = piece.bytes
      break
    } else restricted ||= piece.text.startsWith('\\restrict ')
  }
  const strips = restricted && !knowsRestrict(tool)
  if (strips) {
    log.warnings.push(
      `psql ${tool.version} does not know \\restrict: the lines were left out, and with them their protection against hostile names`,
    )
  }
  if (isUnrestrictForgeable(tool)) {
    log.warnings.push(
      `psql ${tool.version} has CVE-2026-18408: names in a backup of a hostile server could have run commands on this machine; install 18.6, 17.11, 16.15, 15.19, 14.24 or later`,
    )
  }
  log.step('restoring roles and tablespaces')
  const script = Buffer.concat(head).toString('utf8')
  await applyGlobals(script, { target, tablespaces: options.tablespaces }, maintenance, log)
  await makePlaceholders(facts, maintenance, log)
  await joinOwners(facts, target, maintenance, log)

  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      if (first !== undefined) yield first
      for (;;) {
        const next = await pieces.next()
        if (next.done === true) return
        const piece = next.value
        if (strips && piece.kind === 'meta' && /^\\(un)?restrict /.test(piece.text)) continue
        const database = piece.kind === 'meta' ? connectedDatabase(piece.text) : undefined
        if (database !== undefined) log.step(`restoring database '${database}'`)
        yield piece.bytes
      }
    } finally {
      await pieces.return(undefined)
    }
  }
  let stderr = ''
  const args = ['--no-psqlrc', '--quiet', '--echo-errors', '--no-password', '--set=ON_ERROR_STOP=1']
  try {
    await writeToServer(
      server,
      { tool, args, database: maintenance.database },
      rest(),
      (text) => {
        stderr = text
      },
      signal,
    )
  } catch (thrown) {
    throw restoreError(thrown, 'the databases', stderr)
  }
  for (const { name } of facts) log.restored.push(`database '${name}'`)
}

export function knowsRestrict(psql: Pick<Tool, 'major' | 'version'>): boolean {
  const since = RESTRICT_SINCE.find((version) => Number.parseInt(version, 10) === psql.major)
  return since === undefined ? psql.major > 18 : compareVersions(psql.version, since) >= 0
}
