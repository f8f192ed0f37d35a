import { statfs, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { openRunJournal } from '../../src/app/journals.ts'
import { runRestore } from '../../src/app/restore.ts'
import { newBackupId } from '../../src/core/backup-layout.ts'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError, messageOf, toLifeboatError } from '../../src/core/errors.ts'
import type { Sink } from '../../src/core/sink.ts'
import { startTcpProxy } from '../testbed/tcp-proxy.ts'
import { checkPlace, JOB, orphansOf, type PlaceToCheck } from './check-place.ts'
import { forgeAndCheck } from './forge.ts'
import type { ChaosKeys } from './keys.ts'
import { createMachine } from './machine.ts'
import type { AgentTask } from './memory-agent.ts'
import { type ChaosClock, createChaosClock, dumpMemory, LEASE_MS } from './memory-dump.ts'
import type { ChaosPlan } from './plan.ts'
import { createRandom } from './random.ts'
import { createRecordingEngine } from './recording-engine.ts'
import { type ChaosRoot, type ChaosRoots, newFolder } from './roots.ts'
import { createSource, digestOf, type SourceState, sourceState } from './source.ts'
import { sweepPlace } from './sweep.ts'
import type { Violations } from './violations.ts'
import { type Strike, type StruckSink, withStrike } from './with-strike.ts'

export interface ChaosContext {
  readonly keys: ChaosKeys
  readonly roots: ChaosRoots
}

/** What became of the faulty run, for the report. */
export interface RunOutcome {
  /** The fault met something; it may lie behind the end of a run. */
  readonly struck: boolean
  /** `made`, `vanished`, or the code of its error. */
  readonly outcome: string
}

interface Attempt {
  readonly state: SourceState
  readonly digest: string
  readonly clock: ChaosClock
  readonly number: number
}

const AGENT = fileURLToPath(new URL('memory-agent.ts', import.meta.url))
const DISK_BYTES = 96 * 1024 * 1024
/** Attempts are a minute apart, so that an id tells which of them made it. */
const APART_MS = 60_000
/** For the waiting agent and for a busy machine, beyond the lease itself. */
const SLACK_MS = 20_000

/** One run with a memory engine: dumps before, the fault, then what must hold, a sound dump, and what must hold then. */
export async function runMemoryPlan(
  plan: ChaosPlan,
  { keys, roots }: ChaosContext,
  violations: Violations,
): Promise<RunOutcome> {
  await using scratch = await newFolder('run')
  const stateFolder = join(scratch.path, 'state')
  const { fault } = plan
  const disk = fault.kind === 'disk-full' ? await roots.newDisk(DISK_BYTES) : undefined
  await using root = disk ?? (await roots.newRoot(plan.sink, plan.maxChunks))
  // Before, during and after: a machine knows a place by its address, and by that finds what dead runs left there.
  await using proxy = fault.kind === 'network' && root.address ? await startTcpProxy(root.address) : undefined
  const machine = createMachine()
  const attempts = new Map<string, Attempt>()
  const committed = new Set<string>()
  const epochMs = Date.now() - 3_600_000

  function attempt(number: number, jumpMs = 0): Attempt {
    const at = new Date(epochMs + number * APART_MS)
    const state = sourceState(plan.dice, number, plan.parts)
    const made = { state, digest: digestOf(state), clock: createChaosClock(at), number }
    for (const ms of new Set([0, jumpMs])) attempts.set(timeOf(new Date(at.getTime() + ms)), made)
    return made
  }
  const attemptOf = (id: string) => attempts.get(id.slice(0, id.indexOf('-')))

  /** A killed agent's journal lies in files; that of one that only seems to be dead, in memory. */
  async function newAgent(known: boolean) {
    if (fault.kind !== 'killed') return (known ? machine : createMachine()).newAgent()
    return {
      journal: await openRunJournal(known ? stateFolder : join(scratch.path, 'elsewhere')),
      end: () => undefined,
    }
  }
  async function dump(
    each: Attempt,
    sink: Sink,
    more: {
      readonly signal?: AbortSignal
      readonly waitMs?: number
      readonly known?: boolean
      readonly faulty?: boolean
      readonly onLease?: (tookMs: number) => void
    } = {},
  ): Promise<string> {
    const agent = await newAgent(more.known ?? true)
    try {
      const id = await dumpMemory(
        {
          plan,
          engine: createSource(
            each.state,
            more.faulty === true && fault.kind === 'source' ? fault : undefined,
          ),
          sink,
          journal: agent.journal,
          signer: keys.signer,
          recipient: keys.recipient,
          clock: each.clock,
          waitMs: more.waitMs ?? SLACK_MS + LEASE_MS,
          ...(more.onLease && { onLease: more.onLease }),
        },
        more.signal ?? new AbortController().signal,
      )
      committed.add(id)
      return id
    } finally {
      agent.end()
    }
  }
  const sound = async <T>(work: (sink: Sink) => Promise<T>) => {
    await using sink = await root.open(stateFolder, proxy)
    // Not before it has ended may the sink be closed.
    return await work(sink)
  }
  const check = (when: string) =>
    sound((sink) => {
      const place: PlaceToCheck = {
        sink,
        keys,
        signed: plan.signed,
        committed,
        contentOf: (id) => attemptOf(id)?.state,
        violations,
      }
      return checkPlace(place, when)
    })

  let next = 0
  for (; next < plan.before; next++) {
    const before = attempt(next)
    await sound((sink) => dump(before, sink))
  }

  const outcome = await runFault()
  const after = await check('after the fault')
  if (!outcome.struck) {
    const well = ['made', 'restored'].includes(outcome.outcome)
    violations.expect(well, `a run that nothing befell ended with ${outcome.outcome}`)
  }
  if (fault.kind === 'source' && outcome.struck) {
    violations.expect(after.length === plan.before, `after the fault: a dump whose source failed is listed`)
    violations.expect(outcome.outcome !== 'made', 'a dump whose source failed was reported as made')
  }

  let leaseMs = 0
  const onLease = (tookMs: number) => {
    leaseMs += tookMs
  }
  const last = attempt(50)
  const newest = await sound((sink) => dump(last, sink, { known: !plan.otherMachine, onLease })).catch(
    (thrown) => {
      violations.expect(false, `the sound dump after the fault failed: ${messageOf(thrown)}`)
      return undefined
    },
  )
  violations.expect(
    leaseMs < LEASE_MS + SLACK_MS,
    `the sound dump waited ${Math.round(leaseMs)} ms for a lease of ${LEASE_MS} ms`,
  )
  const ids = await check('after the sound dump')
  // Who dumped by a clock that was ahead made a backup of the future, and it stays the newest until then.
  const ahead = fault.kind === 'clock' && fault.jumpMs > 0
  if (newest !== undefined && !ahead) {
    violations.expect(
      ids.at(-1) === newest,
      `the newest is ${ids.at(-1)}, and not ${newest} of the sound dump`,
    )
  }
  if (plan.otherMachine) {
    await sound((sink) => sweepPlace(sink, plan.signed ? keys.trust : undefined))
  } else {
    violations.expect(machine.open.length === 0, 'the journal still remembers runs that are dead')
  }
  const orphans = orphansOf(await root.names(), ids)
  violations.expect(orphans.length === 0, `left behind for ever: ${orphans.join(', ')}`)
  for (const { digest, state, number } of attempts.values()) {
    violations.expect(digestOf(state) === digest, `the source of dump ${number} was changed`)
  }
  await sound((sink) =>
    forgeAndCheck({ plan, sink, keys, ids, contentOf: (id) => attemptOf(id)?.state, violations }),
  )
  return outcome

  async function runFault(): Promise<RunOutcome> {
    switch (fault.kind) {
      case 'race':
        return race(fault.agents)
      case 'killed':
        return kill()
      case 'disk-full':
        return fillDisk(fault.roomBytes)
      case 'network':
        return breakNetwork()
      case 'reading':
        return readBadly()
      default:
        return strikeDump()
    }
  }

  /** Settles like the dump does; an error that is lifeboat's own defect is a violation. */
  async function outcomeOf(running: Promise<unknown>): Promise<string> {
    try {
      await running
      return 'made'
    } catch (thrown) {
      const { code, message } = toLifeboatError(thrown)
      violations.expect(code !== 'internal', `a dump failed with a defect: ${message}`)
      return code
    }
  }

  async function strikeDump(): Promise<RunOutcome> {
    const each = attempt(next, fault.kind === 'clock' ? fault.jumpMs : 0)
    const stop = new AbortController()
    const struck = Promise.withResolvers<void>()
    let met = false
    const strike = strikeOf(plan)
    if (fault.kind === 'clock' && fault.call === 0) {
      each.clock.jump(fault.jumpMs)
      met = true
    }
    const onStrike = () => {
      met = true
      struck.resolve()
      if (fault.kind === 'vanishes') machine.kill()
      if (fault.kind === 'clock') each.clock.jump(fault.jumpMs)
      if (fault.kind === 'interrupted' || fault.kind === 'sink') {
        stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
      }
    }
    return sound(async (inner) => {
      const sink = strike === undefined ? inner : withStrike(inner, strike, onStrike)
      const running = outcomeOf(dump(each, sink, { signal: stop.signal, faulty: true }))
      if (fault.kind !== 'vanishes') {
        const outcome = await running
        if (fault.kind === 'source') met = true
        if (fault.kind === 'sink') met = (sink as StruckSink).calls >= fault.call
        return { struck: met, outcome }
      }
      const outcome = await Promise.race([running, struck.promise.then(() => 'vanished')])
      return { struck: met, outcome }
    })
  }

  async function race(agents: number): Promise<RunOutcome> {
    const waitMs = createRandom(`${plan.dice}/race`).pick([0, SLACK_MS])
    const outcomes = await Promise.all(
      Array.from({ length: agents }, (_, position) =>
        sound((sink) =>
          outcomeOf(
            dump(attempt(next + position), sink, { waitMs, known: position === 0 || !plan.otherMachine }),
          ),
        ),
      ),
    )
    violations.expect(outcomes.includes('made'), `none of ${agents} agents made a backup: ${outcomes}`)
    const strange = outcomes.filter((each) => each !== 'made' && each !== 'locked')
    violations.expect(strange.length === 0, `an agent that raced failed with ${strange}`)
    const lost = outcomes.filter((each) => each === 'locked')
    if (!plan.leased) violations.expect(lost.length === 0, 'an agent without a lease was locked out')
    return { struck: true, outcome: lost.length === 0 ? 'made' : 'locked' }
  }

  async function kill(): Promise<RunOutcome> {
    const each = attempt(next)
    const task: AgentTask = {
      plan,
      attempt: each.number,
      at: each.clock.now().toISOString(),
      url: (await (root as ChaosRoot).url?.()) ?? '',
      stateFolder,
      recipient: keys.recipient,
      signingSecret: keys.signingSecret,
    }
    const { signal, exitCode, stdout, stderr } = await execa(
      process.execPath,
      [AGENT, JSON.stringify(task)],
      {
        reject: false,
        timeout: 60_000,
        env: root.env,
      },
    )
    if (signal === 'SIGKILL') return { struck: true, outcome: 'killed' }
    violations.expect(exitCode === 0, `an agent that nothing befell failed: ${stderr}`)
    committed.add(stdout)
    return { struck: false, outcome: exitCode === 0 ? 'made' : 'failed' }
  }

  async function fillDisk(roomBytes: number): Promise<RunOutcome> {
    if (disk === undefined) return strikeDump()
    const ballast = join(disk.path, 'ballast')
    const { bavail, bsize } = await statfs(disk.path)
    const fill = Math.max(0, bavail * bsize - roomBytes)
    await writeFile(ballast, Buffer.alloc(fill))
    const outcome = await sound((sink) => outcomeOf(dump(attempt(next), sink)))
    await truncate(ballast)
    await unlink(ballast)
    return { struck: outcome !== 'made', outcome }
  }

  async function breakNetwork(): Promise<RunOutcome> {
    if (fault.kind !== 'network' || proxy === undefined) throw new Error('only a far sink has a network')
    const { how, bytes, direction } = fault
    proxy.inject({ kind: how, after: { bytes, direction } })
    const stop = new AbortController()
    let met = false
    const onStruck = () => {
      met = true
      // What falls silent is given up by whoever watches.
      if (how === 'stall' || how === 'half-open') {
        stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
      }
    }
    proxy.struck().then(onStruck)
    const outcome = await sound((sink) => outcomeOf(dump(attempt(next), sink, { signal: stop.signal })))
    await proxy.heal()
    return { struck: met, outcome }
  }

  async function readBadly(): Promise<RunOutcome> {
    if (fault.kind !== 'reading') throw new Error('another fault')
    const each = attempt(next)
    const id = await sound((sink) => dump(each, sink))
    const engine = createRecordingEngine(each.state.tables)
    const strike: Strike = { ...fault, afterBytes: 0, ...(fault.how === 'corrupt' && { on: ['read'] }) }
    return sound(async (inner) => {
      const sink = withStrike(inner, strike)
      const restoring = runRestore(
        {
          engine,
          sink,
          job: JOB,
          id,
          decoders: keys.decoders,
          replace: false,
          alongside: false,
          sameServerOk: false,
          jobs: 1,
          ...(plan.signed && { trust: keys.trust }),
          clock: systemClock,
          onEvent: () => undefined,
        },
        new AbortController().signal,
      )
      const outcome = await outcomeOf(restoring)
      for (const { name, data } of each.state.parts) {
        const fed = engine.fed.get(name) ?? Buffer.alloc(0)
        violations.expect(data.subarray(0, fed.length).equals(fed), `a restore fed what was not in '${name}'`)
        const whole = fed.length === data.length && engine.whole.has(name)
        if (outcome === 'made')
          violations.expect(whole, `a restore that went well fed only a part of '${name}'`)
      }
      return { struck: sink.calls >= fault.call, outcome: outcome === 'made' ? 'restored' : outcome }
    })
  }
}

function strikeOf({ fault }: ChaosPlan): Strike | undefined {
  switch (fault.kind) {
    case 'sink':
      return fault
    case 'vanishes':
      return { ...fault, calls: 1, how: 'vanish' }
    case 'interrupted':
      return { ...fault, calls: 1, how: 'act' }
    case 'clock':
      return fault.call === 0 ? undefined : { call: fault.call, calls: 1, how: 'act', afterBytes: 0 }
    default:
      return undefined
  }
}

function timeOf(at: Date): string {
  const id = newBackupId(at)
  return id.slice(0, id.indexOf('-'))
}
