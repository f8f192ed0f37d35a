import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

/** Nothing listens there: each job that is tried fails at once. */
const SOURCE = "source: 'mysql://nobody@127.0.0.1:1?tls=disable'"

describe('schedule', () => {
  let home: string
  let config: string
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home })

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-schedule-'))
    config = join(home, 'lifeboat.yaml')
    await writeFile(
      config,
      `version: 1
sinks: { near: { url: file://${home}/near } }
defaults: { sinks: [near], encryption: false, classification: development }
jobs:
  shop: { ${SOURCE}, schedule: '@daily', jitter: 10m }
  crm: { ${SOURCE}, schedule: 0 4 * * 1 }
  wiki: { ${SOURCE} }
`,
    )
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  test('prints units of what has a schedule', async () => {
    const printed = await run('schedule', '--all')
    expect(printed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(printed.stdout.match(/^# lifeboat-.*$/gm)).toEqual([
      ...[
        '# lifeboat-shop.service',
        '# lifeboat-shop.timer',
        '# lifeboat-crm.service',
        '# lifeboat-crm.timer',
      ],
    ])
    const { files, format, installed } = JSON.parse((await run('schedule', 'crm', '--json')).stdout)
    expect({ format, installed }).toEqual({ format: 'systemd', installed: false })
    expect(files[1]).toMatchObject({
      name: 'lifeboat-crm.timer',
      text: expect.stringContaining('Mon *-*-* 04'),
    })
  })

  test('tells which folders a pod can not write to', async () => {
    const printed = await run('schedule', 'shop', '--format', 'kubernetes', '--image', 'x', '--json')
    const { warnings } = JSON.parse(printed.stdout)
    expect(warnings).toMatchObject([{ message: expect.stringContaining(`${home}/near`) }])
  })

  test('installs units of a person, and says how to start them', async () => {
    const installed = await run('schedule', 'shop', '--install', '--user')
    expect(installed).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('systemctl --user enable --now lifeboat-shop.timer'),
    })
    const folder = join(home, '.config/systemd/user')
    expect(await readdir(folder)).toEqual(['lifeboat-shop.service', 'lifeboat-shop.timer'])
    const service = await readFile(join(folder, 'lifeboat-shop.service'), 'utf8')
    expect(service).toContain(`/scripts/lifeboat dump shop --config ${config}`)
    expect(await readdir(home)).toContain('state')
  })

  test.for([
    [['wiki'], 3, /job 'wiki': it has no schedule/],
    [[], 2, /no job is named/],
    [['shop', '--all'], 2, /contradict/],
    [['--all', '--format', 'kubernetes'], 2, /--image is missing/],
    [['--all', '--format', 'kubernetes', '--image', 'x', '--shards', '2'], 3, /'wiki': it has no schedule/],
    [['--all', '--shards', '2'], 2, /are for Kubernetes/],
    [['shop', '--command', 'lifeboat'], 2, /not a full path/],
  ] as const)('refuses %j', async ([args, exitCode, message]) => {
    const refused = await run('schedule', ...args)
    expect(refused).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(message) })
  })

  test('config check says what is wrong with a schedule', async () => {
    const wrong = join(home, 'wrong.yaml')
    await writeFile(wrong, (await readFile(config, 'utf8')).replace("'@daily'", "'@reboot'"))
    expect(await runLifeboat(['config', 'check', '--config', wrong], { home })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/line 5: jobs\.shop\.schedule: there is no @reboot/),
    })
  })

  test('two shards dump every job between them, each once', async () => {
    const jobs: string[] = []
    for (const shard of ['0/2', '1/2']) {
      const { stdout } = await run('dump', '--all', '--shard', shard, '--jitter', '1s', '--json')
      const told = JSON.parse(stdout) as { jobs: { job: string }[] }
      jobs.push(...told.jobs.map(({ job }) => job))
    }
    expect(jobs.toSorted()).toEqual(['crm', 'shop', 'wiki'])
    expect(await run('dump', '--all', '--shard', '2/2')).toMatchObject({ exitCode: 2 })
    expect(await run('dump', 'shop', '--shard', '0/2')).toMatchObject({ exitCode: 2 })
  })
})
