import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileNames } from '../testbed/folder-contents.ts'
import { type HttpFaultProxy, s3Error, startHttpFaultProxy } from '../testbed/http-fault-proxy.ts'
import { createLine, type Line } from '../testbed/line.ts'
import {
  isNoLease,
  type LinePlace,
  type LineRoot,
  startS3Place,
  startSshPlace,
} from '../testbed/line-places.ts'
import { type LineServer, startLineMariadb } from '../testbed/line-servers.ts'
import { lacks } from '../testbed/requirement.ts'
import { mountSmallDisk } from '../testbed/small-disk.ts'
import { startTcpProxy, type TcpProxy } from '../testbed/tcp-proxy.ts'

/** Of some 260 bytes of hex each: 6 MB, of which about half is left after compression. */
const ROWS = 23_000

describe.skipIf(lacks('mariadb'))('a dump whose sink fails', () => {
  let line: Line
  let source: LineServer
  beforeAll(async () => {
    ;[line, source] = await Promise.all([createLine(), startLineMariadb()])
    await source.seed(ROWS)
  })
  afterAll(async () => {
    await Promise.all([line, source].map((each) => each?.[Symbol.asyncDispose]()))
  })

  describe('a folder', () => {
    test('on a disk that is full: nothing of the backup stays, and there is room again', async (context) => {
      await using disk = await mountSmallDisk(1024 * 1024)
      if (disk === undefined) return context.skip('this process may not mount a disk')
      const to = `file://${disk.path}`
      const run = line.startDump(source, source.url, to)
      const failure = await line.failureOf(run, 'sink-full')
      expect(failure.hint).toMatch(/df -h|room|space/)
      const root: LineRoot = {
        url: async () => to,
        names: async () => (await fileNames(disk.path)).filter(isNoLease),
        read: () => Promise.reject(new Error('nothing is left to be read')),
        replace: () => Promise.resolve(),
        remove: () => Promise.resolve(),
      }
      expect(
        await line.expectSound(root, () => Promise.reject(new Error('the disk is full')), run.pid),
      ).toEqual([])
    })

    test('that is read-only: nothing is begun', async (context) => {
      await using disk = await mountSmallDisk(1024 * 1024)
      if (disk === undefined) return context.skip('this process may not mount a disk')
      await disk.remount('ro')
      const run = line.startDump(source, source.url, `file://${disk.path}`)
      await line.failureOf(run, 'sink-denied')
      expect(await fileNames(disk.path)).toEqual([])
    })
  })

  describe.skipIf(lacks('ssh'))('an SSH host', () => {
    let place: LinePlace
    let root: LineRoot
    let proxy: TcpProxy
    let to: string
    beforeAll(async () => {
      place = await startSshPlace()
      root = await place.newRoot()
      if (place.address === undefined) throw new Error('an SSH host has an address')
      proxy = await startTcpProxy(place.address)
      to = await root.url(proxy)
    })
    afterAll(async () => {
      await Promise.all([proxy, place].map((each) => each?.[Symbol.asyncDispose]()))
    })
    /** By the same way, which is well again: a sink is known by its URL. */
    const healthy = async () => {
      await proxy.heal()
      return line.dump(source, source.url, to)
    }

    test('that is cut off in the middle: no backup; the next run clears away the rest', async () => {
      proxy.inject({ kind: 'cut', after: { bytes: 1_000_000, direction: 'up' } })
      const struck = proxy.struck()
      const run = line.startDump(source, source.url, to)
      await line.failureOf(run, 'sink-unavailable')
      await struck
      await line.expectSound(root, healthy, run.pid)
    })

    test('that falls silent in the middle: given up, and what could not be cleared away is said', async () => {
      proxy.inject({ kind: 'stall', after: { bytes: 1_000_000, direction: 'up' } })
      const struck = proxy.struck()
      const quick = `${to}&stall-timeout=1&keepalive=1&connect-timeout=1`
      const run = line.startDump(source, source.url, quick)
      await line.failureOf(run, 'timed-out', 'sink-unavailable')
      await struck
      await line.expectSound(root, healthy, run.pid)
    })

    test('that goes away in the middle for good: said, kept in mind, and cleared away by the next run', async () => {
      proxy.inject({ kind: 'cut', after: { bytes: 1_000_000, direction: 'up' } })
      const struck = proxy.struck().then(() => proxy.refuse())
      const run = line.startDump(source, source.url, to)
      const failure = await line.failureOf(run, 'sink-unavailable')
      await struck
      expect(failure.warnings.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^unable to clear away the unfinished backup/),
      )
      expect(await line.expectSound(root, healthy, run.pid)).not.toEqual([])
    })

    test('that refuses: nothing is left', async () => {
      await proxy.refuse()
      const run = line.startDump(source, source.url, to)
      await line.failureOf(run, 'sink-unavailable')
      await line.expectSound(root, healthy, run.pid)
    })
  })

  describe.skipIf(lacks('s3'))('S3', () => {
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
    const start = () => line.startDump(source, source.url, to, { env: place.env })
    const healthy = () => {
      proxy.inject()
      return line.dump(source, source.url, to, { env: place.env })
    }
    const isWrite = ({ operation }: { operation: string }) => ['PutObject', 'UploadPart'].includes(operation)
    const slowDown = { kind: 'answer', status: 503, body: s3Error('SlowDown', 'Reduce your rate') } as const

    test('that answers 503, then well: a backup like any other', async () => {
      proxy.inject({ on: isWrite, times: 2, ...slowDown })
      const struck = proxy.struck()
      const run = start()
      const { exitCode, stdout } = await run
      await struck
      expect(exitCode).toBe(0)
      expect(await root.names()).toContain(`default/backups/${JSON.parse(stdout).id}.json`)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test.each([
      ['breaks every write in its middle', { on: isWrite, kind: 'reset' }, 'sink-unavailable'],
      [
        'may not be written to',
        { on: isWrite, kind: 'answer', status: 403, body: s3Error('AccessDenied', 'Access Denied') },
        'sink-denied',
      ],
    ] as const)('that %s: no backup, nothing left', async (_, fault, code) => {
      proxy.inject(fault)
      const run = start()
      await line.failureOf(run, code)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test('whose answer to the manifest is lost: the backup counts', async () => {
      const puts = (at: number) => {
        let seen = 0
        return ({ operation }: { operation: string }) => operation === 'PutObject' && ++seen === at
      }
      // Two parts, the contents, the index, then the manifest.
      proxy.inject({ on: puts(5), kind: 'lose-answer', times: 1 })
      const struck = proxy.struck()
      const run = start()
      const { exitCode, stdout } = await run
      await struck
      expect(exitCode).toBe(0)
      expect(await root.names()).toContain(`default/backups/${JSON.parse(stdout).id}.json`)
      expect(await line.expectSound(root, healthy, run.pid)).toEqual([])
    })

    test('without the bucket: nothing is begun', async () => {
      const url = to.replace(/^s3:\/\/[^?]+/, `s3://lifeboat-${randomBytes(6).toString('hex')}`)
      const run = line.startDump(source, source.url, url, { env: place.env })
      await line.failureOf(run, 'sink-not-found')
    })
  })
})
