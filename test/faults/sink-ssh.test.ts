import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { once } from '../../src/core/bytes.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Sink } from '../../src/core/sink.ts'
import type { SshSinkOptions, SshTimeouts } from '../../src/sinks/ssh/index.ts'
import { fileNames } from '../testbed/folder-contents.ts'
import { lacks } from '../testbed/requirement.ts'
import { inPieces, sampleBytes, thenStall } from '../testbed/sample-bytes.ts'
import { mountSmallDisk } from '../testbed/small-disk.ts'
import { openSshSink } from '../testbed/ssh-sink.ts'
import { hasOwnAccounts, type Sshd, startSshd } from '../testbed/sshd.ts'
import { type Direction, startTcpProxy, type TcpProxy } from '../testbed/tcp-proxy.ts'

const { signal } = new AbortController()
const ownAccounts = await hasOwnAccounts()
const data = sampleBytes(300_000)

describe.skipIf(lacks('ssh'))('an SSH host', { timeout: 120_000 }, () => {
  let server: Sshd
  let proxy: TcpProxy
  let folder: string
  const open: Sink[] = []

  beforeAll(async () => {
    server = await startSshd(ownAccounts ? { password: 'secret' } : {})
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    proxy = await startTcpProxy(server)
    folder = await mkdtemp(join(server.objects, 'faults-'))
  })
  afterEach(async () => {
    for (const sink of open.splice(0)) await sink[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  const direct = (changes: Partial<SshSinkOptions> = {}) => {
    const sink = openSshSink(server, folder, changes)
    open.push(sink)
    return sink
  }
  /** Through the proxy, whose port the known hosts are told of. */
  const proxied = async (timeouts: Partial<SshTimeouts> = {}) => {
    const knownHosts = join(server.folder, `known_hosts_${proxy.port}`)
    const known = await readFile(server.knownHosts, 'utf8')
    await writeFile(knownHosts, known.replaceAll(`:${server.port}`, `:${proxy.port}`))
    return direct({ port: proxy.port, knownHosts, timeouts })
  }
  /** Whole or absent, and nothing else once it was swept. */
  const expectWholeOrAbsent = async (key: string): Promise<'whole' | 'absent'> => {
    const sink = direct()
    const info = await sink.stat(key, signal)
    if (info !== undefined) {
      expect(info.bytes).toBe(data.length)
      expect(data.equals(await sink.read(key, { offset: 0, bytes: data.length }, signal))).toBe(true)
    }
    await sink.sweep('', new Date(Date.now() + 60_000), signal)
    expect(await fileNames(folder)).toEqual(info === undefined ? [] : [key])
    return info === undefined ? 'absent' : 'whole'
  }

  describe.for([true, false])('whose connection is cut, ifAbsent: %s', (ifAbsent) => {
    test.for([
      ['up', 'for good'],
      ['up', 'once'],
      ['down', 'for good'],
      ['down', 'once'],
    ] as const)('%s, %s, at every stage of a write', async ([direction, how]) => {
      const whole = await proxied()
      await whole.write('a/object', inPieces(data), { ifAbsent, signal })
      const total = proxy.passed[direction]
      await whole.delete(['a/object'], signal)
      const outcomes = new Set<string>()
      for (const bytes of stages(direction, total)) {
        const sink = await proxied()
        proxy.inject({ kind: 'cut', after: { bytes, direction } })
        if (how === 'once') void proxy.struck().then(() => proxy.heal())
        const [result] = await Promise.allSettled([
          sink.write('a/object', inPieces(data), { ifAbsent, signal }),
        ])
        if (result.status === 'rejected') {
          expect(result.reason).toBeInstanceOf(LifeboatError)
          expect(result.reason).toMatchObject({ code: 'sink-unavailable', hint: expect.stringMatching(/./) })
        }
        await proxy.heal()
        const state = await expectWholeOrAbsent('a/object')
        // Told of success, it is there. Told of failure, it may be there only if even the second question was cut off.
        if (result.status === 'fulfilled') expect(state).toBe('whole')
        else if (how === 'once') expect(state).toBe('absent')
        outcomes.add(`${result.status} ${state}`)
        await direct().delete(['a/object'], signal)
      }
      expect(outcomes).toContain('rejected absent')
      if (how === 'once') expect(outcomes).toContain('fulfilled whole')
    })
  })

  test('that falls silent in the middle of a write is `timed-out`, by the lack of progress', async () => {
    const sink = await proxied({ stallMs: 500 })
    proxy.inject({ kind: 'stall', after: { bytes: 150_000, direction: 'up' } })
    const write = sink.write('object', inPieces(sampleBytes(20_000_000)), { signal })
    await expect(write).rejects.toMatchObject({
      code: 'timed-out',
      hint: expect.stringContaining('stall-timeout'),
    })
    expect(await expectWholeOrAbsent('object')).toBe('absent')
  })

  test('that falls silent while the dump is slow is `timed-out`, by keepalives', async () => {
    const sink = await proxied({ keepaliveMs: 100, connectMs: 1_000 })
    const { body, stalled } = thenStall(data)
    const write = sink.write('object', body, { signal })
    const settled = expect(write).rejects.toMatchObject({ code: 'timed-out' })
    await stalled
    proxy.inject({ kind: 'stall' })
    await settled
    expect(await expectWholeOrAbsent('object')).toBe('absent')
  })

  test('that is gone without a word is noticed, and the next call connects anew', async () => {
    const sink = await proxied({ keepaliveMs: 100 })
    await sink.write('object', inPieces(data), { signal })
    proxy.inject({ kind: 'half-open' })
    await proxy.heal()
    await expect(sink.stat('object', signal)).rejects.toMatchObject({ code: 'timed-out', retryable: true })
    expect(await sink.stat('object', signal)).toMatchObject({ bytes: data.length })
    expect(proxy.connections).toBe(2)
  })

  test('whose connection was lost between two calls is connected to anew', async () => {
    const sink = await proxied()
    await sink.write('object', inPieces(data), { signal })
    const struck = proxy.struck()
    proxy.inject({ kind: 'close' })
    await struck
    await proxy.heal()
    // The end may still be on its way: then one call fails, and says that it may be tried again.
    const first = await sink.stat('object', signal).catch((thrown: unknown) => thrown)
    if (first instanceof Error) expect(first).toMatchObject({ code: 'sink-unavailable', retryable: true })
    expect(await sink.stat('object', signal)).toMatchObject({ bytes: data.length })
    await sink.delete(['object'], signal)
    expect(proxy.connections).toBe(2)
  })

  test('that does not listen is `sink-unavailable`; one that does not answer, `timed-out`', async () => {
    const silent = await proxied({ connectMs: 300 })
    proxy.inject({ kind: 'stall' })
    await expect(silent.stat('object', signal)).rejects.toMatchObject({
      code: 'timed-out',
      hint: expect.stringContaining('connect-timeout'),
    })
    await proxy.refuse()
    await expect((await proxied()).stat('object', signal)).rejects.toMatchObject({ code: 'sink-unavailable' })
    await expect(direct({ host: 'no-such-host.invalid' }).stat('object', signal)).rejects.toMatchObject({
      code: 'sink-unavailable',
    })
  })

  test('that fell silent does not hold up the end of the run', async () => {
    const sink = await proxied()
    await sink.write('object', inPieces(data), { signal })
    proxy.inject({ kind: 'stall' })
    const began = performance.now()
    await sink[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  test('whose command is killed keeps nothing', async () => {
    const sink = direct()
    const { body, stalled } = thenStall(data)
    const write = sink.write('object', body, { signal })
    const settled = expect(write).rejects.toMatchObject({
      code: 'sink-unavailable',
      message: expect.stringMatching(/object/),
    })
    await stalled
    // What was sent may still be on its way to a command that has only just been started.
    const pids = await vi.waitUntil(() => processesThatWrite(folder), { timeout: 10_000 })
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await settled
    expect(await fileNames(folder)).toEqual([])
  })

  test('whose disk is full is `sink-full`, keeps nothing of the object, and works on', async (context) => {
    // The server has a mount namespace of its own, which sees what is mounted before it starts.
    await using disk = await mountSmallDisk(4 * 1024 * 1024)
    if (disk === undefined) return context.skip('this process may not mount a disk')
    await using own = await startSshd()
    await using sink = openSshSink(own, disk.path)
    await sink.write('first', inPieces(data), { signal })
    const write = sink.write('a/second', inPieces(sampleBytes(8_000_000)), { signal })
    await expect(write).rejects.toMatchObject({
      code: 'sink-full',
      message: expect.stringContaining('No space left on device'),
      hint: expect.stringContaining('df -h'),
    })
    expect(await readdir(disk.path)).toEqual(['first'])
    await sink.write('third', inPieces(data), { signal })
  })

  test('with a limit on the size of files is `sink-full`', async () => {
    const limit = `ulimit -f 1000; eval "$SSH_ORIGINAL_COMMAND"`
    await using own = await startSshd({
      config: [
        `ForceCommand case "$SSH_ORIGINAL_COMMAND" in *sftp*) exec /usr/lib/openssh/sftp-server;; *) ${limit};; esac`,
      ],
    })
    await using sink = openSshSink(own, own.objects)
    await sink.write('first', inPieces(data), { signal })
    const write = sink.write('second', inPieces(sampleBytes(8_000_000)), { signal })
    await expect(write).rejects.toMatchObject({ code: 'sink-full' })
    expect(await fileNames(own.objects)).toEqual(['first'])
  })

  test.skipIf(!ownAccounts)('whose account may not write there is `sink-denied`', async () => {
    const password = async () => new Secret('secret')
    const sink = direct({ user: 'lifeboat', identities: [], password })
    await expect(sink.write('a/object', inPieces(data), { signal })).rejects.toMatchObject({
      code: 'sink-denied',
      message: expect.stringContaining('Permission denied'),
      hint: expect.stringContaining('ls -ld'),
    })
    expect(await fileNames(folder)).toEqual([])
  })

  test('without SFTP says how to switch it on', async () => {
    await using own = await startSshd({ sftp: false })
    await using sink = openSshSink(own, own.objects)
    await expect(sink.stat('object', signal)).rejects.toMatchObject({
      code: 'sink-denied',
      hint: expect.stringContaining('Subsystem sftp'),
    })
  })

  test('that gives one connection few sessions serves one write after another', async () => {
    await using own = await startSshd({ config: ['MaxSessions 2'] })
    await using sink = openSshSink(own, own.objects)
    for (const key of ['a', 'b', 'c']) await sink.write(key, once(Buffer.from(key)), { signal })
    expect(await fileNames(own.objects)).toEqual(['a', 'b', 'c'])
  })
})

/** Byte counts at which to cut: close together where the handshakes and the commit are, wider inside the data. */
function stages(direction: Direction, total: number): readonly number[] {
  const points = Array.from({ length: 8 }, (_, index) => 1 + Math.floor((total * index) / 8))
  const edges =
    direction === 'up'
      ? [1_000, 2_500, total - 3_000, total - 1_500, total - 600, total - 100]
      : [total - 800, total - 400, total - 200, total - 100, total - 20]
  return [...new Set([...points, ...edges])].filter((bytes) => bytes > 0 && bytes < total)
}

/** Processes with a file below the folder open for their stdout; undefined where there is none. */
async function processesThatWrite(folder: string): Promise<readonly number[] | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const targets = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/fd/1`).catch(() => '')))
  const found = pids.filter((_, index) => targets[index]?.startsWith(`${folder}/`))
  return found.length === 0 ? undefined : found.map(Number)
}
