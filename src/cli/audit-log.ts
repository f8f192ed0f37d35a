import { resolve } from 'node:path'
import type { Recording } from '../app/audit/audited.ts'
import type { AuditLog } from '../app/audit/log.ts'
import type { AuditFacts } from '../core/audit-record.ts'
import type { VerbContext } from './run-verb.ts'
import { findSparedConfig, type Spared } from './spared-config.ts'

export interface AuditOptions {
  readonly audit?: string
  readonly config?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

/** Where this run is recorded: in the file of `--audit`, else of the configuration, else nowhere. */
export async function openAudit(
  options: AuditOptions,
  context: VerbContext,
  spared: readonly Spared[] = ['audit', 'signers'],
): Promise<AuditLog | undefined> {
  if (options.audit !== undefined) return auditAt(options.audit)
  return auditAt((await findSparedConfig(options, spared, context))?.config.audit?.file)
}

export async function auditAt(file: string | undefined): Promise<AuditLog | undefined> {
  if (file === undefined) return undefined
  const [{ createAuditLog }, { systemClock }] = await Promise.all([
    import('../app/audit/log.ts'),
    import('../core/clock.ts'),
  ])
  return createAuditLog(resolve(file), systemClock)
}

/**
 * Does the work of a verb between the two records of its run. Where its end can't be recorded the verb still gives its result,
 * with a warning, and 3 for an exit code where it had been 0.
 */
export async function recorded<T>(
  log: AuditLog | undefined,
  facts: AuditFacts,
  work: (recording: Recording) => Promise<T>,
  { reporter, signal }: Pick<VerbContext, 'reporter' | 'signal'>,
): Promise<T> {
  const [{ audited }, { systemClock }] = await Promise.all([
    import('../app/audit/audited.ts'),
    import('../core/clock.ts'),
  ])
  return await audited({ log, facts, clock: systemClock, onUnrecorded: reporter.amiss }, work, signal)
}

/** The keys that were given to open a backup, as the log names them. Without a log no file is read for it. */
export async function keyNames(
  log: AuditLog | undefined,
  { key: files = [], gpg = false }: { readonly key?: readonly string[]; readonly gpg?: boolean },
): Promise<string[]> {
  if (log === undefined) return []
  const { readKeyFingerprints } = await import('../app/registry.ts')
  return [...(gpg ? ['gpg'] : []), ...(await readKeyFingerprints(files))]
}

/** Names of the options that are set. */
export function setOptions(options: Readonly<Record<string, boolean | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, set]) => (set === true ? [name] : []))
}
