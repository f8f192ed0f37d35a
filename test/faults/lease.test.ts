import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { liveRuns } from '../../src/app/live-runs.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { createLeaseAgent, storedLeases } from '../testbed/lease-agent.ts'

const HOLDER = fileURLToPath(new URL('../fixtures/tools/lease-holder.ts', import.meta.url))
const { signal } = new AbortController()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-lease-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Resolves when the process holds the lease. */
async function startHolder(run: string, ttlMs: number) {
  const child = execa(process.execPath, [HOLDER, folder, run, String(ttlMs)], {
    reject: false,
    stdin: 'pipe',
    timeout: 50_000,
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => String((await lines.next()).value)
  expect(await nextLine()).toBe('held')
  return { child, nextLine }
}

test('a holder that is killed blocks nobody on its machine', async () => {
  const holder = await startHolder('killed', 15 * 60_000)
  const sink = createFileSink({ folder })
  await expect(createLeaseAgent(sink).lease.awaitFree(signal)).rejects.toMatchObject({
    code: 'locked',
    details: { run: 'killed', pid: holder.child.pid },
  })
  expect([...(await liveRuns(sink, 'shop', signal))]).toEqual(['killed'])
  holder.child.kill('SIGKILL')
  await holder.child
  expect([...(await liveRuns(sink, 'shop', signal))]).toEqual([])
  const agent = createLeaseAgent(sink)
  await agent.lease.take('next', signal)
  await agent.lease[Symbol.asyncDispose]()
  expect(await storedLeases(sink)).toMatchObject([['000002.json', { run: 'next', state: 'released' }]])
  expect(agent.events).toEqual([])
})

test('a holder that is suspended beyond its lease is followed by another, says so when it wakes, and goes on', async () => {
  const holder = await startHolder('suspended', 2_000)
  const sink = createFileSink({ folder })
  holder.child.kill('SIGSTOP')
  const agent = createLeaseAgent(sink, { waitMs: 30_000 })
  await agent.lease.take('next', signal)
  holder.child.kill('SIGCONT')
  expect(await holder.nextLine()).toMatch(/had run out and was taken over: run next of host/)
  expect([...(await liveRuns(sink, 'shop', signal))]).toEqual(['suspended', 'next'])
  holder.child.stdin.end()
  expect(await holder.nextLine()).toBe('given back')
  expect((await holder.child).exitCode).toBe(0)
  await expect(createLeaseAgent(sink).lease.awaitFree(signal)).rejects.toMatchObject({
    details: { run: 'next' },
  })
  await agent.lease[Symbol.asyncDispose]()
  await createLeaseAgent(sink).lease.awaitFree(signal)
})

test('processes that race make one holder after another, never two', async () => {
  const sink = createFileSink({ folder })
  for (let round = 0; round < 3; round++) {
    const children = Array.from({ length: 4 }, (_, number) =>
      execa(process.execPath, [HOLDER, folder, `run ${number}`, '60000'], {
        reject: false,
        stdin: 'pipe',
        timeout: 50_000,
      }),
    )
    const said = children.map((child) =>
      createInterface({ input: child.stdout })[Symbol.asyncIterator]().next(),
    )
    const first = await Promise.all(said)
    expect(first.filter(({ value }) => value === 'held')).toHaveLength(1)
    for (const child of children) child.stdin.end()
    const ends = await Promise.all(children)
    expect(ends.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1)
    expect(ends.filter(({ stderr }) => stderr.includes('is at it since'))).toHaveLength(3)
    expect(await storedLeases(sink)).toHaveLength(1)
  }
})
