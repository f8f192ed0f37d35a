import { LifeboatError } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'

export interface AgeRequest {
  readonly job: string
  /** Where its backups are, for messages. */
  readonly sink: string
  /** Those of the job that were just found to be good. */
  readonly good: readonly Manifest[]
  readonly mostMs: number
  readonly now: Date
}

export interface NewestAge {
  readonly job: string
  readonly newest: string | undefined
  /** Of its data: since the dump began. */
  readonly ageMs: number | undefined
  /** `too-old`, where there is none that is new enough. */
  readonly error: LifeboatError | undefined
}

/** Clocks differ a little. A backup from further ahead would look new for as long: it does not count. */
const AHEAD_MS = 15 * 60_000

/** How old the data of a job's newest good backup is. What was written after the dump began may not be in it. */
export function newestAge({ job, sink, good, mostMs, now }: AgeRequest): NewestAge {
  const aged = good
    .map(({ id, started }) => ({ id, ageMs: now.getTime() - Date.parse(started) }))
    .sort((a, b) => a.ageMs - b.ageMs)
  const newest = aged.find(({ ageMs }) => ageMs >= -AHEAD_MS)
  const ahead = aged.find(({ ageMs }) => ageMs < -AHEAD_MS)
  const refuse = (reason: string) => ({
    job,
    newest: newest?.id,
    ageMs: newest?.ageMs,
    error: new LifeboatError(
      'too-old',
      `unable to find a good backup of job '${job}' at ${sink} from the last ${showAge(mostMs)}: ${reason}`,
      {
        hint:
          ahead === undefined
            ? 'Find out why no newer dump came (its timer, its log, its exit code), and run one now.'
            : `Set the clock of this machine, or of the one that dumped: backup ${ahead.id} is dated ${showAge(-ahead.ageMs)} ahead and does not count.`,
        details: { job, newest: newest?.id ?? null, ageMs: newest?.ageMs ?? null, mostMs },
      },
    ),
  })
  if (newest === undefined) return refuse('there is none')
  if (newest.ageMs > mostMs)
    return refuse(`the data of the newest, ${newest.id}, is ${showAge(newest.ageMs)} old`)
  return { job, newest: newest.id, ageMs: newest.ageMs, error: undefined }
}

function showAge(ms: number): string {
  const [amount, unit] =
    ms < 7_200_000
      ? [ms / 60_000, 'min']
      : ms < 259_200_000
        ? [ms / 3_600_000, 'h']
        : [ms / 86_400_000, 'days']
  return `${Number(amount.toFixed(1))} ${unit}`
}
