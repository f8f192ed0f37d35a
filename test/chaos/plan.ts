import { createRandom, type Random } from './random.ts'

export const CHAOS_ENGINES = ['memory', 'mariadb', 'postgres'] as const
export const CHAOS_SINKS = ['memory', 'file', 'ssh', 's3'] as const
export type ChaosEngine = (typeof CHAOS_ENGINES)[number]
export type ChaosSink = (typeof CHAOS_SINKS)[number]

/** What goes wrong in a run, and where. Calls are those of the sink, counted from 1. */
export type ChaosFault =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'source'
      readonly how: 'fails' | 'stalls' | 'fails-at-the-end'
      readonly afterBytes: number
    }
  | {
      readonly kind: 'sink'
      readonly how: 'refuse' | 'break' | 'lose-answer' | 'stall'
      readonly call: number
      readonly calls: number
      readonly afterBytes: number
    }
  | { readonly kind: 'interrupted'; readonly call: number; readonly afterBytes: number }
  /** The agent is gone in the middle of a call: the memory sink's stand-in for SIGKILL. */
  | { readonly kind: 'vanishes'; readonly call: number; readonly afterBytes: number }
  /** SIGKILL to an agent that is a process of its own. */
  | { readonly kind: 'killed'; readonly call: number; readonly afterBytes: number }
  | { readonly kind: 'disk-full'; readonly roomBytes: number }
  /** At call 0 the clock is wrong from the beginning. */
  | { readonly kind: 'clock'; readonly call: number; readonly jumpMs: number }
  | { readonly kind: 'race'; readonly agents: number }
  | {
      readonly kind: 'network'
      readonly how: 'cut' | 'close' | 'stall' | 'half-open'
      readonly direction: 'up' | 'down'
      readonly bytes: number
    }
  /** While restoring: reads that fail or lie. */
  | {
      readonly kind: 'reading'
      readonly how: 'refuse' | 'break' | 'corrupt'
      readonly call: number
      readonly calls: number
    }
  /** Of real servers: the dump tool goes wrong as one of test/fixtures/tools. */
  | { readonly kind: 'tool'; readonly fake: (typeof TOOL_FAKES)[number] }
  /** The connection between the dump tool and its server. */
  | {
      readonly kind: 'database'
      readonly how: 'cut' | 'close' | 'stall' | 'half-open'
      readonly bytes: number
    }
  | { readonly kind: 'signal'; readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'; readonly bytes: number }
  /** The restore is killed in its middle, and then done again. */
  | { readonly kind: 'restore-killed'; readonly bytes: number }

export const TOOL_FAKES = [
  'exits-1-after-last-byte',
  'is-killed-midway',
  'cuts-its-end',
  'hangs-midway',
] as const

export interface ChaosPlan {
  readonly seed: string
  readonly run: number
  readonly engine: ChaosEngine
  readonly sink: ChaosSink
  /** Whole backups that are there before anything goes wrong. */
  readonly before: number
  readonly signed: boolean
  readonly encrypted: boolean
  readonly codec: 'none' | 'gzip' | 'zstd'
  readonly leased: boolean
  readonly jobs: number
  /** Most chunks of a volume. */
  readonly maxChunks: number
  /** Plain bytes of each part. */
  readonly parts: readonly number[]
  /** The run after the fault is on a machine that knows nothing of the one before. */
  readonly otherMachine: boolean
  readonly fault: ChaosFault
  /** For what is chosen during the run: which byte is flipped, which backup is forged. */
  readonly dice: string
}

const MIB = 1024 * 1024
const DAY_MS = 86_400_000

/** How often each pairing is drawn: a run with a real server takes as long as a hundred without. `--only` draws more of it. */
const WEIGHTS: readonly (readonly [`${ChaosEngine}/${ChaosSink}`, number])[] = [
  ['memory/memory', 56],
  ['memory/file', 31],
  ['memory/ssh', 5],
  ['memory/s3', 5],
  ['mariadb/file', 0.4],
  ['mariadb/ssh', 0.4],
  ['mariadb/s3', 0.4],
  ['postgres/file', 0.4],
  ['postgres/ssh', 0.4],
  ['postgres/s3', 0.4],
]
export type Pairing = (typeof WEIGHTS)[number][0]
export const PAIRINGS: readonly Pairing[] = WEIGHTS.map(([pairing]) => pairing)

/** The first so many runs that are of these pairings. */
export function planRuns(seed: string, count: number, pairings: readonly Pairing[]): ChaosPlan[] {
  const plans: ChaosPlan[] = []
  for (let run = 1; plans.length < count && pairings.length > 0; run++) {
    const plan = planRun(seed, run)
    if (pairings.includes(`${plan.engine}/${plan.sink}` as Pairing)) plans.push(plan)
  }
  return plans
}

/** The same plan for the same seed and number, whatever other runs there are. */
export function planRun(seed: string, run: number): ChaosPlan {
  const random = createRandom(`${seed}/${run}`)
  const pairing = random.weighted(WEIGHTS)
  const [engine, sink] = pairing.split('/') as [ChaosEngine, ChaosSink]
  const isReal = engine !== 'memory'
  // Several chunks, and with few allowed per volume several volumes.
  const big = random.chance(isReal ? 0 : sink === 's3' ? 0.1 : 0.01)
  const parts = Array.from({ length: random.int(1, 4) }, () =>
    random.pick([random.int(0, 100), random.int(100, 5_000), random.int(5_000, 300_000)]),
  )
  if (big) parts[random.int(0, parts.length - 1)] = random.int(16 * MIB - 2, 36 * MIB)
  const signed = random.chance(0.5)
  const leased = random.chance(0.5)
  // About as many as a dump makes; a few lie behind its end.
  const calls = 8 + 2 * parts.length + (signed ? 1 : 0) + (leased ? 6 : 0)
  return {
    seed,
    run,
    engine,
    sink,
    before: random.int(0, isReal ? 1 : 2),
    signed,
    encrypted: isReal || random.chance(0.4),
    codec: random.pick(['none', 'gzip', 'zstd']),
    leased,
    jobs: random.int(1, 3),
    maxChunks: random.pick([1, 2, 10_000]),
    parts,
    otherMachine: random.chance(0.15),
    fault: isReal ? serverFault(random, sink) : memoryFault(random, sink, parts, calls),
    dice: `${seed}/${run}/dice`,
  }
}

function memoryFault(random: Random, sink: ChaosSink, parts: readonly number[], calls: number): ChaosFault {
  const plainBytes = parts.reduce((sum, bytes) => sum + bytes, 0)
  const call = () => random.int(1, calls)
  const afterBytes = () => random.pick([0, 1, random.int(0, 2_000), random.int(0, Math.max(1, plainBytes))])
  const far = sink === 'ssh' || sink === 's3'
  const kind = random.weighted<ChaosFault['kind']>([
    ['none', 1],
    ['source', 4],
    ['sink', 8],
    ['interrupted', 3],
    sink === 'memory' ? ['vanishes', 6] : ['killed', sink === 'file' ? 6 : 3],
    ['clock', 3],
    ['race', 3],
    ['reading', 3],
    ...(sink === 'file' ? ([['disk-full', 3]] as const) : []),
    ...(far ? ([['network', 6]] as const) : []),
  ])
  switch (kind) {
    case 'source': {
      const how = random.pick(['fails', 'stalls', 'fails-at-the-end'])
      return { kind, how, afterBytes: random.int(0, plainBytes) }
    }
    case 'sink': {
      const how = random.pick(['refuse', 'break', 'lose-answer', 'stall'])
      // One call, a short outage, or for as long as the run lasts.
      return {
        kind,
        how,
        call: call(),
        // Clearing away, too, would wait for half a minute at a place that has fallen silent for ever.
        calls: how === 'stall' ? 1 : random.pick([1, 1, random.int(2, 6), 1_000]),
        afterBytes: afterBytes(),
      }
    }
    case 'clock': {
      const jumpMs =
        random.pick([-1, 1]) * random.pick([90_000, 3_600_000, DAY_MS, 400 * DAY_MS, random.int(1, DAY_MS)])
      return { kind, call: random.chance(0.3) ? 0 : call(), jumpMs }
    }
    case 'race':
      return { kind, agents: random.int(2, 3) }
    case 'reading': {
      const how = random.pick(['refuse', 'break', 'corrupt'])
      return { kind, how, call: random.int(1, 12), calls: random.pick([1, 1, 3, 1_000]) }
    }
    case 'disk-full':
      return { kind, roomBytes: random.int(0, 400_000) }
    case 'network':
      return {
        kind,
        how: random.pick(['cut', 'close', 'stall', 'half-open']),
        direction: random.pick(['up', 'down']),
        bytes: random.int(0, Math.min(plainBytes, 2 * MIB) + 20_000),
      }
    case 'interrupted':
    case 'vanishes':
    case 'killed':
      return { kind, call: call(), afterBytes: afterBytes() }
    default:
      return { kind: 'none' }
  }
}

function serverFault(random: Random, sink: ChaosSink): ChaosFault {
  const bytes = () => random.int(10_000, 500_000)
  const how = () => random.pick(['cut', 'close', 'stall', 'half-open'])
  const kind = random.weighted<ChaosFault['kind']>([
    ['none', 1],
    ['tool', 4],
    ['database', 4],
    ['signal', 5],
    ['race', 2],
    ['restore-killed', 2],
    ...(sink === 'file' ? ([['disk-full', 3]] as const) : ([['network', 4]] as const)),
  ])
  switch (kind) {
    case 'tool':
      return { kind, fake: random.pick(TOOL_FAKES) }
    case 'database':
      return { kind, how: how(), bytes: bytes() }
    case 'signal':
      return { kind, signal: random.pick(['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGKILL']), bytes: bytes() }
    case 'race':
      return { kind, agents: 2 }
    case 'restore-killed':
      return { kind, bytes: bytes() }
    case 'disk-full':
      return { kind, roomBytes: random.int(0, 600_000) }
    case 'network':
      return {
        kind,
        how: random.pick(['cut', 'close']),
        direction: random.pick(['up', 'down']),
        bytes: random.int(0, 400_000),
      }
    default:
      return { kind: 'none' }
  }
}
