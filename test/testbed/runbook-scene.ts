import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planRunbook, type RunbookRequest, runRunbook, type StepEvent } from '../../src/app/run-runbook.ts'
import { openRunbookJournal, type RunbookJournal, type RunbookRecord } from '../../src/app/runbook-journal.ts'
import type { Way } from '../../src/core/runbook.ts'
import type { CloudPorts } from '../../src/runbooks/ports.ts'
import type { WayFlags } from '../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { createWorld, type MadeCall, type World } from '../../src/simulation/world.ts'

export interface RunbookHarness {
  readonly way: Way<WayFlags, unknown, unknown, CloudPorts>
  readonly flags: WayFlags & { readonly source: string; readonly target: string }
  /** A time that the way can't keep: a minute where it is left out. */
  readonly tooShortMs?: number
  /** What it restores has another class or zone to try. */
  readonly hasRoomElsewhere?: boolean
  /** Puts into the cloud what the way needs. */
  furnish(world: World): void
  /** Expects that the cloud is as the way promises, read from the world's own state. */
  expectDone(world: World): void
}

/** Journals are synced at each record, and a sweep over all crashes writes thousands. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const RUN = { id: '20261122T210500Z-k3f9' }

/** A cloud, a folder for the journal, and runs that start, crash and go on. */
export interface RunbookScene extends AsyncDisposable {
  readonly world: World
  readonly events: StepEvent[]
  /** What was said while there was no plan yet. */
  readonly retries: string[]
  readonly folder: string
  /** Records and calls that changed something, as they came. */
  readonly log: (RunbookRecord | MadeCall)[]
  run(settings?: Partial<RunbookRequest<WayFlags, CloudPorts>>): ReturnType<typeof runRunbook>
  /** The same run under other flags, as when it is resumed with them. */
  withFlags(flags: WayFlags): Partial<RunbookRequest<WayFlags, CloudPorts>>
  plan(): ReturnType<typeof planRunbook<WayFlags, CloudPorts>>
  /** Calls that changed something, in order: what a second creation would show up in. */
  changes(): readonly string[]
  records(): Promise<readonly RunbookRecord[]>
}

export async function createRunbookScene({ way, flags, furnish }: RunbookHarness): Promise<RunbookScene> {
  const { signal } = new AbortController()
  const folder = await mkdtemp(join(ROOT, 'lifeboat-runbook-'))
  const world = createWorld()
  furnish(world)
  const events: StepEvent[] = []
  const retries: string[] = []
  const log: (RunbookRecord | MadeCall)[] = []
  const ports = simulatedPorts(world, flags.source, flags.target)
  const { clock } = world.time
  const open = () => openRunbookJournal({ folder, run: RUN.id, onEvent: () => undefined }, signal)
  let seenCalls = 0

  function logChanges(): void {
    log.push(...world.calls.slice(seenCalls).filter(({ kind, done }) => kind === 'change' && done))
    seenCalls = world.calls.length
  }

  /** The process may end before a record is on the disk, and after. */
  function crashing(journal: RunbookJournal): RunbookJournal {
    return {
      ...journal,
      async append(record, inner) {
        world.point('before journal')
        logChanges()
        log.push(record)
        await journal.append(record, inner)
        world.point('after journal')
      },
    }
  }

  return {
    world,
    events,
    retries,
    folder,
    log,
    async run(settings = {}) {
      const journal = crashing(await open())
      try {
        return await runRunbook(
          {
            ...{ way, flags, ports, run: RUN, journal, clock, confirm: true, deadlineMs: way.deadlineMs },
            onStep: (event) => events.push(event),
            onRetry: (message) => retries.push(message),
            ...settings,
          },
          signal,
        )
      } finally {
        logChanges()
      }
    },
    withFlags: (more) => ({ flags: { ...flags, ...more } }),
    plan: () => planRunbook({ way, flags, ports, run: RUN, clock }, signal),
    changes: () =>
      world.calls.flatMap(({ kind, done, operation }) => (kind === 'change' && done ? [operation] : [])),
    records: async () => (await open()).records,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
