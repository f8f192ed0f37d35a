import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLine, type Line } from '../testbed/line.ts'
import { type LinePlace, type LineRoot, startFilePlace } from '../testbed/line-places.ts'
import { dialled, LINE_ENGINES, type LineServer } from '../testbed/line-servers.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy, type TcpProxy } from '../testbed/tcp-proxy.ts'

describe.each(LINE_ENGINES)('a dump of $engine whose source fails', ({ requires, start }) => {
  if (lacks(requires)) return test.skip(`needs ${requires}`, () => undefined)
  let line: Line
  let source: LineServer
  let place: LinePlace
  let root: LineRoot
  let to: string

  beforeAll(async () => {
    ;[line, source, place] = await Promise.all([createLine(), start(), startFilePlace()])
    await source.seed(5_000)
    root = await place.newRoot()
    to = await root.url()
  })
  afterAll(async () => {
    await Promise.all([line, source, place].map((each) => each?.[Symbol.asyncDispose]()))
  })
  const healthy = () => line.dump(source, source.url, to)

  describe('by its tool', () => {
    test.each(['exits-1-after-last-byte', 'is-killed-midway', 'cuts-its-end'])(
      '%s: no backup',
      async (fake) => {
        const run = line.startDump(source, source.url, to, {
          env: await line.fakeTool(source.dumpTool, fake),
        })
        const failure = await line.failureOf(run, 'tool-failed')
        expect(failure.message).toContain(source.dumpTool.name)
        expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
      },
    )

    test('hangs-midway: given up after --stall-timeout', async () => {
      const env = await line.fakeTool(source.dumpTool, 'hangs-midway')
      const run = line.startDump(source, source.url, to, { args: ['--stall-timeout', '1s'], env })
      expect((await line.failureOf(run, 'timed-out')).hint).toContain('--stall-timeout')
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test('writes-endlessly-to-stderr: a backup like any other', async () => {
      const env = await line.fakeTool(source.dumpTool, 'writes-endlessly-to-stderr')
      const run = line.startDump(source, source.url, to, { env })
      const { exitCode, stdout } = await run
      expect(exitCode).toBe(0)
      expect(await root.names()).toContain(`default/backups/${JSON.parse(stdout).id}.json`)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })
  })

  describe('by its connection', () => {
    let proxy: TcpProxy
    beforeAll(async () => {
      proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
    })
    afterAll(() => proxy?.[Symbol.asyncDispose]())

    test.each(['cut', 'close'] as const)('%s in the middle: no backup', async (kind) => {
      await proxy.heal()
      proxy.inject({ kind, after: { bytes: 600_000, direction: 'down' } })
      const struck = proxy.struck()
      const run = line.startDump(source, dialled(source, proxy), to)
      await line.failureOf(run, 'engine-unreachable', 'tool-failed')
      await struck
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test.each(['stall', 'half-open'] as const)(
      '%s in the middle: given up after --stall-timeout',
      async (kind) => {
        await proxy.heal()
        proxy.inject({ kind, after: { bytes: 600_000, direction: 'down' } })
        const struck = proxy.struck()
        const run = line.startDump(source, dialled(source, proxy), to, { args: ['--stall-timeout', '1s'] })
        await line.failureOf(run, 'timed-out')
        await struck
        expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
      },
    )

    test('refused: nothing is begun', async () => {
      await proxy.refuse()
      const run = line.startDump(source, dialled(source, proxy), to)
      await line.failureOf(run, 'engine-unreachable')
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })
  })
})
