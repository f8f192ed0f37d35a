import { describe, expect, test, vi } from 'vitest'
import { collect } from '../../src/core/bytes.ts'
import type { PartSource } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { OracleConnection } from '../../src/engines/oracle/connection.ts'
import { createClientRunner } from '../../src/engines/oracle/expdp/data-pump-job.ts'
import { createExpDump } from '../../src/engines/oracle/expdp/exp-dump.ts'
import { restoreImp } from '../../src/engines/oracle/expdp/imp-restore.ts'
import { namesOfRun } from '../../src/engines/oracle/pieces.ts'
import { type ClientBed, createClientBed } from '../testbed/oracle-client.ts'

const { signal } = new AbortController()
const PASSWORD = 'Tiger#1 secret'
const USERS = ['HR', 'HR2']
/** The tools have their own. */
const NO_CONNECTION = {} as OracleConnection
const JOB = {
  names: namesOfRun('LIFEBOAT_0123456789'),
  directory: 'DATA_PUMP_DIR',
  schemas: ['HR'],
  mode: 'SCHEMA' as const,
  tables: [],
  scn: '4711',
  pieceBytes: 2 ** 31,
  parallel: 1,
  version: 'COMPATIBLE',
  tolerated: new Set<number>(),
  remapSchemas: new Map<string, string>(),
  remapTablespaces: new Map<string, string>(),
  tableExistsAction: 'SKIP' as const,
}

const bedOf = (name: 'expdp' | 'impdp' | 'exp' | 'imp', behaviour: string) =>
  createClientBed(name, behaviour, { password: PASSWORD })

function backup(onRead: () => void = () => undefined): PartSource {
  return {
    contents: {
      format: 1,
      databases: [{ name: 'HR' }],
      tables: [],
      parts: [],
      byHand: [],
      engine: { layout: 'exp' },
    },
    server: { flavour: 'Oracle', version: '11.2' },
    parts: [],
    open: async function* () {
      for (let piece = 0; piece < 40; piece++) {
        onRead()
        yield Buffer.alloc(65_536, 'dump')
      }
    },
  }
}

/** The whole of exp's only part. */
async function dumpAll(bed: ClientBed, inner = signal): Promise<Buffer> {
  await using dump = createExpDump(bed.setting, { counts: 'exact' })
  for await (const part of dump.parts) return Buffer.from(await collect(part.open(inner)))
  throw new Error('there is a part')
}

describe('Data Pump at the command line', () => {
  test('exit 5 is a failure that names the objects, with the hint for their cause', async () => {
    await using bed = await bedOf('expdp', 'completes-with-errors')
    const failure = createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, signal)
    await expect(failure).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/2 errors \(exit code 5\), about HR\.EMP.*ORA-31693.*ORA-01555/s),
      hint: expect.stringContaining('undo_retention'),
      details: { exitCode: 5, objects: expect.arrayContaining(['HR.EMP']) },
    })
  })

  test('what is tolerated must be all that there is', async () => {
    await using bed = await bedOf('expdp', 'completes-with-errors')
    const tolerating = (...numbers: readonly number[]) =>
      createClientRunner(bed.setting).export(
        NO_CONNECTION,
        { ...JOB, tolerated: new Set(numbers) },
        undefined,
        signal,
      )
    await expect(tolerating(39127)).rejects.toThrow('1 errors (exit code 5), about HR.EMP')
    await expect(tolerating(39127, 31693)).resolves.toEqual({ errors: 2 })
  })

  test('exit 5 that names nothing is never taken for a success', async () => {
    await using bed = await bedOf('impdp', 'completes-with-nothing-said')
    await expect(
      createClientRunner(bed.setting).import(NO_CONNECTION, JOB, undefined, signal),
    ).rejects.toThrow('names none')
  })

  test('exit 5 of an import hands its errors to whoever reads the log', async () => {
    await using bed = await bedOf('impdp', 'completes-with-errors')
    expect(await createClientRunner(bed.setting).import(NO_CONNECTION, JOB, undefined, signal)).toEqual({
      errors: 2,
    })
  })

  test('a refused login is told without the password', async () => {
    await using bed = await bedOf('expdp', 'is-refused')
    const thrown = await createClientRunner(bed.setting)
      .export(NO_CONNECTION, JOB, undefined, signal)
      .catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      message: expect.stringContaining('ORA-01017'),
      hint: expect.stringContaining('--password'),
    })
    expect(String(thrown)).not.toContain(PASSWORD)
  })

  test('a tool that asks for a password gets an end, not a person', async () => {
    await using bed = await bedOf('expdp', 'no-parameters')
    await expect(
      createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, signal),
    ).rejects.toThrow('UDE-00001')
  })

  test('a killed tool is a failure', async () => {
    await using bed = await bedOf('expdp', 'is-killed')
    await expect(
      createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, signal),
    ).rejects.toThrow('SIGKILL')
  })

  test('a tool that hangs ends with the run', async () => {
    await using bed = await bedOf('expdp', 'hangs')
    const controller = new AbortController()
    const running = createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, controller.signal)
    await vi.waitFor(async () => expect(await bed.notes()).toContain('hangs'), { timeout: 20_000 })
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(running).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('a tool that is not installed is named, with another way', async () => {
    await using bed = await bedOf('expdp', 'completes')
    const setting = { ...bed.setting, context: { searchPath: '/nonexistent' } }
    await expect(
      createClientRunner(setting).export(NO_CONNECTION, JOB, undefined, signal),
    ).rejects.toMatchObject({
      code: 'tool-missing',
      hint: expect.stringContaining('layout=expdp'),
    })
  })
})

describe('the original Export', () => {
  test('exit 0 with a table left out is a failure that names it', async () => {
    await using bed = await bedOf('exp', 'exports-with-warnings')
    await expect(dumpAll(bed)).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/ended with warnings, about HR\.EMP.*EXP-00056/s),
      hint: expect.stringContaining('undo_retention'),
    })
  })

  test('exit 0 without the last line of the log is a failure', async () => {
    await using bed = await bedOf('exp', 'exports-half')
    await expect(dumpAll(bed)).rejects.toThrow('its log has no last line')
  })

  test('a tool that is killed in the middle is a failure', async () => {
    await using bed = await bedOf('exp', 'is-killed-exporting')
    await expect(dumpAll(bed)).rejects.toThrow('SIGKILL')
  })

  test('a tool that hangs in the middle ends with the run', async () => {
    await using bed = await bedOf('exp', 'hangs-exporting')
    const controller = new AbortController()
    const running = dumpAll(bed, controller.signal)
    await vi.waitFor(async () => expect(await bed.notes()).toContain('hangs'), { timeout: 20_000 })
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(running).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('a dump that never ran has no result', async () => {
    await using bed = await bedOf('exp', 'exports')
    await using dump = createExpDump(bed.setting, { counts: 'exact' })
    await expect(dump.finish(signal)).rejects.toThrow('has not run')
  })
})

describe('the original Import', () => {
  test('exit 0 over objects that are there already is a failure', async () => {
    await using bed = await bedOf('imp', 'finds-objects')
    await expect(restoreImp(bed.setting, backup(), { replace: false }, USERS, signal)).rejects.toThrow(
      'IMP-00015',
    )
  })

  test('exit 0 before the end of the dump is a failure, whatever the log says', async () => {
    await using bed = await bedOf('imp', 'stops-importing')
    await expect(restoreImp(bed.setting, backup(), { replace: false }, USERS, signal)).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('did not read everything'),
    })
  })

  test('a backup that turns out broken is never ended to the tool as if that were all', async () => {
    await using bed = await bedOf('imp', 'imports')
    let reads = 0
    const broken = backup(() => {
      reads += 1
      if (reads > 20) throw new LifeboatError('integrity', 'chunk 20 differs')
    })
    await expect(restoreImp(bed.setting, broken, { replace: false }, USERS, signal)).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  test('a user that is not there is named before anything is read', async () => {
    await using bed = await bedOf('imp', 'imports')
    const refused = restoreImp(bed.setting, backup(), { replace: false }, ['SHOP'], signal)
    await expect(refused).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('CREATE USER HR'),
    })
    expect(await bed.notes()).toEqual([])
  })

  test('nothing is dropped by it', async () => {
    await using bed = await bedOf('imp', 'imports')
    await expect(restoreImp(bed.setting, backup(), { replace: true }, USERS, signal)).rejects.toMatchObject({
      code: 'unsupported',
    })
  })
})
