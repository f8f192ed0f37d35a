import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { audited, type Recording } from '../../../../src/app/audit/audited.ts'
import { digestOf } from '../../../../src/app/audit/line.ts'
import { createAuditLog } from '../../../../src/app/audit/log.ts'
import { walkLog } from '../../../../src/app/audit/walk.ts'
import { NO_RECORD } from '../../../../src/core/audit-record.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { mountSmallDisk } from '../../../testbed/small-disk.ts'

const { signal } = new AbortController()
const WRITER = fileURLToPath(new URL('../../../fixtures/tools/audit-writer.ts', import.meta.url))

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-test-'))
  file = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const entry = (run: string) => ({ event: 'end', run, verb: 'dump', exitCode: 0, durationMs: 1 }) as const
const append = (run: string, to = file) => createAuditLog(to, systemClock).append(entry(run), signal)
const walk = (...wanted: number[]) => walkLog(file, new Set(wanted), signal)
const lines = async () => (await readFile(file, 'utf8')).trimEnd().split('\n')

describe('an audit log', () => {
  test('chains each record to the line before it, in a file of its owner', async () => {
    const heads = [await append('a'), await append('b'), await append('c')]
    const written = await lines()
    expect(written.map((line) => JSON.parse(line).previous)).toEqual([
      NO_RECORD,
      digestOf(Buffer.from(written[0] ?? '')),
      digestOf(Buffer.from(written[1] ?? '')),
    ])
    expect(heads.map(({ head }) => head)).toEqual(written.map((line) => digestOf(Buffer.from(line))))
    expect(heads.map(({ records }) => records)).toEqual([1, 2, 3])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['audit.jsonl'])
    expect(await walk(2)).toMatchObject({
      records: 3,
      head: heads[2]?.head,
      problems: [],
      digests: new Map([[2, heads[1]?.head]]),
    })
  })

  test('takes records of several processes at once, each whole and in one chain', async () => {
    const writers = Array.from({ length: 8 }, () =>
      spawn(process.execPath, [WRITER, file, '10'], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    await Promise.all(writers.map(({ stdout }) => once(stdout, 'data')))
    for (const { stdin } of writers) stdin.end('go\n')
    const codes = await Promise.all(writers.map((writer) => once(writer, 'exit')))
    expect(codes.map(([code]) => code)).toEqual(Array(8).fill(0))
    expect(await walk()).toMatchObject({ records: 80, problems: [], torn: 0, cutOffBytes: 0 })
    expect(new Set((await lines()).map((line) => JSON.parse(line).run)).size).toBe(80)
    expect(await readdir(folder)).toEqual(['audit.jsonl'])
  }, 60_000)

  test('cut off anywhere, goes on in a chain that accounts for what was left', async () => {
    await append('a')
    await append('b')
    const whole = await readFile(file)
    const first = whole.indexOf(10) + 1
    const cuts = fc.oneof(
      fc.integer({ min: 1, max: whole.length - 1 }),
      fc.constantFrom(first, first - 1, first + 1),
    )
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), fc.integer({ min: 1, max: 400 }), async (cut, again, back) => {
        await writeFile(file, whole.subarray(0, cut))
        const before = await walk()
        expect(before.problems).toEqual([])
        await append('c')
        if (again) {
          // And the writer that accounts for it may be cut off too.
          const { size } = await stat(file)
          await truncate(file, size - Math.min(back, size - cut))
          const between = await readFile(file)
          if (between.at(-1) !== 10) expect((await walk()).problems).toEqual([])
          await append('d')
        }
        const after = await walk()
        expect(after.problems).toEqual([])
        expect(after.cutOffBytes).toBe(0)
        expect((await readFile(file)).subarray(0, cut)).toEqual(whole.subarray(0, cut))
        // A record that lacks only its line's end is whole.
        const torn = cut !== first && cut !== first - 1 && cut !== whole.length - 1
        if (!again) expect(after.torn).toBe(torn ? 1 : 0)
      }),
      { numRuns: 60 },
    )
  })

  test('a file that got its length and no bytes, when the machine crashed, is accounted for', async () => {
    await append('a')
    await appendFile(file, Buffer.alloc(4096))
    await append('b')
    expect(await walk()).toMatchObject({ problems: [], torn: 1, records: 3 })
    await writeFile(file, '{"for\0\0\0')
    await append('c')
    expect(await walk()).toMatchObject({ problems: [], torn: 1, records: 2 })
  })

  test('what somebody takes out of what was left is missed', async () => {
    await append('a')
    await appendFile(file, '{"format":1,"rec')
    await append('b')
    const [one = '', , ...rest] = await lines()
    await writeFile(file, `${[one, ...rest].join('\n')}\n`)
    expect((await walk()).problems).toEqual(['line 2: what it accounts for is gone'])
  })

  test('a lock of a process that is gone holds up nobody', async () => {
    await append('a')
    const writer = spawn(process.execPath, [WRITER, file, '1000000'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(writer.stdout, 'data')
    writer.stdin.end('go\n')
    const locked = async () => (await readdir(folder)).find((name) => name.includes(`-${writer.pid}-`))
    let held: string | undefined
    do held = await locked()
    while (held === undefined && writer.exitCode === null)
    if (held === undefined) throw new Error('it held no lock')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    // Whether it was killed with its lock in place or just without: it is there now.
    await writeFile(join(folder, held), '')
    await append('b')
    expect((await walk()).problems).toEqual([])
    expect(await readdir(folder)).toEqual(['audit.jsonl'])
  })

  test.each([
    [
      'a folder that is not there',
      async () => join(folder, 'none', 'audit.jsonl'),
      /its folder is not there/,
    ],
    ['a folder', async () => folder, /is a folder/],
    [
      'something else',
      async () => {
        await writeFile(file, 'root:x:0:0\n')
        return file
      },
      /it is something else/,
    ],
  ])('%s is refused, and nothing is run', async (_, prepare, reason) => {
    const path = await prepare()
    await expect(createAuditLog(path, systemClock).check()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(reason),
    })
    let ran = false
    const refused = audited(
      {
        log: createAuditLog(path, systemClock),
        facts: { verb: 'dump' },
        clock: systemClock,
        onUnrecorded: () => undefined,
      },
      async () => {
        ran = true
      },
      signal,
    )
    await expect(refused).rejects.toMatchObject({
      code: 'config',
      exitCode: 3,
      message: expect.stringMatching(reason),
    })
    await expect(refused).rejects.toHaveProperty('hint', expect.stringMatching(/\./))
    expect(ran).toBe(false)
  })

  test('a look at the place changes nothing', async () => {
    const { check } = createAuditLog(file, systemClock)
    await check()
    expect(await readdir(folder)).toEqual([])
    await append('a')
    const before = await readFile(file)
    await check()
    expect(await readFile(file)).toEqual(before)
  })

  test('a full disk is told before the run, and leaves the chain as it was', async ({ skip }) => {
    const disk = await mountSmallDisk(64 * 1024)
    if (disk === undefined) return skip('may not mount a file system')
    await using small = disk
    const path = join(small.path, 'audit.jsonl')
    await append('a', path)
    const { size } = await stat(path)
    await writeFile(join(small.path, 'filler'), Buffer.alloc(128 * 1024)).catch(() => undefined)
    // The last page of the log has room for some records yet.
    let failure: unknown
    for (let n = 0; n < 100 && failure === undefined; n++) {
      await append(`${n}`.repeat(50), path).catch((thrown: unknown) => {
        failure = thrown
      })
    }
    expect(failure).toMatchObject({ code: 'config', message: expect.stringMatching(/no space is left/) })
    await rm(join(small.path, 'filler'))
    await append('z', path)
    expect((await stat(path)).size).toBeGreaterThan(size)
    expect(await walkLog(path, new Set(), signal)).toMatchObject({ problems: [], torn: 0 })
  })

  test('a disk that is mounted read-only is told before the run', async ({ skip }) => {
    const disk = await mountSmallDisk(64 * 1024)
    if (disk === undefined) return skip('may not mount a file system')
    await using small = disk
    await small.remount('ro')
    await expect(createAuditLog(join(small.path, 'audit.jsonl'), systemClock).check()).rejects.toMatchObject({
      message: expect.stringMatching(/read-only/),
    })
    await expect(append('a', join(small.path, 'audit.jsonl'))).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/read-only/),
    })
  })
})

describe('a recorded run', () => {
  const ID = '20261122T210500Z-k3f9'
  const unrecorded: LifeboatError[] = []
  const record = <T>(work: (recording: Recording) => Promise<T>, stop = signal) =>
    audited(
      {
        log: createAuditLog(file, systemClock),
        facts: { verb: 'dump', job: 'shop', source: 'mysql://backup@db:3306', sinks: ['file:///b'] },
        clock: systemClock,
        onUnrecorded: (error) => unrecorded.push(error),
      },
      work,
      stop,
    )
  const written = async () => (await lines()).map((line) => JSON.parse(line))
  beforeEach(() => {
    unrecorded.length = 0
  })

  test('has its start and its end', async () => {
    const head = await record(async ({ head: reached, note }) => {
      note({ backup: ID })
      return reached
    })
    const [start, end] = await written()
    expect(start).toMatchObject({ event: 'start', verb: 'dump', job: 'shop', who: { pid: process.pid } })
    expect(end).toMatchObject({ event: 'end', run: start.run, exitCode: 0, backup: ID })
    expect(head).toEqual({ records: 1, head: end.previous })
  })

  test('names the rules that an emergency overrode', async () => {
    const facts = { verb: 'dump', emergency: { overridden: ['signing-key', 'drill'] } }
    const log = createAuditLog(file, systemClock)
    await audited({ log, facts, clock: systemClock, onUnrecorded: () => undefined }, async () => 1, signal)
    expect(await written()).toMatchObject([{ emergency: { overridden: ['signing-key', 'drill'] } }, {}])
    expect((await walk()).problems).toEqual([])
  })

  test('without a log just runs', async () => {
    const run = { log: undefined, facts: { verb: 'dump' }, clock: systemClock, onUnrecorded: () => undefined }
    const work = async ({ head, note, failed }: Recording) => {
      note({ backup: ID })
      failed({ exitCode: 31 })
      return head
    }
    expect(await audited(run, work, signal)).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
  })

  test('tells how it failed and what was done by then, and not with what words', async () => {
    const failing = record(async ({ note }) => {
      note({ removed: ['a'] })
      note({ backup: ID, removed: ['b'] })
      throw new LifeboatError('tool-failed', "unable to dump 'secret_table'")
    })
    await expect(failing).rejects.toMatchObject({ code: 'tool-failed' })
    expect((await written())[1]).toMatchObject({
      event: 'end',
      exitCode: 11,
      code: 'tool-failed',
      backup: ID,
      removed: ['a', 'b'],
    })
    expect(await readFile(file, 'utf8')).not.toContain('secret_table')
  })

  test('that went on after a failure ends with the first', async () => {
    const report = record(async ({ failed }) => {
      failed(new LifeboatError('sink-denied', 'no'))
      failed({ exitCode: 31 })
      return 'a report'
    })
    expect(await report).toBe('a report')
    expect((await written())[1]).toMatchObject({ exitCode: 20, code: 'sink-denied' })
  })

  test('tells that it was interrupted', async () => {
    const stop = new AbortController()
    const stopped = record(async () => {
      stop.abort(new LifeboatError('interrupted', 'interrupted by Ctrl-C (SIGINT)'))
      throw new Error('whatever broke in its wake')
    }, stop.signal)
    await expect(stopped).rejects.toThrow(/wake/)
    expect((await written())[1]).toMatchObject({ exitCode: 130, code: 'interrupted' })
  })

  test('whose end can not be recorded stands, and somebody hears of it', async () => {
    const block = async () => {
      await rm(file)
      await mkdir(file)
    }
    const done = record(async ({ note }) => {
      note({ backup: ID })
      await block()
      return ID
    })
    expect(await done).toBe(ID)
    expect(unrecorded).toMatchObject([
      {
        code: 'config',
        exitCode: 3,
        message: expect.stringMatching(/how the dump of backup '20261122T210500Z-k3f9' ended: .*folder/),
        hint: expect.stringMatching(/What it did stands/),
      },
    ])
    await rm(file, { recursive: true })
    const failed = record(async () => {
      await block()
      throw new LifeboatError('tool-failed', 'it broke')
    })
    // The run's own failure is the news.
    await expect(failed).rejects.toMatchObject({ code: 'tool-failed' })
    expect(unrecorded).toMatchObject([{}, { message: expect.stringMatching(/how this dump ended/) }])
  })

  test('that has no end is told', async () => {
    const killed = record(() => new Promise(() => undefined))
    await expect.poll(async () => (await walk()).unfinished.length).toBe(1)
    expect((await walk()).unfinished).toMatchObject([{ verb: 'dump', job: 'shop', pid: process.pid }])
    expect(killed).toBeInstanceOf(Promise)
  })

  test('keeps the rights that the operator gave its log', async () => {
    await append('a')
    await chmod(file, 0o640)
    await append('b')
    expect((await stat(file)).mode & 0o777).toBe(0o640)
  })
})
