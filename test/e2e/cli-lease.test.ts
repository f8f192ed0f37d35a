import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { createLeaseAgent, foreignRecord, storedLeases, writeRecord } from '../testbed/lease-agent.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'

const { signal } = new AbortController()

describe.skipIf(lacks('mariadb'))('one run of a job at a time', () => {
  let home: string
  let server: Awaited<ReturnType<typeof startMariadb>>
  let config: string
  const env = () => ({ DB_PASSWORD: server.password })
  const args = (...more: string[]) => ['dump', ...more, '--config', config]
  const run = (...more: string[]) => runLifeboat(args(...more), { home, env: env() })
  const at = (place: string) => createFileSink({ folder: join(home, place) })
  const ids = async (place: string) => {
    const listed = await runLifeboat(['list', '--at', `file://${home}/${place}`, '--json'], { home })
    return (JSON.parse(listed.stdout) as { backups: { id: string }[] }).backups.map(({ id }) => id)
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-lease-'))
    server = await startMariadb()
    await server.run('CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1), (2);')
    config = join(home, 'lifeboat.yaml')
    const source = `{ url: '${server.url}', password: env:DB_PASSWORD }`
    await writeFile(
      config,
      `version: 1
sinks:
  one: { url: file://${home}/one }
  two: { url: file://${home}/two }
defaults: { sinks: [one], encryption: false, classification: development, lease: { time: 10m } }
jobs:
  shop: { source: ${source} }
  patient: { source: ${source}, lease: { wait: 40s } }
  careless: { source: ${source}, lease: false }
  copied: { source: ${source}, sinks: [one, two] }
`,
    )
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('a second run ends with 40, before it asks the source anything, and says who is at it', async () => {
    const holder = createLeaseAgent(at('one'))
    await holder.lease.take('20261122T210000Z-aaaa', signal)
    const unreachable = ['--from', 'mysql://nobody@127.0.0.1:1?tls=disable']
    const second = await run('shop', '--json', ...unreachable)
    expect(second).toMatchObject({ exitCode: 40, stdout: '' })
    const { error } = JSON.parse(second.stderr)
    expect(error).toMatchObject({
      code: 'locked',
      details: { run: '20261122T210000Z-aaaa', pid: process.pid },
      hint: expect.stringContaining('--wait-lease'),
    })
    expect(error.message).toMatch(
      /unable to dump job 'shop' to file:.*is at it since .*Z; its lease expires at .*Z/,
    )
    await holder.lease[Symbol.asyncDispose]()
  })

  test('two at once make one backup; with --wait-lease they make two, one after the other', async () => {
    const both = await Promise.all([run('shop', '--json'), run('shop', '--json')])
    const made = both.filter(({ exitCode }) => exitCode === 0).length
    // A very slow start of one lets it come when the other has ended.
    for (const { exitCode, stderr } of both)
      if (exitCode !== 0) expect(JSON.parse(stderr).error.code).toBe('locked')
    expect(made).toBeGreaterThan(0)
    expect(await ids('one')).toHaveLength(made)
    const waiting = await Promise.all([
      run('shop', '--wait-lease', '40s'),
      run('shop', '--wait-lease', '40s'),
    ])
    expect(waiting.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(await ids('one')).toHaveLength(made + 2)
    expect(await storedLeases(at('one'))).toMatchObject([
      [expect.any(String), { state: 'released', ttlMs: 600_000 }],
    ])
  })

  test('lease: { wait } waits, lease: false does not look, --no-lease neither', async () => {
    const holders = await Promise.all(
      ['shop', 'patient', 'careless'].map(async (job) => {
        const agent = createLeaseAgent(at('one'), { job })
        await agent.lease.take(`${job}, held`, signal)
        return agent
      }),
    )
    expect(await run('careless')).toMatchObject({ exitCode: 0 })
    expect(await run('shop', '--no-lease')).toMatchObject({ exitCode: 0 })
    const patient = startLifeboat(args('patient'), { home, env: env() })
    for (const { lease } of holders) await lease[Symbol.asyncDispose]()
    expect(await patient).toMatchObject({ exitCode: 0 })
    expect((await storedLeases(at('one'), 'patient')).at(-1)?.[1]).toMatchObject({
      state: 'released',
      ttlMs: 600_000,
    })
  })

  test('a copy is made although somebody holds the lease at the other place, and leaves none there', async () => {
    const theirs = await foreignRecord({ job: 'copied' })
    await writeRecord(at('two'), 1, theirs)
    const copied = await run('copied', '--json')
    expect(copied).toMatchObject({ exitCode: 0 })
    const { id, warnings } = JSON.parse(copied.stdout)
    expect(warnings.map(({ message }: { message: string }) => message)).toContainEqual(
      expect.stringMatching(/^copied all the same: .*host 'bastion-far'/),
    )
    expect(await ids('two')).toContain(id)
    expect((await storedLeases(at('one'), 'copied')).at(-1)?.[1]).toMatchObject({
      state: 'released',
      run: id,
    })
    expect((await storedLeases(at('two'), 'copied')).at(-1)?.[1]).toMatchObject({
      state: 'held',
      run: theirs.run,
    })
  })

  test.for([
    [['--no-lease', '--wait-lease', '1m'], /--no-lease and --wait-lease contradict/],
    [['--lease', '5s'], /between 1m and 24h/],
    [['--lease', '25h'], /between 1m and 24h/],
  ] as const)('%j is refused', async ([words, message]) => {
    const refused = await run('shop', ...words)
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(refused.stderr).toMatch(message)
  })
})
