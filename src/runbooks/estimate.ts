import type { Runbook, RunbookEstimate } from '../core/runbook.ts'

/** GiB in a second that snapshots and secondaries have been seen to take between regions: a range, since AWS promises none. */
const SLOW_GIB_PER_SECOND = 0.025
const FAST_GIB_PER_SECOND = 0.2

/** Year of the list below. AWS's own Pricing API is in us-east-1 for nearly all: no answer of it may be waited for on the day. */
const PRICES_OF = 2025

/** AWS's list price for a GiB out of a region into another one, in USD. Only an order of magnitude is wanted. */
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
export function estimateOf<Ports>(
  { steps, moves }: Runbook<Ports>,
  ownUsdPerGib: number | null = null,
): RunbookEstimate {
  const usualMs = steps.reduce((sum, step) => {
    const isSized = moves != null && moves.gib !== null && step.id === 'copy-snapshot'
    return sum + (isSized ? 0 : (step.usualMs ?? 0))
  }, 0)
  const gib = moves?.gib ?? 0
  const listed =
    moves === undefined ? null : (USD_PER_GIB.find(([name]) => name.test(moves.from))?.[1] ?? null)
  const usdPerGib = ownUsdPerGib ?? listed
  return {
    minMs: Math.round(usualMs / 2 + (gib / FAST_GIB_PER_SECOND) * 1000),
    maxMs: Math.round(usualMs * 2 + (gib / SLOW_GIB_PER_SECOND) * 1000),
    transferGib: moves === undefined ? 0 : moves.gib,
    transferUsd: moves === undefined ? 0 : usdOf(moves.gib, usdPerGib),
    usdPerGib,
    price: ownUsdPerGib === null ? `list of ${PRICES_OF}` : 'given',
  }
}

function usdOf(gib: number | null, usdPerGib: number | null): number | null {
  return gib === null || usdPerGib === null ? null : Math.round(gib * usdPerGib * 100) / 100
}
