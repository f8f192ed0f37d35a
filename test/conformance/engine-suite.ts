import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { collect } from '../../src/core/bytes.ts'
import type { Contents } from '../../src/core/contents.ts'
import { type DatabaseUrl, parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Dump, DumpResult, Engine, EngineContext, PartSource, Probe } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { createSlots } from '../../src/core/slots.ts'
import { childProcesses } from '../testbed/child-processes.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'

export interface EngineServer extends AsyncDisposable {
  /** With a user that sees everything, without its password. */
  readonly url: string
  readonly password: string
  /** Ends and starts the same server: same data, same address. */
  restart(): Promise<void>
}

export interface HarnessTool {
  /** As `EngineContext.commands` calls it. */
  readonly name: string
  /** Full path of the real one, or whatever marks its command line in /proc. */
  readonly path: string
  /** How it is started, where the path alone is not enough: from a container. */
  readonly command?: readonly string[]
}

/** What the suite must know about an engine. Each server that `start` gives is fresh and empty. */
export interface EngineHarness {
  readonly requires: readonly Requirement[]
  createEngine(url: DatabaseUrl, context: EngineContext): Engine
  /** All but the password. */
  readonly context: Omit<EngineContext, 'password'>
  start(): Promise<EngineServer>
  /** Fills a fresh server with the realistic fixture. */
  seed(server: EngineServer): Promise<void>
  /** Everything that a backup must carry, as text of the vendor's own dump: equal text means equal servers. */
  snapshot(server: EngineServer): Promise<string>
  /**
   * The tool (a key of `commands`) that makes the largest part, and the full path of the real one. An engine that works
   * without tools has none, and gives `leftovers` instead.
   */
  readonly dumpTool?: HarnessTool
  readonly restoreTool?: HarnessTool
  /** What runs have left at a server: files, tables and jobs of their own. */
  leftovers?(server: EngineServer): Promise<readonly string[]>
  /** Names from inside the fixture that nothing public may hold. */
  readonly insideNames: readonly string[]
  /** Options (`&…`) that the source's URL gets, and the target's. */
  readonly sourceOptions?: string
  readonly targetOptions?: string
  /** False where source and target differ in vendor, so that only counts can be compared. Default true. */
  readonly comparesSnapshots?: boolean
  /** Parts that are dumped, and loaded, at once. Default 1. */
  readonly jobs?: number
  /** Of each test, where a server takes its time. Default 60 s. */
  readonly timeoutMs?: number
  /** Where it differs from `start`: a server of another version or vendor. */
  startTarget?(): Promise<EngineServer>
}

const never = new AbortController().signal
const NO_TOOL: HarnessTool = { name: 'none', path: 'no tool' }

export interface Taken {
  readonly probe: Probe
  readonly result: DumpResult
  readonly parts: ReadonlyMap<string, { readonly format: string; readonly bytes: Uint8Array }>
}

/** Runs a dump to its end, with so many parts open at once, and keeps it in memory. */
export async function take(engine: Engine, counts: 'exact' | 'off' = 'exact', jobs = 1): Promise<Taken> {
  const probe = await engine.probe('source', never)
  await using dump = engine.dump(probe, { counts, jobs }, never)
  const parts = new Map<string, { format: string; bytes: Uint8Array }>()
  const slots = createSlots(jobs)
  const reading: Promise<unknown>[] = []
  try {
    for await (const part of dump.parts) {
      const giveBack = await slots.take(never)
      // Its place is that of its start.
      parts.set(part.name, { format: part.format, bytes: new Uint8Array() })
      const read = collect(part.open(never))
        .then((bytes) => parts.set(part.name, { format: part.format, bytes }))
        .finally(() => part.release())
        .finally(giveBack)
      reading.push(read)
      // Thrown again below.
      read.catch(() => undefined)
    }
  } finally {
    await Promise.allSettled(reading)
  }
  await Promise.all(reading)
  return { probe, result: await dump.finish(never), parts }
}

/** A backup in memory, as the app would hand it to `restore`. Cuts its bytes into small, odd pieces. */
export function sourceOf(taken: Taken, pieceBytes = 8191): PartSource {
  const list = [...taken.parts].map(([name, part], index) => ({
    number: index + 1,
    name,
    format: part.format,
    plainSha256: createHash('sha256').update(part.bytes).digest('hex'),
  }))
  const contents: Contents = { ...taken.result.contents, parts: list }
  return {
    contents,
    server: { flavour: taken.probe.flavour, version: taken.probe.serverVersion },
    parts: [...taken.parts].map(([name, part]) => ({
      name,
      format: part.format,
      plainBytes: part.bytes.length,
    })),
    async *open(name) {
      const part = taken.parts.get(name)
      if (part === undefined) throw new Error(`the backup has no part '${name}'`)
      for (let at = 0; at < part.bytes.length; at += pieceBytes) {
        yield part.bytes.subarray(at, at + pieceBytes)
      }
    },
  }
}

/** The error that the promise must reject with. */
export async function failureOf(promise: Promise<unknown>): Promise<LifeboatError> {
  const thrown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(thrown).toBeInstanceOf(LifeboatError)
  return thrown as LifeboatError
}

export function fakeTool(name: string, real: HarnessTool): [string, ...string[]] {
  return [
    fileURLToPath(new URL(`../fixtures/tools/${name}`, import.meta.url)),
    ...(real.command ?? [real.path]),
  ]
}

/** What every engine must do, whatever the vendor. */
export function describeEngine(name: string, harness: EngineHarness): void {
  const timing = { timeout: harness.timeoutMs ?? 60_000 }
  describe.skipIf(lacks(...harness.requires))(`engine ${name}`, timing, () => {
    let source: EngineServer
    let target: EngineServer
    let taken: Taken
    const jobs = harness.jobs === undefined ? {} : { jobs: harness.jobs }
    const startTarget = () => (harness.startTarget ?? harness.start)()
    const { dumpTool = NO_TOOL, restoreTool = NO_TOOL } = harness
    // Not skips: an engine without tools lacks nothing.
    const describeTool = (title: string, body: () => void) => {
      if (harness.dumpTool !== undefined) describe(title, body)
    }
    const testTool = (title: string, body: () => Promise<void>) => {
      if (harness.dumpTool !== undefined) test(title, body)
    }

    const engineFor = (
      server: Pick<EngineServer, 'url' | 'password'>,
      options: string | undefined,
      commands: EngineContext['commands'] = {},
    ) =>
      harness.createEngine(parseDatabaseUrl(withOptions(server.url, options)), {
        ...harness.context,
        commands: { ...harness.context.commands, ...commands },
        password: async () => new Secret(server.password),
      })
    const sourceEngine = (commands?: EngineContext['commands']) =>
      engineFor(source, harness.sourceOptions, commands)
    const targetEngine = (server: EngineServer, commands?: EngineContext['commands']) =>
      engineFor(server, harness.targetOptions, commands)

    beforeAll(async () => {
      source = await harness.start()
      await harness.seed(source)
      target = await startTarget()
    }, 240_000)
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]()
      await target?.[Symbol.asyncDispose]()
    })

    describe('probe', () => {
      test('names the server, its tools and its databases, and changes nothing', async () => {
        const before = await harness.snapshot(source)
        await using engine = sourceEngine()
        const probe = await engine.probe('source', never)
        expect(probe.serverVersion).toMatch(/^\d+/)
        expect(probe.tools.length).toBeGreaterThan(0)
        expect(probe.databases.length).toBeGreaterThan(1)
        expect(probe.findings.filter((finding) => finding.level === 'failure')).toEqual([])
        expect(Object.keys(probe.identity).length).toBeGreaterThan(0)
        expect(await harness.snapshot(source)).toBe(before)
      })

      test('puts no name or address in plain into the identity', async () => {
        await using engine = sourceEngine()
        const { identity } = await engine.probe('source', never)
        const text = JSON.stringify(identity)
        for (const inside of [...harness.insideNames, 'localhost', '127.0.0.1'])
          expect(text).not.toContain(inside)
      })

      test('of a wrong password says so, and never repeats it', async () => {
        await using engine = engineFor(
          { ...source, url: source.url, password: 'wr0ng-passw0rd' },
          harness.sourceOptions,
        )
        const failure = await failureOf(engine.probe('source', never))
        expect(failure.code).toBe('engine-unreachable')
        expect(failure.hint).toBeDefined()
        expect(`${failure.message} ${failure.hint} ${failure.stack}`).not.toContain('wr0ng-passw0rd')
      })

      test('of a port where nobody listens, and of a name that nobody knows, is engine-unreachable', async () => {
        const { scheme } = parseDatabaseUrl(source.url)
        for (const host of ['127.0.0.1:1', 'no-such-host.invalid']) {
          await using engine = engineFor(
            { url: `${scheme}://someone@${host}/shop?tls=disable`, password: 'x' },
            undefined,
          )
          const failure = await failureOf(engine.probe('source', never))
          expect(failure.code).toBe('engine-unreachable')
          expect(failure.hint).toBeDefined()
        }
      })

      test('refuses an option that it does not know', async () => {
        expect(() => engineFor(source, 'no-such-option=1')).toThrow(
          expect.objectContaining({ code: 'usage' }) as LifeboatError,
        )
      })
    })

    describe('dump and restore', () => {
      test('carries everything into a fresh server', async () => {
        await using engine = sourceEngine()
        taken = await take(engine, 'exact', harness.jobs)
        expect(taken.parts.size).toBeGreaterThan(0)
        expect(taken.result.contents.databases.map((each) => each.name).sort()).toEqual(
          taken.probe.databases.map((each) => each.name).sort(),
        )
        const counted = await engine.count(taken.result.contents.tables, never)
        expect(taken.result.contents.tables).toEqual(counted)
        expect(counted.length).toBeGreaterThan(0)

        await using other = targetEngine(target)
        expect(await other.occupied(sourceOf(taken).contents, never)).toEqual({ conflicts: [], others: [] })
        const probe = await other.probe('target', never)
        expect(probe.findings.filter((finding) => finding.level === 'failure')).toEqual([])
        const restored = await other.restore(sourceOf(taken), { replace: false, ...jobs }, never)
        expect(restored.restored.length).toBeGreaterThan(0)
        expect(await other.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
        if (harness.comparesSnapshots !== false) {
          expect(await harness.snapshot(target)).toBe(await harness.snapshot(source))
        }
      })

      test('puts no name from inside into what becomes public', () => {
        const { consistency, notCaptured, position } = taken.result
        const text = JSON.stringify({ consistency, notCaptured, position })
        for (const inside of harness.insideNames) expect(text).not.toContain(inside)
      })

      test('gives a line for every part that restores it by hand', async () => {
        await using engine = sourceEngine()
        for (const [part, { format }] of taken.parts) {
          expect(engine.byHand(taken.result.contents, { name: part, format })).toMatch(/\S/)
        }
      })

      test('sees that the target now holds what the backup holds, and replaces it when told', async () => {
        await using engine = targetEngine(target)
        const { conflicts } = await engine.occupied(sourceOf(taken).contents, never)
        expect(conflicts.length).toBe(taken.result.contents.databases.length)
        await engine.restore(sourceOf(taken, 65_537), { replace: true, ...jobs }, never)
        expect(await engine.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
        if (harness.comparesSnapshots !== false) {
          expect(await harness.snapshot(target)).toBe(await harness.snapshot(source))
        }
      })

      test('counts a table that is not there as undefined', async () => {
        await using engine = sourceEngine()
        const [first] = taken.result.contents.tables
        if (first === undefined) throw new Error('the fixture has no table')
        const [missing, there] = await engine.count([{ ...first, table: 'no such table' }, first], never)
        expect(missing?.rows).toBeUndefined()
        expect(there).toEqual(first)
      })

      test('counts nothing when told not to', async () => {
        await using engine = sourceEngine()
        const { result } = await take(engine, 'off', harness.jobs)
        expect(result.contents.tables.every((table) => table.rows === undefined)).toBe(true)
      })
    })

    describe('identity', () => {
      test('is the same for the same server, restarted or not, and another for a fresh one', async () => {
        await using engine = sourceEngine()
        const first = await engine.probe('source', never)
        expect(engine.compareIdentity(first.identity, first).verdict).toBe('same')
        await using other = targetEngine(target)
        const fresh = await other.probe('target', never)
        expect(other.compareIdentity(first.identity, fresh).verdict).toBe('different')
        await source.restart()
        const again = await engine.probe('target', never)
        expect(engine.compareIdentity(first.identity, again).verdict).toBe('same')
      })
    })

    describeTool('a dump tool that fails', () => {
      async function dumpWith(fake: string): Promise<unknown> {
        await using engine = sourceEngine({
          [dumpTool.name]: fakeTool(fake, dumpTool),
        })
        return await take(engine, 'exact', harness.jobs)
      }

      test.each(['exits-1-after-last-byte', 'is-killed-midway', 'cuts-its-end'])(
        '%s: throws',
        async (fake) => {
          const failure = await failureOf(dumpWith(fake))
          expect(failure.code).toBe('tool-failed')
        },
      )

      test('writes-endlessly-to-stderr: does no harm', async () => {
        await dumpWith('writes-endlessly-to-stderr')
      })
    })

    describe('leaves nothing behind', () => {
      async function openDump(
        engine: Engine,
        signal: AbortSignal,
      ): Promise<{ dump: Dump; bytes: AsyncIterator<Uint8Array> }> {
        const probe = await engine.probe('source', signal)
        const dump = engine.dump(probe, { counts: 'exact', ...jobs }, signal)
        for await (const part of dump.parts) {
          // The part that the main tool makes is the one that the fake lets hang.
          const bytes = part.open(signal)[Symbol.asyncIterator]()
          await bytes.next()
          if (await isRunning(dumpTool.path)) return { dump, bytes }
          await bytes.return?.()
        }
        throw new Error('no part is made by the dump tool')
      }

      testTool('ends its tool when the reader stops early, and shows no secret while it runs', async () => {
        await using engine = sourceEngine({
          [dumpTool.name]: fakeTool('hangs-midway', dumpTool),
        })
        const before = await pids()
        const { dump, bytes } = await openDump(engine, never)
        expectNoSecret(await childProcesses(), source.password, before)
        await bytes.return?.()
        await dump[Symbol.asyncDispose]()
        await expectNoMoreThan(before)
      })

      testTool('ends its tool when the dump is aborted', async () => {
        await using engine = sourceEngine({
          [dumpTool.name]: fakeTool('hangs-midway', dumpTool),
        })
        const before = await pids()
        const stop = new AbortController()
        const { dump, bytes } = await openDump(engine, stop.signal)
        const rest = failureOf(drain(bytes))
        stop.abort(new LifeboatError('terminated', 'the run was terminated'))
        expect((await rest).code).toBe('terminated')
        await dump[Symbol.asyncDispose]()
        await expectNoMoreThan(before)
      })

      testTool('ends its tool when the restore is aborted, and shows no secret while it runs', async () => {
        await using server = await startTarget()
        await using engine = targetEngine(server)
        const before = await pids()
        const stop = new AbortController()
        const whole = sourceOf(taken, 1024)
        const stalled: PartSource = {
          ...whole,
          async *open(part, signal) {
            let pieces = 0
            for await (const piece of whole.open(part, signal)) {
              yield piece
              pieces += 1
              if (pieces < 8) continue
              // One look for both: the tool may end between two.
              const children = await childProcesses()
              if (!children.some(({ command }) => command.includes(restoreTool.path))) continue
              expectNoSecret(children, server.password, before)
              stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
            }
          },
        }
        const failure = await failureOf(engine.restore(stalled, { replace: false }, stop.signal))
        expect(failure.code).toBe('interrupted')
        await expectNoMoreThan(before)
      })

      const describeServer = (title: string, body: () => void) => {
        if (harness.leftovers !== undefined) describe(title, body)
      }
      describeServer('at the server', () => {
        const left = async (server: EngineServer) => await harness.leftovers?.(server)

        test('once a dump was committed, or disposed of without', async () => {
          await using engine = sourceEngine()
          for (const end of ['committed', 'stopped early'] as const) {
            const probe = await engine.probe('source', never)
            // Without it this test could not fail.
            let seen = false
            {
              await using dump = engine.dump(probe, { counts: 'exact', ...jobs }, never)
              for await (const part of dump.parts) {
                const bytes = part.open(never)[Symbol.asyncIterator]()
                await bytes.next()
                seen ||= (await left(source))?.length !== 0
                if (end === 'stopped early') await bytes.return?.()
                else await drain(bytes)
                await part.release()
                if (end === 'stopped early') break
              }
              expect(seen).toBe(true)
              if (end === 'committed') {
                await dump.finish(never)
                await dump.committed?.(never)
                expect(await left(source)).toEqual([])
              }
            }
            expect(await left(source)).toEqual([])
          }
        })

        test('once a dump was aborted', async () => {
          await using engine = sourceEngine()
          const probe = await engine.probe('source', never)
          const stop = new AbortController()
          const dump = engine.dump(probe, { counts: 'exact', ...jobs }, stop.signal)
          for await (const part of dump.parts) {
            const bytes = part.open(stop.signal)[Symbol.asyncIterator]()
            await bytes.next()
            stop.abort(new LifeboatError('terminated', 'the run was terminated'))
            expect((await failureOf(drain(bytes))).code).toBe('terminated')
            break
          }
          await dump[Symbol.asyncDispose]()
          expect(await left(source)).toEqual([])
        })

        test('once a restore was aborted', async () => {
          await using server = await startTarget()
          await using engine = targetEngine(server)
          const stop = new AbortController()
          const whole = sourceOf(taken, 1024)
          const stalled: PartSource = {
            ...whole,
            async *open(part, signal) {
              for await (const piece of whole.open(part, signal)) {
                yield piece
                stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
              }
            },
          }
          const failure = await failureOf(engine.restore(stalled, { replace: false }, stop.signal))
          expect(failure.code).toBe('interrupted')
          expect(await left(server)).toEqual([])
        })
      })

      test('lets an error of the backup itself come out of a restore unchanged', async () => {
        await using server = await startTarget()
        await using engine = targetEngine(server)
        const whole = sourceOf(taken)
        const broken: PartSource = {
          ...whole,
          async *open(part, signal) {
            for await (const piece of whole.open(part, signal)) {
              yield piece
              throw new LifeboatError('integrity', 'unable to trust the backup: a byte was flipped')
            }
          },
        }
        const failure = await failureOf(engine.restore(broken, { replace: false }, never))
        expect(failure.code).toBe('integrity')
      })
    })
  })
}

function withOptions(url: string, options: string | undefined): string {
  if (options === undefined || options === '') return url
  return `${url}${url.includes('?') ? '&' : '?'}${options}`
}

async function drain(bytes: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await bytes.next()).done !== true);
}

async function pids(): Promise<ReadonlySet<number>> {
  return new Set((await childProcesses()).map((child) => child.pid))
}

async function isRunning(path: string): Promise<boolean> {
  return (await childProcesses()).some((child) => child.command.includes(path))
}

async function expectNoMoreThan(before: ReadonlySet<number>): Promise<void> {
  await vi.waitFor(
    async () => {
      const left = (await childProcesses()).filter((child) => !before.has(child.pid))
      expect(left.map((child) => child.command)).toEqual([])
    },
    { timeout: 8_000, interval: 50 },
  )
}

function expectNoSecret(
  children: Awaited<ReturnType<typeof childProcesses>>,
  password: string,
  before: ReadonlySet<number>,
): void {
  const ours = children.filter((child) => !before.has(child.pid))
  expect(ours.length).toBeGreaterThan(0)
  for (const child of ours) {
    expect(child.command).not.toContain(password)
    expect(child.environment).not.toContain(password)
  }
}
