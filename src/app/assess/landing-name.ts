import { type KeptLanding, keptTarget } from '../../runbooks/kept-landing.ts'
import type { LandingEntry } from '../../runbooks/landing-zone.ts'
import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import { type Answer, unknown } from './answer.ts'
import type { Identity, SnapshotSeen } from './evidence.ts'

export interface Wanted {
  readonly identity: Answer<Identity>
  readonly kept: KeptLanding | null
  readonly kind: SnapshotKind
}

export function kindOf(identity: Answer<Identity>, snapshots: Answer<readonly SnapshotSeen[]>): SnapshotKind {
  if (identity.known) return identity.value.kind
  return (snapshots.known ? snapshots.value[0]?.kind : undefined) ?? 'instance'
}

type Kept = Exclude<LandingEntry['kind'], 'security-group' | 'role'>

/**
 * What was named, else what was settled for that which the source has, else what is called the same. Where nobody knows what the
 * source has, all that was settled. Null where none is needed, undefined where nobody knows.
 */
export function nameFor(
  { identity, kept }: Wanted,
  kind: Kept,
  named: string | undefined,
  own: (identity: Identity) => string | null,
): string | null | undefined {
  if (named !== undefined) return named
  const entries = kept?.entries ?? []
  if (!identity.known)
    return entries.find((entry) => entry.kind === kind && entry.target !== null)?.target ?? undefined
  const source = own(identity.value)
  return source === null ? null : (keptTarget(entries, kind, source) ?? source)
}

export const UNKNOWN_OWN = unknown('not-asked', 'what it has in the source region is not known')
