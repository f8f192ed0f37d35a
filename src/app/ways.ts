import { LifeboatError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Way } from '../core/runbook.ts'
import type { CutoverKind } from '../runbooks/cutover-options.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import { SAID_BY_BACKUP, withChecks } from '../runbooks/with-checks.ts'
import { withKeptLanding } from '../runbooks/with-kept-landing.ts'

export type AnyWay = Way<WayFlags, unknown, unknown, CloudPorts>

/** Every way out, best first where all are open. The help, the documents and their tests go by this list. */
const WAYS: Readonly<Record<string, () => Promise<AnyWay>>> = {
  'aurora-failover': async () => withChecks((await import('../runbooks/aurora-failover.ts')).auroraFailover),
  'aurora-add-region': async () =>
    withChecks((await import('../runbooks/aurora-add-region.ts')).auroraAddRegion),
  'promote-replica': async () => withChecks((await import('../runbooks/promote-replica.ts')).promoteReplica),
  'restore-replicated-backup': async () =>
    withChecks((await import('../runbooks/restore-replicated-backup.ts')).restoreReplicatedBackup),
  'restore-snapshot': async () =>
    withChecks((await import('../runbooks/restore-snapshot.ts')).restoreSnapshot),
  'copy-snapshot': async () => withChecks((await import('../runbooks/copy-snapshot.ts')).copySnapshot),
  native: async () => withChecks((await import('../runbooks/native.ts')).native),
  // No way out, but what comes before each of them: the old primary takes no more writes.
  fence: async () => (await import('../runbooks/fence.ts')).fence,
  // No way out, but what all of them land in, made beforehand.
  prepare: async () => (await import('../runbooks/prepare.ts')).prepare,
}
  // And its way back.
  unfence: async () => (await import('../runbooks/unfence.ts')).unfence,

export const WAY_NAMES = Object.keys(WAYS)

/** What moves the clients, once a way out has moved the database: `cutover run`. */
export async function loadCutover(kind: CutoverKind): Promise<AnyWay> {
  return (await import('../runbooks/cutover.ts')).createCutover(kind)
}

export async function loadWay(name: string): Promise<AnyWay> {
  const load = Object.hasOwn(WAYS, name) ? WAYS[name] : undefined
  if (load !== undefined) return withKeptLanding(await load())
  const likely = nearest(name, WAY_NAMES)
  throw new LifeboatError('usage', `unable to take way '${name}': there is no such way`, {
    hint: `${likely === undefined ? '' : `Did you mean ${likely}? `}Known are ${WAY_NAMES.join(', ')}.`,
  })
}
