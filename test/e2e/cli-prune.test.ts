import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { layout } from '../../src/core/backup-layout.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { abandonWrite, fileNames } from '../testbed/folder-contents.ts'
import { storeDaily } from '../testbed/prune-runs.ts'

describe('prune and keep', { timeout: 60_000 }, () => {
  let home: string
  let place: string
  let at: string
  let ids: string[]
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-prune-'))
    place = join(home, 'one')
    at = `file://${place}`
    ids = await storeDaily(createFileSink({ folder: place }), 4)
  })
  afterEach(() => rm(home, { recursive: true }))

  const run = (...args: string[]) => runLifeboat(args, { home })
  const json = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args, '--json')
    expect(stderr).toBe('')
    return { exitCode, ...JSON.parse(stdout) }
  }
  const listed = async (where = at) => {
    const { backups } = await json('list', '--at', where)
    return (backups as { id: string }[]).map(({ id }) => id)
  }

  test('shows what would go and why the rest stays; with --confirm it is done', async () => {
    const rules = ['--job', 'shop', '--keep-daily', '2', '--minimum', '2']
    const look = await run('prune', '--at', at, ...rules)
    expect(look).toMatchObject({ exitCode: 0 })
    expect(look.stdout.split('\n').map((line) => line.replace(/ +/g, ' ').trimEnd())).toEqual([
      ' ID STORED WHY',
      expect.stringMatching(new RegExp(`^REMOVE ${ids[0]} \\d+ B no rule keeps it$`)),
      expect.stringMatching(new RegExp(`^REMOVE ${ids[1]} \\d+ B no rule keeps it$`)),
      expect.stringMatching(new RegExp(`^keep ${ids[2]} \\d+ B daily 2026-11-21$`)),
      expect.stringMatching(new RegExp(`^keep ${ids[3]} \\d+ B daily 2026-11-22; newest usable$`)),
    ])
    expect(look.stderr).toMatch(/^2 of 4 backups of job 'shop' at file:.* would go .*add --confirm$/s)
    expect(await listed()).toEqual(ids)
    const done = await run('prune', '--at', at, ...rules, '--confirm')
    expect(done.stderr).toMatch(/^removed 2 of 4 backups/)
    expect(done.stdout).toMatch(new RegExp(`^removed +${ids[0]}`, 'm'))
    expect(await listed()).toEqual(ids.slice(2))
    expect((await fileNames(place)).filter((name) => name.includes(ids[0] ?? ''))).toEqual([])
    expect((await run('prune', '--at', at, ...rules, '--confirm')).stderr).toMatch(/^removed 0 of 2 backups/)
  })

  test('keep marks a backup, by its id or as the newest, and --undo takes the mark away', async () => {
    const [first = '', , , last = ''] = ids
    const mark = ['keep', first, '--at', at, '--job', 'shop']
    expect(await json(...mark, '--reason', 'before the migration')).toMatchObject({
      exitCode: 0,
      id: first,
      kept: true,
      reason: 'before the migration',
      warnings: [],
    })
    expect(await json('keep', 'latest', '--at', at, '--job', 'shop')).toMatchObject({
      id: last,
      reason: null,
    })
    const prune = ['prune', '--at', at, '--job', 'shop', '--keep-last', '1', '--confirm']
    const pruned = await json(...prune)
    expect(pruned).toMatchObject({ confirmed: true, runs: [{ job: 'shop', sink: at, ok: true }] })
    expect(pruned.runs[0].backups.map((each: { outcome: string }) => each.outcome)).toEqual([
      'kept',
      'removed',
      'removed',
      'kept',
    ])
    expect(pruned.runs[0].backups[0]).toMatchObject({
      id: first,
      started: expect.stringMatching(/^2026-11-19T06:00:00/),
      reasons: ['marked keep: before the migration'],
    })
    expect(await json(...mark, '--undo')).toMatchObject({ kept: false })
    await json(...prune)
    expect(await listed()).toEqual([last])
    expect(await run(...mark)).toMatchObject({ exitCode: 21, stderr: expect.stringContaining('no manifest') })
  })

  test('sweeps what killed writes left, once it is old enough', async () => {
    await abandonWrite(place, layout.object('shop', '20261101T000000Z-gone', '0001.sql'))
    const prune = ['prune', '--at', at, '--job', 'shop', '--keep-last', '9', '--confirm']
    expect((await json(...prune)).runs[0].unfinished).toEqual([])
    const [name = ''] = (await fileNames(place)).filter((each) => each.includes('Z-gone'))
    const old = new Date(Date.now() - 4 * 86_400_000)
    await utimes(join(place, name), old, old)
    expect((await json(...prune, '--sweep-older-than', '5d')).runs[0].unfinished).toEqual([])
    expect((await json(...prune)).runs[0].unfinished).toEqual([name])
    expect((await fileNames(place)).filter((each) => each.includes('Z-gone'))).toEqual([])
  })

  test.each([
    [['prune', '--at', 'file:///x'], 'no rule says what to keep'],
    [['prune', '--at', 'file:///x', '--minimum', '3'], 'no rule says what to keep'],
    [['prune', '--keep-last', '1'], '--at is missing'],
    [['prune', '--at', 'file:///x', '--keep-last', 'all'], 'whole number'],
    [['prune', '--all', 'shop'], 'contradict each other'],
    [['prune', '--all', '--keep-last', '1'], 'the rules of the configuration alone'],
    [['prune', 'shop', '--job', 'shop'], 'contradict each other'],
    [['keep', '--at', 'file:///x'], 'missing required argument'],
    [['keep', 'x', '--at', 'file:///x', '--undo', '--reason', 'y'], 'contradict each other'],
  ])('%j is refused', async (args, reason) => {
    const refused = await run(...args)
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(reason)
  })

  test('a sink that is not there is no empty one', async () => {
    const gone = await run('prune', '--at', `file://${home}/typo`, '--keep-last', '1', '--confirm')
    expect(gone).toMatchObject({ exitCode: 21, stdout: '' })
  })

  describe('with a configuration', () => {
    let config: string
    beforeEach(async () => {
      await storeDaily(createFileSink({ folder: join(home, 'two') }), 3)
      await storeDaily(createFileSink({ folder: place }), 2, { job: 'ledger' })
      config = join(home, 'lifeboat.yaml')
      await writeFile(
        config,
        `version: 1
sinks:
  one: { url: file://${home}/one }
  two: { url: file://${home}/two }
  lost: { url: file://${home}/lost }
defaults:
  encryption: false
  sinks: [one, two]
jobs:
  shop:
    source: mysql://db.example.com
    retention: { last: 2, minimum: 1 }
  ledger:
    source: mysql://db.example.com
    sinks: [lost, one]
    retention: { daily: 1 }
  forever:
    source: mysql://db.example.com
`,
      )
    })
    const outcomes = (runs: { job: string; sink: string; backups?: { outcome: string }[] }[]) =>
      runs.map(({ job, sink, backups }) => [
        job,
        sink.replace(`file://${home}/`, ''),
        backups?.map(({ outcome }) => outcome.slice(0, 5)).join(' '),
      ])

    test('a job is pruned at all of its sinks, by its own rules', async () => {
      expect(outcomes((await json('prune', 'shop', '--config', config)).runs)).toEqual([
        ['shop', 'one', 'would would kept kept'],
        ['shop', 'two', 'would kept kept'],
      ])
      const only = await json('prune', 'shop', '--config', config, '--at', 'two', '--keep-last', '1')
      expect(outcomes(only.runs)).toEqual([['shop', 'two', 'would would kept']])
      const { stdout } = await run('prune', 'shop', '--config', config)
      expect(stdout).toMatch(
        new RegExp(`^shop at file://${home}/one\n +ID .*\n\nshop at file://${home}/two\n`, 's'),
      )
      const off = await run('prune', 'shop', '--config', config, '--keep-last', '0')
      expect(off).toMatchObject({ exitCode: 2 })
      expect((await run('prune', 'forever', '--config', config)).stderr).toContain(
        'no rule says what to keep',
      )
    })

    test('--all prunes every job that has rules; a sink that is lost holds up no other', async () => {
      const { exitCode, stdout } = await run('prune', '--all', '--config', config, '--confirm', '--json')
      const { runs } = JSON.parse(stdout)
      expect(exitCode).toBe(21)
      expect(outcomes(runs)).toEqual([
        ['shop', 'one', 'remov remov kept kept'],
        ['shop', 'two', 'remov kept kept'],
        ['ledger', 'lost', undefined],
        ['ledger', 'one', 'remov kept'],
      ])
      expect(runs[2]).toMatchObject({ ok: false, error: { code: 'sink-not-found', exitCode: 21 } })
      const there = await run('prune', '--all', '--config', config, '--at', 'two')
      expect(there).toMatchObject({ exitCode: 0 })
      expect(there.stderr).toContain('job forever keeps every backup')
      expect(there.stderr).toContain("nothing to remove: all of 2 backups of job 'shop'")
    })

    test('config check says what is kept', async () => {
      const { jobs } = await json('config', 'check', '--config', config)
      expect(jobs.map(({ retention }: { retention: object | null }) => retention)).toEqual([
        { last: 2, minimum: 1 },
        { daily: 1 },
        null,
      ])
      const { stdout } = await run('config', 'check', '--config', config)
      expect(stdout).toContain('keeps     2 last, and at least 1; the rest goes when it is pruned')
      expect(stdout).toContain('keeps     every backup: no rule of retention')
    })
  })
})
