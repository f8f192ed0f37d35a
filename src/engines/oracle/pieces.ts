import { randomInt } from 'node:crypto'

/** Names that a run has at the server, all made from its id. */
export interface RunNames {
  /** The table of the run, and what all else begins with. */
  readonly run: string
  readonly job: string
  /** Data Pump's template: it counts from 01. */
  readonly pieces: string
  readonly log: string
}

/** %U has two digits. */
export const MOST_PIECES = 99
const RUN = /^LIFEBOAT_[0-9A-Z]{10,14}$/

/** Sorts by time. At most 23 letters: Oracle 12.1 takes 30, and the job's name has two more. */
export function newRun(now: Date): RunNames {
  const random = randomInt(36 ** 3)
    .toString(36)
    .padStart(3, '0')
  return namesOfRun(`LIFEBOAT_${now.getTime().toString(36)}${random}`.toUpperCase())
}

export function namesOfRun(run: string): RunNames {
  return { run, job: `${run}_J`, pieces: `${run}_%U.dmp`, log: `${run}.log` }
}

export function isRun(table: string): boolean {
  return RUN.test(table)
}

export function pieceName({ run }: RunNames, number: number): string {
  return `${run}_${String(number).padStart(2, '0')}.dmp`
}

/**
 * Larger than what was asked where the estimate says that the pieces would not be enough: compared with it, a dump file
 * has no free space of blocks but its own headers, so half again as much is allowed for.
 */
export function choosePieceBytes(askedBytes: number, estimateBytes: number | undefined): number {
  if (estimateBytes === undefined) return askedBytes
  const mib = 1024 ** 2
  return Math.max(askedBytes, Math.ceil((estimateBytes * 1.5) / MOST_PIECES / mib) * mib)
}
