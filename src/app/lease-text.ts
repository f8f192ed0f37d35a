import { LifeboatError } from '../core/errors.ts'
import type { LeasePlace, LiveLease } from './lease-place.ts'

/** Exit 40, with all that is known of who is in the way. Times are told by this machine's clock, whatever the sink's. */
export function lockedBy(
  { sink, job }: LeasePlace,
  live: LiveLease,
  { now, waitedMs }: { readonly now: Date; readonly waitedMs: number },
): LifeboatError {
  const at = (ms: number) => new Date(now.getTime() + ms).toISOString()
  const expires = at(live.remainingMs)
  const since = live.record === undefined ? undefined : at(-live.ageMs - live.record.heldMs)
  const waited = waitedMs < 500 ? '' : `, after a wait of ${Math.round(waitedMs / 1000)} s`
  return new LifeboatError(
    'locked',
    `unable to dump job '${job}' to ${sink.name}: ${holderOf(live)}${since === undefined ? '' : ` since ${short(since)}`}${waited}; its lease expires at ${short(expires)} unless it is renewed`,
    {
      hint: 'Let that run end, or wait for it with --wait-lease 1h; a run that is dead blocks no longer than its lease. Another database needs another --job.',
      details: {
        expires,
        ...(since !== undefined && { since }),
        ...(live.record !== undefined && {
          run: live.record.run,
          host: live.record.holder.host,
          pid: live.record.holder.pid,
          lifeboat: live.record.lifeboat,
        }),
      },
    },
  )
}

export function holderOf({ record, number }: Pick<LiveLease, 'record' | 'number'>): string {
  return record === undefined
    ? `lease ${number}, which can not be read, is held`
    : `run ${record.run} of host '${record.holder.host}', pid ${record.holder.pid}, is at it`
}

/** `2026-11-23 02:10:05Z` */
function short(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}
