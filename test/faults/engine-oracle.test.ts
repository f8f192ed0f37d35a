import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { DumpOptions, EngineEvent } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { failureOf, sourceOf, type Taken, take } from '../conformance/engine-suite.ts'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { seedOracle } from '../testbed/oracle/fixture.ts'
import { OraError } from '../testbed/oracle/ora-error.ts'
import { type OracleFault, ScriptedOracle } from '../testbed/oracle/server.ts'

const never = new AbortController().signal

function seeded(): ScriptedOracle {
  const oracle = new ScriptedOracle()
  seedOracle(oracle)
  return oracle
}

/** A dump as the app makes one: all parts, then `finish`, then `committed`; disposed of in any case. */
async function dumpAll(
  oracle: ScriptedOracle,
  options = '&piece=1M',
  signal = never,
  how: Partial<DumpOptions> = {},
): Promise<{ warnings: readonly string[]; bytes: number }> {
  await using engine = engineFor(oracle, options)
  const probe = await engine.probe('source', signal)
  await using dump = engine.dump(probe, { counts: 'exact', ...how }, signal)
  let bytes = 0
  for await (const part of dump.parts) {
    for await (const piece of part.open(signal)) bytes += piece.length
    await part.release()
  }
  const { warnings } = await dump.finish(signal)
  await dump.committed?.(signal)
  return { warnings, bytes }
}

const healthy = seeded()
await dumpAll(healthy)
const dumpCalls = healthy.calls
const taken: Taken = await take(engineFor(seeded(), '&piece=1M'))
const healthyTarget = new ScriptedOracle()
await engineFor(healthyTarget).restore(sourceOf(taken), { replace: false }, never)
const restoreCalls = healthyTarget.calls

/** First and last call of every statement in a run that goes well: a fault at each is a fault in each phase. */
function eachCall(calls: readonly string[]): readonly (readonly [string, number])[] {
  return [...new Set(calls)].flatMap((name) => {
    const count = calls.filter((call) => call === name).length
    return count === 1 ? [[name, 0] as const] : [[name, 0] as const, [name, count - 1] as const]
  })
}

describe('engine oracle when things break', { timeout: 20_000 }, () => {
  const opened: ScriptedOracle[] = []
  const start = () => {
    const oracle = seeded()
    opened.push(oracle)
    return oracle
  }
  afterEach(() => {
    for (const oracle of opened.splice(0)) expect(oracle.sessions).toBe(0)
  })

  test('a run that goes well leaves nothing, and makes several pieces', () => {
    expect(taken.parts.size).toBeGreaterThan(2)
    expect(healthy.leftovers()).toEqual([])
    expect(healthyTarget.leftovers()).toEqual([])
    expect(healthyTarget.database.snapshot()).toBe(healthy.database.snapshot())
  })

  describe.each(['lost', 'cut'] as const)(
    'a connection that breaks (%s) is no backup and leaves nothing',
    (kind) => {
      test.each(eachCall(dumpCalls))('at %s, call %i', async (on, after) => {
        const oracle = start()
        oracle.fault({ on, kind, after })
        const outcome = await dumpAll(oracle).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        if (outcome !== undefined) {
          expect(outcome).toBeInstanceOf(LifeboatError)
          expect((outcome as LifeboatError).hint).toMatch(/\S/)
          expect((outcome as LifeboatError).code).toBe('engine-unreachable')
        }
        // The session of a job that was being defined may be the one that broke: what it left the next run clears.
        if (oracle.leftovers().length > 0) await dumpAll(oracle)
        expect(oracle.leftovers()).toEqual([])
      })
    },
  )

  describe.each(['lost', 'cut'] as const)(
    'a connection that breaks (%s) is no restore and leaves nothing',
    (kind) => {
      test.each(eachCall(restoreCalls))('at %s, call %i', async (on, after) => {
        const oracle = new ScriptedOracle()
        opened.push(oracle)
        oracle.fault({ on, kind, after })
        const restoring = engineFor(oracle).restore(sourceOf(taken), { replace: false }, never)
        const outcome = await restoring.then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        if (outcome !== undefined) expect((outcome as LifeboatError).code).toBe('engine-unreachable')
        if (outcome !== undefined || oracle.leftovers().length > 0) {
          await engineFor(oracle).restore(sourceOf(taken), { replace: true }, never)
        }
        expect(oracle.leftovers()).toEqual([])
        expect(oracle.database.snapshot()).toBe(healthy.database.snapshot())
      })
    },
  )

  test.each(
    [...new Set(dumpCalls)].filter(
      (name) => !['END_RUN', 'REMOVE_RUN_FILES', 'READ_JOB', 'DROP_MASTER'].includes(name),
    ),
  )('a dump that is aborted while %s hangs ends at once and leaves nothing', async (on) => {
    const oracle = start()
    oracle.fault({ on, kind: 'hang' })
    const stop = new AbortController()
    const reached = oracle.reached(on)
    const failing = failureOf(dumpAll(oracle, '&piece=1M', stop.signal))
    await reached
    stop.abort(new LifeboatError('terminated', 'the run was terminated'))
    expect((await failing).code).toBe('terminated')
    expect(oracle.leftovers()).toEqual([])
  })

  test.each(
    [...new Set(restoreCalls)].filter(
      (name) => !['END_RUN', 'REMOVE_RUN_FILES', 'READ_JOB', 'DROP_MASTER'].includes(name),
    ),
  )('a restore that is aborted while %s hangs ends at once and leaves nothing', async (on) => {
    const oracle = new ScriptedOracle()
    opened.push(oracle)
    oracle.fault({ on, kind: 'hang' })
    const stop = new AbortController()
    const reached = oracle.reached(on)
    const failing = failureOf(engineFor(oracle).restore(sourceOf(taken), { replace: false }, stop.signal))
    await reached
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    expect((await failing).code).toBe('interrupted')
    expect(oracle.leftovers()).toEqual([])
  })

  test('a run that is aborted while its job is being started waits for that, and stops the job', async () => {
    const oracle = start()
    const letGo = oracle.hold('START_EXPORT')
    const stop = new AbortController()
    const reached = oracle.reached('START_EXPORT')
    const engine = engineFor(oracle, '', {}, systemClock)
    async function all() {
      await using dump = engine.dump(await engine.probe('source', never), { counts: 'off' }, stop.signal)
      for await (const _part of dump.parts);
    }
    const failing = failureOf(all())
    await reached
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    letGo()
    expect((await failing).code).toBe('interrupted')
    expect(oracle.started.map(({ state }) => state)).toEqual(['STOPPED'])
    expect(oracle.leftovers()).toEqual([])
  })

  test('a log that does not end with the end of its job is no backup', async () => {
    const oracle = start()
    oracle.pump.script = { endsSilently: true }
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.message).toContain('does not end with the end of the job')
    expect(oracle.leftovers()).toEqual([])
  })

  test('a job that runs when its run is aborted is stopped', async () => {
    const oracle = start()
    oracle.pump.script = { hangs: true }
    const stop = new AbortController()
    const reached = oracle.reached('READ_JOB_STATUS')
    const failing = failureOf(dumpAll(oracle, '', stop.signal))
    await reached
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    await failing
    expect(oracle.started.map(({ state }) => state)).toEqual(['STOPPED'])
    expect(oracle.leftovers()).toEqual([])
  })

  test('a server that is gone keeps what was begun, the operator is told, and the next run clears it', async () => {
    const oracle = start()
    oracle.pump.script = { hangs: true }
    oracle.fault({ on: 'READ_JOB_STATUS', kind: 'outage', after: 2 })
    const events: EngineEvent[] = []
    const failure = await failureOf(dumpAll(oracle, '', never, { onProgress: (event) => events.push(event) }))
    expect(failure.code).toBe('engine-unreachable')
    expect(oracle.leftovers().length).toBeGreaterThan(2)
    const told = events.filter(({ kind }) => kind === 'warning').map(({ message }) => message)
    expect(told.join('\n')).toMatch(
      /UTL_FILE\.FREMOVE\('DATA_PUMP_DIR', 'LIFEBOAT_\w+_01\.dmp'\).*DROP TABLE/s,
    )
    const orphan = oracle.started[0]
    oracle.restart()
    if (orphan !== undefined) orphan.state = 'EXECUTING'
    oracle.pump.script = {}
    await dumpAll(oracle)
    expect(orphan?.state).toBe('STOPPED')
    expect(oracle.leftovers()).toEqual([])
  })

  test('what a killed run left while its pieces travelled is cleared by a restore too', async () => {
    const oracle = start()
    const engine = engineFor(oracle)
    const dump = engine.dump(await engine.probe('source', never), { counts: 'off' }, never)
    for await (const _part of dump.parts) break
    expect(oracle.leftovers().length).toBeGreaterThan(1)
    oracle.dropSessions()
    await engineFor(oracle).restore(sourceOf(taken), { replace: true }, never)
    expect(oracle.leftovers()).toEqual([])
    await dump[Symbol.asyncDispose]()
  })

  test('the files of a run that is alive are left alone by another', async () => {
    const oracle = start()
    const engine = engineFor(oracle, '&piece=1M')
    await using dump = engine.dump(await engine.probe('source', never), { counts: 'off' }, never)
    let bytes = 0
    let others = 0
    for await (const part of dump.parts) {
      if (others++ === 0) await dumpAll(oracle)
      for await (const piece of part.open(never)) bytes += piece.length
    }
    expect(bytes).toBeGreaterThan(2_000_000)
    await dump.committed?.(never)
    expect(oracle.leftovers()).toEqual([])
  })

  test('a job that stops by itself is no backup, and says what it said last', async () => {
    const oracle = start()
    oracle.pump.script = { stops: true }
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.code).toBe('tool-failed')
    expect(failure.message).toMatch(/was stopped.*ORA-39097/s)
    expect(oracle.leftovers()).toEqual([])
  })

  test('an error in the log is no backup, though the job COMPLETED; tolerated, it is told', async () => {
    const oracle = start()
    oracle.pump.script = {
      log: [
        'ORA-31693: Table data object "SHOP"."ORDERS" failed to load/unload and is being skipped due to error:',
        'ORA-01555: snapshot too old: rollback segment number 7 with name "_SYSSMU7$" too small',
      ],
    }
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.message).toMatch(/log has 1 errors.*"SHOP"\."ORDERS".*ORA-01555/s)
    expect(failure.hint).toContain('undo_retention')
    expect(oracle.leftovers()).toEqual([])
    oracle.pump.script = { log: ['ORA-39127: unexpected error from call to export_string :="SYS"."DBMS_X"'] }
    expect((await failureOf(dumpAll(oracle))).message).toContain('ORA-39127')
    const { warnings } = await dumpAll(oracle, '&piece=1M&tolerate=ORA-39127')
    expect(warnings.join('\n')).toContain('ORA-39127')
  })

  test('rows that the job leaves out without a word are no backup', async () => {
    const oracle = start()
    oracle.pump.script = { skipsRowsOf: 'ORDERS' }
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.code).toBe('integrity')
    expect(failure.message).toContain("SHOP.ORDERS: 2000 rows at the dump's moment, 1999 unloaded")
    expect(oracle.leftovers()).toEqual([])
  })

  test('undo that is gone for a count: the number is that of the log, with a warning', async () => {
    const oracle = start()
    oracle.fault({ on: 'COUNT_ROWS_AS_OF', kind: new OraError(1555, 'snapshot too old'), after: 1 })
    const { warnings } = await dumpAll(oracle)
    expect(warnings).toEqual([
      expect.stringMatching(/rows of .* could not be counted .*\(ORA-01555\): .* the job's log/),
    ])
  })

  test('a full disk at the server says so, in an export and in an import', async () => {
    const oracle = start()
    oracle.database.roomBytes = 1_500_000
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.message).toMatch(/ORA-(19502|27072)/)
    expect(failure.hint).toMatch(/disk .* is full/)
    expect(oracle.leftovers()).toEqual([])
    const target = new ScriptedOracle()
    target.database.roomBytes = 1_500_000
    const restoring = await failureOf(engineFor(target).restore(sourceOf(taken), { replace: false }, never))
    expect(restoring.hint).toMatch(/disk .* is full/)
    expect(target.leftovers()).toEqual([])
  })

  test.each([
    ['ends early', (data: Buffer) => data.subarray(0, data.length - 1)],
    ['gives nothing', () => Buffer.alloc(0)],
  ])('a piece whose file %s is no backup', async (_what, tamper) => {
    const oracle = start()
    const engine = engineFor(oracle, '&piece=1M')
    const probe = await engine.probe('source', never)
    async function all() {
      await using dump = engine.dump(probe, { counts: 'off' }, never)
      for await (const part of dump.parts) {
        oracle.tamper = tamper
        for await (const _piece of part.open(never));
      }
    }
    const failure = await failureOf(all())
    expect(failure).toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('unable to read server file'),
    })
    expect(oracle.leftovers()).toEqual([])
  })

  test('a piece that shrinks while it travels, and one that vanishes, are no backup', async () => {
    for (const change of ['shrink', 'vanish'] as const) {
      const oracle = start()
      const engine = engineFor(oracle, '&piece=1M')
      await using dump = engine.dump(await engine.probe('source', never), { counts: 'off' }, never)
      for await (const part of dump.parts) {
        const files = oracle.database.files('DATA_PUMP_DIR')
        const [name = ''] = [...files.keys()].filter((each) => each.endsWith('_01.dmp'))
        if (change === 'vanish') files.delete(name)
        else files.set(name, { data: Buffer.alloc(1000) })
        const failure = await failureOf(
          (async () => {
            for await (const _piece of part.open(never));
          })(),
        )
        expect(failure.hint).toMatch(/\S/)
        break
      }
    }
  })

  test('where the driver cannot read a BFILE, the same bytes come as RAWs', async () => {
    const oracle = start()
    oracle.readsBfiles = false
    const { bytes } = await dumpAll(oracle)
    expect(oracle.calls.filter((name) => name === 'READ_FILE_RAW').length).toBeGreaterThan(50)
    expect(bytes).toBeGreaterThan(2_000_000)
    const other = await take(engineFor(oracle, '&piece=1M'))
    const target = new ScriptedOracle()
    await engineFor(target).restore(sourceOf(other), { replace: false }, never)
    expect(target.database.snapshot()).toBe(oracle.database.snapshot())
  })

  test('rows written after the export began are not in it', async () => {
    const oracle = start()
    const before = oracle.database.snapshot()
    const reached = oracle.reached('START_EXPORT')
    const taking = take(engineFor(oracle, '&piece=1M'))
    await reached
    oracle.database.write('SHOP', 'ORDERS', ['later'])
    const late = await taking
    expect(late.result.contents.tables.find(({ table }) => table === 'ORDERS')?.rows).toBe(2000)
    const target = new ScriptedOracle()
    await engineFor(target).restore(sourceOf(late), { replace: false }, never)
    expect(target.database.snapshot()).toBe(before)
  })

  const refusals: readonly (readonly [string, OracleFault, RegExp, RegExp])[] = [
    [
      'a job of that name',
      { on: 'START_EXPORT', kind: new OraError(31634, 'job already exists') },
      /ORA-31634/,
      /DBA_DATAPUMP_JOBS/,
    ],
    [
      'no privilege',
      { on: 'BEGIN_RUN', kind: new OraError(1031, 'insufficient privileges') },
      /ORA-01031/,
      /Grant the account/,
    ],
    [
      'a full session table',
      { on: 'LOGIN', kind: new OraError(18, 'maximum number of sessions exceeded') },
      /ORA-00018/,
      /processes/,
    ],
    [
      'native network encryption',
      { on: 'LOGIN', kind: new Error('NJS-533: Advanced Networking Option service negotiation failed.') },
      /NJS-533/,
      /native network encryption/,
    ],
  ]
  test.each(refusals)('%s is explained', async (_what, fault, message, hint) => {
    const oracle = start()
    oracle.fault(fault)
    const failure = await failureOf(dumpAll(oracle))
    expect(failure.message).toMatch(message)
    expect(failure.hint).toMatch(hint)
    expect(oracle.leftovers()).toEqual([])
  })

  test('a directory that the server cannot write is told from the details of the job', async () => {
    const oracle = start()
    await using engine = engineFor(oracle)
    const probe = await engine.probe('source', never)
    oracle.database.directoryGrants.delete('WRITE')
    async function all() {
      await using dump = engine.dump(probe, { counts: 'off' }, never)
      for await (const _part of dump.parts);
    }
    const failure = await failureOf(all())
    expect(failure.message).toMatch(/ORA-39002.*ORA-39070/s)
    expect(failure.message).not.toContain('ORA-06512')
    expect(failure.code).toBe('unsupported')
    expect(failure.hint).toContain('directory object')
    expect(oracle.leftovers()).toEqual([])
  })
})
