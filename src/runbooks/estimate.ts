import type { Runbook, RunbookEstimate } from '../core/runbook.ts'

/** GiB in a second that snapshots and secondaries have been seen to take between regions: a range, since AWS promises none. */
const SLOW_GIB_PER_SECOND = 0.025
const FAST_GIB_PER_SECOND = 0.2

/**
 * AWS's list price for a GiB out of a region into another one, of 2025, in USD. Only an order of magnitude is wanted: whoever has a
 * contract pays less.
 */
const USD_PER_GIB = [
  [/^us-gov-/, 0.03],
  [/^(us|ca|eu)-/, 0.02],
  [/^ap-northeast-2/, 0.08],
  [/^ap-south-1/, 0.086],
  [/^ap-southeast-2/, 0.098],
  [/^ap-/, 0.09],
  [/^sa-/, 0.138],
  [/^af-/, 0.147],
  [/^me-/, 0.1105],
  [/^il-/, 0.08],
] as const

/** What is sent takes time by its size; each other step what it usually takes, or twice that, or half. */
export function estimateOf<Ports>({ steps, moves }: Runbook<Ports>): RunbookEstimate {
  const usualMs = steps.reduce((sum, step) => {
    const isSized = moves != null && moves.gib !== null && step.id === 'copy-snapshot'
    return sum + (isSized ? 0 : (step.usualMs ?? 0))
  }, 0)
  const gib = moves?.gib ?? 0
  const price = moves === undefined ? undefined : USD_PER_GIB.find(([name]) => name.test(moves.from))?.[1]
  return {
    minMs: Math.round(usualMs / 2 + (gib / FAST_GIB_PER_SECOND) * 1000),
    maxMs: Math.round(usualMs * 2 + (gib / SLOW_GIB_PER_SECOND) * 1000),
    transferGib: moves === undefined ? 0 : moves.gib,
    transferUsd:
      moves === undefined
        ? 0
        : moves.gib === null || price === undefined
          ? null
          : Math.round(moves.gib * price * 100) / 100,
  }
}
