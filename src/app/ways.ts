import { LifeboatError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Way } from '../core/runbook.ts'
import type { CutoverKind } from '../runbooks/cutover-options.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import { withAccounts } from '../runbooks/with-accounts.ts'
import { SAID_BY_BACKUP, type WithoutSource, withChecks } from '../runbooks/with-checks.ts'
import { withKeptLanding } from '../runbooks/with-kept-landing.ts'

export type AnyWay = Way<WayFlags, unknown, unknown, CloudPorts>

/** Every way out, best first where all are open. The help, the documents and their tests go by this list. */
const WAYS: Readonly<Record<string, () => Promise<AnyWay>>> = {
  'aurora-failover': async () => wayOut((await import('../runbooks/aurora-failover.ts')).auroraFailover),
  'aurora-add-region': async () => wayOut((await import('../runbooks/aurora-add-region.ts')).auroraAddRegion),
  'promote-replica': async () => wayOut((await import('../runbooks/promote-replica.ts')).promoteReplica),
  'restore-replicated-backup': async () =>
    wayOut(
      (await import('../runbooks/restore-replicated-backup.ts')).restoreReplicatedBackup,
      SAID_BY_BACKUP,
    ),
  'restore-snapshot': async () =>
    wayOut((await import('../runbooks/restore-snapshot.ts')).restoreSnapshot, SAID_BY_BACKUP),
  'copy-snapshot': async () => wayOut((await import('../runbooks/copy-snapshot.ts')).copySnapshot),
  native: async () => wayOut((await import('../runbooks/native.ts')).native),
  // No way out, but what comes before each of them: the old primary takes no more writes.
  fence: async () => (await import('../runbooks/fence.ts')).fence,
  // And its way back.
  unfence: async () => (await import('../runbooks/unfence.ts')).unfence,
  // No way out, but what all of them land in, made beforehand.
  prepare: async () => (await import('../runbooks/prepare.ts')).prepare,
}

/** With what all of them look at beforehand and at the end. */
function wayOut<Options, Facts extends object>(
  way: Way<WayFlags, Options, Facts, CloudPorts>,
  without?: WithoutSource<Facts>,
): AnyWay {
  return withAccounts(withChecks(way, without), without === undefined)
}

export const WAY_NAMES = Object.keys(WAYS)

/** What moves the clients, once a way out has moved the database: `cutover run`. */
export async function loadCutover(kind: CutoverKind): Promise<AnyWay> {
  return (await import('../runbooks/cutover.ts')).createCutover(kind)
}

export async function loadWay(name: string): Promise<AnyWay> {
  const load = Object.hasOwn(WAYS, name) ? WAYS[name] : undefined
  if (load !== undefined) return withKeptLanding(await load())
  // It is no way, and is typed like one.
  const known = [...WAY_NAMES, 'verify']
  const likely = nearest(name, known)
  throw new LifeboatError('usage', `unable to take way '${name}': there is no such way`, {
    hint: `${likely === undefined ? '' : `Did you mean ${likely}? `}Known are ${known.join(', ')}.`,
  })
}
