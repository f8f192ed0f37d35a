import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createEncodeStages } from '../../src/app/registry.ts'
import { layout } from '../../src/core/backup-layout.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { Stage } from '../../src/core/stage.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { clockAt, storeBackup } from '../testbed/stored-backup.ts'

const env = { KEY_PASSPHRASE: 'open sesame' }
const HOUR = 3_600_000
const hoursAgo = (hours: number) => clockAt(new Date(Date.now() - hours * HOUR).toISOString())

/** No database is needed: the backups are of a server in memory, and lie in a folder. */
describe('verify at the command line', { timeout: 60_000 }, () => {
  let home: string
  let folder: string
  let config: string
  let stages: readonly Stage[]
  let key: readonly string[]
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-verify-'))
    const keygen = ['keygen', '--name', 'ops', '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
    expect(await runLifeboat(keygen, { home, env })).toMatchObject({ exitCode: 0 })
    stages = await createEncodeStages({
      codec: 'gzip',
      level: undefined,
      recipients: [`${home}/keys/ops.pub.asc`],
    })
    key = ['--key', `${home}/keys/ops.sec.asc`, '--passphrase', 'env:KEY_PASSPHRASE']
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(home, 'sink-'))
    config = join(home, 'lifeboat.yaml')
    await writeFile(
      config,
      `version: 1
sinks:
  here: { url: 'file://${folder}' }
  far: { url: ssh://nobody@127.0.0.1:1/srv, passphrase: env:NOT_SET }
jobs:
  shop: { source: mysql://db.example.com, encryption: false, sinks: [here] }
  never-ran: { source: mysql://db.example.com, encryption: false, sinks: [here, far] }
  elsewhere: { source: mysql://db.example.com, encryption: false, sinks: [far] }
`,
    )
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  const sink = () => createFileSink({ folder })
  const dump = (hours: number, job = 'shop') => storeBackup(sink(), { job, stages, clock: hoursAgo(hours) })
  const run = (...args: readonly string[]) => runLifeboat(args, { home, env })
  const verify = (...args: readonly string[]) => run('verify', '--at', `file://${folder}`, ...args)
  const volumePath = ({ id, job, parts }: Manifest) =>
    join(folder, layout.object(job, id, parts[0]?.volumes[0]?.name ?? ''))
  const flip = async (path: string) => {
    const bytes = await readFile(path)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await writeFile(path, bytes)
  }

  test('says what it did at each level, and list shows the best', async () => {
    const { id } = await dump(1)
    const listed = async () => JSON.parse((await run('list', '--at', `file://${folder}`, '--json')).stdout)
    expect(await listed()).toMatchObject({ backups: [{ id, verifiedAt: null, verifiedLevel: null }] })
    const plain = await verify('--job', 'shop')
    expect(plain).toMatchObject({ exitCode: 0, stderr: '' })
    expect(plain.stdout).toMatch(
      /^verified \S+: 1 part, nothing was read; compared: of 1 volume only the size, for this sink says no more \(--deep/,
    )
    expect(await listed()).toMatchObject({ backups: [{ verifiedLevel: 'attested' }] })
    const stored = await verify('--job', 'shop', '--deep', '--json')
    expect(JSON.parse(stored.stdout)).toMatchObject({
      id,
      verified: 'stored',
      compared: null,
      warnings: [{ message: expect.stringContaining('without a key') }],
    })
    const deep = await verify('--job', 'shop', '--deep', ...key, '--json')
    expect(JSON.parse(deep.stdout)).toMatchObject({ id, verified: 'plain', warnings: [] })
    const attested = await verify('latest', '--job', 'shop', '--json')
    expect(JSON.parse(attested.stdout)).toMatchObject({
      verified: 'attested',
      compared: { digest: 0, checksum: 0, etag: 0, size: 1 },
      signedBy: null,
    })
    const { backups } = await listed()
    expect(backups).toMatchObject([
      { verifiedLevel: 'plain', verifiedAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    ])
    const table = await run('list', '--at', `file://${folder}`)
    expect(table.stdout).toMatch(/VERIFIED\n.* plain$/)
    expect(await readdir(join(folder, 'shop/verified'))).toEqual([`${id}.json`])
  })

  test('over a catalog: each bad one is named, the exit code is 31, and the rest is looked at', async () => {
    const [oldest, damaged, gone, newest] = [await dump(30), await dump(20), await dump(10), await dump(1)]
    await flip(join(folder, layout.object('shop', damaged.id, damaged.index.name)))
    await rm(volumePath(gone))
    const all = await verify('--all')
    expect(all.exitCode).toBe(31)
    const lines = all.stdout.trimEnd().split('\n')
    expect(
      lines.map((line) =>
        line
          .split(/ {2,}/)
          .slice(0, 1)
          .concat(/BAD|attested/.exec(line) ?? []),
      ),
    ).toEqual([
      ['ID'],
      [oldest.id, 'attested'],
      [damaged.id, 'BAD'],
      [gone.id, 'BAD'],
      [newest.id, 'attested'],
    ])
    expect(all.stderr.match(/^error: unable to trust object/gm)).toHaveLength(2)
    expect(all.stderr).toContain(`2 of 4 backups are good; bad: ${damaged.id}, ${gone.id}`)
    for (const line of all.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    const json = await verify('--all', '--json')
    expect(json).toMatchObject({ exitCode: 31, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      exitCode: 31,
      sink: `file://${folder}`,
      backups: [
        { id: oldest.id, ok: true, verified: 'attested' },
        { id: damaged.id, job: 'shop', ok: false, error: { code: 'integrity', exitCode: 31 } },
        { id: gone.id, ok: false },
        { id: newest.id, ok: true, plainBytes: 8 },
      ],
      ages: [],
      warnings: [],
    })
    const other = await dump(1, 'other')
    const one = await verify('--all', '--job', 'other', '--deep', ...key)
    expect(one).toMatchObject({ exitCode: 0, stderr: '1 of 1 backup is good' })
    expect(one.stdout).toContain(other.id)
  })

  test('equal length hides a change in a folder, until it is read', async () => {
    const backup = await dump(1)
    await flip(volumePath(backup))
    expect(await verify('--all')).toMatchObject({ exitCode: 0 })
    expect(await verify('--all', '--deep')).toMatchObject({ exitCode: 31 })
  })

  test('the newest good backup must be as new as asked', async () => {
    await dump(50)
    const second = await dump(30)
    const age = ['--job', 'shop', '--newest-age', '26h']
    const old = await verify(...age, '--json')
    expect(old).toMatchObject({ exitCode: 31, stdout: '' })
    expect(JSON.parse(old.stderr)).toMatchObject({
      error: { code: 'too-old', details: { job: 'shop', newest: second.id, mostMs: 26 * HOUR } },
    })
    expect(await verify('--job', 'shop', '--newest-age', '2d')).toMatchObject({ exitCode: 0 })
    const newest = await dump(1)
    const good = await verify(...age, '--json')
    expect(good.exitCode).toBe(0)
    expect(JSON.parse(good.stdout).ageMs).toBeGreaterThanOrEqual(HOUR - 1000)
    await rm(volumePath(newest))
    expect(await verify(...age)).toMatchObject({ exitCode: 31 })
    expect((await verify('--all', ...age)).stderr).toMatch(
      /from the last 26 h: the data of the newest, \S+, is 30 h old\nhint: Find out why/,
    )
    const none = await verify('--job', 'nothing', '--newest-age', '26h')
    expect(none).toMatchObject({
      exitCode: 31,
      stderr: expect.stringMatching(/job 'nothing' .*: there is none/),
    })
    expect(await verify('--job', 'nothing')).toMatchObject({ exitCode: 21 })
  })

  test('a sink of the configuration is named, with all its jobs', async () => {
    const { id } = await dump(1)
    const withConfig = (...args: readonly string[]) => run(...args, '--config', config)
    const all = await withConfig('verify', '--all', '--newest-age', '26h', '--at', 'here', '--json')
    expect(all.exitCode).toBe(31)
    expect(JSON.parse(all.stdout).ages).toMatchObject([
      { job: 'never-ran', ok: false, newest: null, ageMs: null, error: { code: 'too-old' } },
      { job: 'shop', ok: true, newest: id },
    ])
    const listed = await withConfig('list', '--at', 'here', '--json')
    expect(JSON.parse(listed.stdout).backups).toMatchObject([{ id }])
    const looked = await withConfig('doctor', '--at', 'here', '--job', 'shop')
    expect(looked).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(id) })
    expect(await withConfig('doctor', '--to', 'here')).toMatchObject({ exitCode: 0 })
    // Its own passphrase is asked for, by its own name.
    const far = await withConfig('list', '--at', 'far')
    expect(far).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("'NOT_SET' is not set") })
    const into = ['--into', 'mysql://root@127.0.0.1:1?tls=disable']
    const misspelt = await withConfig('restore', '--from', 'her', ...into)
    expect(misspelt).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("Did you mean 'here'?") })
    const restore = await withConfig('restore', '--from', 'here', '--job', 'shop', ...into)
    expect(restore.stderr).toMatch(/it is a dump of memory/)
    const nowhere = await run('list', '--at', 'here')
    expect(nowhere).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/unable to find sink 'here'[\s\S]*hint: Write --at file:/),
    })
  })

  test.each([
    ['--all with a backup', ['latest', '--all'], /--all and a backup contradict/],
    ['--newest-age of an old one', ['20261122T210500Z-k3f9', '--newest-age', '1h'], /looks at the newest/],
    ['a time without a unit', ['--newest-age', '26'], /Write it like 90m, 26h or 8d/],
    ['a key and nothing read', ['--all', '--key', 'x'], /without --deep/],
  ])('%s is refused before anything is opened', async (_, args, message) => {
    expect(await verify(...args)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) })
  })
})
