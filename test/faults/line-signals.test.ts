import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../testbed/cli-servers.ts'
import { type HttpFaultProxy, startHttpFaultProxy } from '../testbed/http-fault-proxy.ts'
import { createLine, type Line, ownerOf, processesOf } from '../testbed/line.ts'
import {
  type LinePlace,
  type LineRoot,
  startFilePlace,
  startS3Place,
  startSshPlace,
} from '../testbed/line-places.ts'
import {
  dialled,
  LINE_ENGINES,
  type LineServer,
  startLineMariadb,
  startLinePostgres,
} from '../testbed/line-servers.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy, type TcpProxy } from '../testbed/tcp-proxy.ts'

const ROWS = 8_000
const SIGNALS = [
  ['SIGINT', 'interrupted'],
  ['SIGTERM', 'terminated'],
] as const

/** Lets a run get into its middle: this many bytes in, the server's connection falls silent. */
const MIDDLE_BYTES = 1_000_000

describe.each(LINE_ENGINES)('a restore into $engine that is stopped', ({ requires, start }) => {
  if (lacks(requires)) return test.skip(`needs ${requires}`, () => undefined)
  let line: Line
  let source: LineServer
  let target: LineServer
  let place: LinePlace
  let root: LineRoot
  let at: string
  let proxy: TcpProxy
  beforeAll(async () => {
    ;[line, source, target, place] = await Promise.all([createLine(), start(), start(), startFilePlace()])
    await source.seed(ROWS)
    root = await place.newRoot()
    at = await root.url()
    await line.dump(source, source.url, at)
    proxy = await startTcpProxy({ host: '127.0.0.1', port: target.port })
  })
  afterAll(async () => {
    await Promise.all([proxy, line, source, target, place].map((each) => each?.[Symbol.asyncDispose]()))
  })
  const healthy = () => line.dump(source, source.url, at)

  async function stopInMiddle(signal: NodeJS.Signals) {
    await proxy.heal()
    proxy.inject({ kind: 'stall', after: { bytes: MIDDLE_BYTES, direction: 'up' } })
    const struck = proxy.struck()
    const run = line.startRestore(target, at, dialled(target, proxy), { args: ['--replace'] })
    await struck
    run.kill(signal)
    // In an object: a promise that is handed on by itself would be waited for here.
    return { run }
  }

  test.each(SIGNALS)('%s: says what is and what is not restored', async (signal, code) => {
    const { run } = await stopInMiddle(signal)
    const failure = await line.failureOf(run, code)
    expect(failure.hint).toMatch(/Fed whole to .*: '.+'; not or only in part: '.+'\./)
    expect(failure.hint).toContain('--replace')
    expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
  })

  test('SIGKILL: its tools end with it, and the next run sweeps its private folder', async () => {
    const { run } = await stopInMiddle('SIGKILL')
    expect((await run).signal).toBe('SIGKILL')
    // Any run on this machine sweeps it, so it may be gone already.
    for (const left of await line.expectSound(root, healthy, run.pid)) {
      expect(ownerOf(left)).toBe(run.pid)
    }
  })

  test('--replace repeats it well after all of that', async () => {
    expect(await line.restore(target, at, target.url, { args: ['--replace'] })).toMatchObject({
      verified: true,
    })
    expect(await target.rows()).toBe(ROWS)
  })
})

describe.skipIf(lacks('postgres'))('a dump of PostgreSQL that is stopped while its server is silent', () => {
  let line: Line
  let source: LineServer
  let place: LinePlace
  let root: LineRoot
  let to: string
  let silent: TcpProxy
  beforeAll(async () => {
    ;[line, source, place] = await Promise.all([createLine(), startLinePostgres(), startFilePlace()])
    await source.seed(ROWS)
    root = await place.newRoot()
    to = await root.url()
    silent = await startTcpProxy({ host: '127.0.0.1', port: source.port })
  })
  afterAll(async () => {
    await Promise.all([silent, line, source, place].map((each) => each?.[Symbol.asyncDispose]()))
  })
  const healthy = () => line.dump(source, source.url, to)

  // pg_dumpall starts pg_dump by a shell, and tells it nothing of a signal.
  test.each(
    SIGNALS.flatMap(([signal, code]) =>
      (['databases', 'dumpall'] as const).map((layout) => [signal, layout, code] as const),
    ),
  )('%s, layout=%s: it ends at once, and nothing is left', async (signal, layout, code) => {
    await silent.heal()
    silent.inject({ kind: 'stall', after: { bytes: MIDDLE_BYTES, direction: 'down' } })
    const struck = silent.struck()
    const run = line.startDump(source, `${dialled(source, silent)}&layout=${layout}`, to)
    await struck
    const began = performance.now()
    run.kill(signal)
    await line.failureOf(run, code)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
  })
})

describe.skipIf(lacks('mariadb', 's3', 'ssh'))('a dump of MariaDB that is stopped', () => {
  let line: Line
  let source: LineServer
  let stalling: TcpProxy
  beforeAll(async () => {
    ;[line, source] = await Promise.all([createLine(), startLineMariadb()])
    // Uncompressed more than a chunk, so that S3 gets it in parts.
    await source.seed(80_000)
    stalling = await startTcpProxy({ host: '127.0.0.1', port: source.port })
  })
  afterAll(async () => {
    await Promise.all([stalling, line, source].map((each) => each?.[Symbol.asyncDispose]()))
  })

  /** The server falls silent when this much of the dump has come. */
  async function dumpToMiddle(to: string, bytes: number, env: Readonly<Record<string, string>>) {
    await stalling.heal()
    stalling.inject({ kind: 'stall', after: { bytes, direction: 'down' } })
    const struck = stalling.struck()
    const run = line.startDump(source, dialled(source, stalling), to, { args: ['--codec', 'none'], env })
    await struck
    return { run }
  }

  describe('on its way over SSH', () => {
    let place: LinePlace
    let root: LineRoot
    let to: string
    beforeAll(async () => {
      place = await startSshPlace()
      root = await place.newRoot()
      to = await root.url()
    })
    afterAll(() => place?.[Symbol.asyncDispose]())
    const healthy = () => line.dump(source, source.url, to)
    const underWay = () => until(async () => (await root.names()).length > 0)

    test.each(SIGNALS)('%s: nothing is left', async (signal, code) => {
      const { run } = await dumpToMiddle(to, MIDDLE_BYTES, {})
      await underWay()
      run.kill(signal)
      await line.failureOf(run, code)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test('SIGKILL: the next run sweeps what is left', async () => {
      const { run } = await dumpToMiddle(to, MIDDLE_BYTES, {})
      await underWay()
      run.kill('SIGKILL')
      await run
      expect(await line.expectSound(root, healthy, run.pid)).not.toEqual([])
    })
  })

  describe('on its way to S3', () => {
    let place: LinePlace
    let root: LineRoot
    let proxy: HttpFaultProxy
    let to: string
    beforeAll(async () => {
      place = await startS3Place()
      if (place.address === undefined) throw new Error('an S3 server has an address')
      proxy = await startHttpFaultProxy(`http://${place.address.host}:${place.address.port}`)
      root = await place.newRoot()
      const { hostname: host, port } = new URL(proxy.endpoint)
      to = await root.url({ host, port: Number(port) })
    })
    afterAll(async () => {
      await Promise.all([proxy, place].map((each) => each?.[Symbol.asyncDispose]()))
    })
    const healthy = () => {
      proxy.inject()
      return line.dump(source, source.url, to, { env: place.env })
    }
    const args = ['--codec', 'none']
    const start = () => line.startDump(source, source.url, to, { args, env: place.env })
    const isPart = ({ operation }: { operation: string }) => operation === 'UploadPart'

    test.each(SIGNALS)('%s while a part stalls: its upload is aborted', async (signal, code) => {
      proxy.inject({ on: isPart, kind: 'stall' })
      const struck = proxy.struck()
      const aborts = proxy.count('AbortMultipartUpload')
      const run = start()
      await struck
      run.kill(signal)
      await line.failureOf(run, code)
      expect(proxy.count('AbortMultipartUpload')).toBe(aborts + 1)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test('SIGKILL while a part stalls: the next run aborts its upload', async () => {
      proxy.inject({ on: isPart, kind: 'stall' })
      const struck = proxy.struck()
      const run = start()
      await struck
      run.kill('SIGKILL')
      await run
      expect(await line.expectSound(root, healthy, run.pid)).toContainEqual(expect.stringMatching(/^upload:/))
    })

    test('a second SIGINT, while it clears away: it exits at once, and the next run goes on with that', async () => {
      const isAbort = ({ operation }: { operation: string }) => operation === 'AbortMultipartUpload'
      proxy.inject({ on: isPart, kind: 'stall' }, { on: isAbort, kind: 'stall' })
      const aborts = proxy.count('AbortMultipartUpload')
      const struck = proxy.struck()
      const run = start()
      await struck
      run.kill('SIGINT')
      await until(async () => proxy.count('AbortMultipartUpload') > aborts)
      const began = performance.now()
      run.kill('SIGINT')
      expect((await run).exitCode).toBe(130)
      expect(performance.now() - began).toBeLessThan(2_000)
      expect(await line.expectSound(root, healthy, run.pid)).toContainEqual(expect.stringMatching(/^upload:/))
    })
  })

  test('its tools were ended with it', async () => {
    expect(await processesOf(line.home)).toEqual([])
  })
})
