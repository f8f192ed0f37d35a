import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { type Listener, startListener } from '../testbed/listener.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { readPrometheusText } from '../testbed/prometheus-text.ts'
import { lacks } from '../testbed/requirement.ts'

describe.skipIf(lacks('mariadb'))('what monitoring hears of jobs', () => {
  let home: string
  let server: Awaited<ReturnType<typeof startMariadb>>
  let listener: Listener
  let config: string
  const env = () => ({ DB_PASSWORD: server.password, HC_URL: `${listener.url}/hc`, GONE_URL: 'nonsense' })
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home, env: env() })

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-notify-'))
    server = await startMariadb()
    await server.run('CREATE DATABASE shop; CREATE TABLE shop.tell_nobody (a INT)')
    // What hangs takes the request and never answers.
    listener = await startListener(({ path }, response) => {
      if (path !== '/hangs') response.end('ok')
    })
    config = join(home, 'lifeboat.yaml')
    await mkdir(join(home, 'metrics'))
    await writeFile(join(home, 'hook'), `${listener.url}/hook\n`, { mode: 0o600 })
    await writeFile(join(home, 'hangs'), `${listener.url}/hangs\n`, { mode: 0o600 })
    await writeFile(
      config,
      `version: 1
sinks: { near: { url: file://${home}/near } }
metrics: { textfile: ${home}/metrics/lifeboat.prom }
notify:
  watch: { type: healthchecks, url: env:HC_URL }
  hook: { type: webhook, url: file:${home}/hook }
  hangs: { type: slack, url: file:${home}/hangs, on: [start] }
  unset: { type: slack, url: env:NOT_SET_ANYWHERE }
defaults: { sinks: [near], encryption: false, classification: development, notify: [watch, hook] }
jobs:
  shop:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
    notify: [watch, hook, hangs, unset]
  broken:
    source: { url: 'mysql://nobody@127.0.0.1:1?tls=disable', password: env:DB_PASSWORD }
`,
    )
  })
  afterAll(async () => {
    await listener?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('tell how each job went, and never fail one', async () => {
    const ran = await run('dump', '--all', '--json')
    expect(ran).toMatchObject({ exitCode: 12, stderr: '' })
    const { jobs, warnings } = JSON.parse(ran.stdout) as {
      jobs: { ok: boolean; id?: string }[]
      warnings: { message: string }[]
    }
    expect(jobs.map(({ ok }) => ok)).toEqual([true, false])
    const told = warnings.map(({ message }) => message)
    expect(told).toContain("unable to tell 'hangs' of the start of job 'shop': no answer within 5 s")
    expect(told).toContainEqual(expect.stringMatching(/^nobody is told by 'unset': .*NOT_SET_ANYWHERE/))

    const paths = listener.heard.map(({ path }) => path)
    // The job that never got to its database has no start.
    expect(paths.filter((path) => path.startsWith('/hc/'))).toEqual(['/hc/start', '/hc/0', '/hc/12'])
    const events = listener.heard.filter(({ path }) => path === '/hook').map(({ body }) => JSON.parse(body))
    expect(events).toMatchObject([
      { event: 'dump.success', job: 'shop', exitCode: 0, backup: { id: jobs[0]?.id } },
      { event: 'dump.failure', job: 'broken', exitCode: 12, code: 'engine-unreachable' },
    ])
    expect(listener.heard.map(({ body }) => body).join('\n')).not.toMatch(/tell_nobody|127\.0\.0\.1|mysql:/)
  })

  test('metrics say how each job went, and what verify found', async () => {
    const read = async () => readPrometheusText(await readFile(`${home}/metrics/lifeboat.prom`, 'utf8'))
    const dumped = await read()
    const value = (name: string) => dumped.get(`lifeboat_${name}`)?.samples
    expect(value('last_run_exit_code')).toEqual(
      new Map([
        ['job=broken', 12],
        ['job=shop', 0],
      ]),
    )
    for (const name of [
      'last_success_plain_bytes',
      'last_success_stored_bytes',
      'newest_backup_timestamp_seconds',
    ])
      expect(value(name)).toEqual(new Map([['job=shop', expect.any(Number)]]))

    const verified = await run('verify', '--all', '--newest-age', '1h', '--at', 'near')
    expect(verified).toMatchObject({ exitCode: 31 })
    const sink = `file://${home}/near`
    expect((await read()).get('lifeboat_last_verify_exit_code')?.samples).toEqual(
      new Map([
        [`job=broken,sink=${sink}`, 31],
        [`job=shop,sink=${sink}`, 0],
      ]),
    )
    await run('verify', '--at', 'near', '--job', 'broken')
    const found = await read()
    expect(found.get('lifeboat_last_verify_exit_code')?.samples.get(`job=broken,sink=${sink}`)).toBe(21)
    expect(found.get('lifeboat_last_verify_good_backups')?.samples.get(`job=shop,sink=${sink}`)).toBe(1)
    expect(found.get('lifeboat_last_run_exit_code')?.samples.get('job=shop')).toBe(0)
  })

  test('metrics that can not be written fail nothing', async () => {
    const other = join(home, 'other.yaml')
    await writeFile(other, (await readFile(config, 'utf8')).replace('/metrics/', '/misspelt/'))
    const args = ['verify', '--at', 'near', '--job', 'shop', '--config', other, '--json']
    const ran = await runLifeboat(args, { home, env: env() })
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(ran.stdout).warnings).toMatchObject([
      { message: expect.stringMatching(/unable to write metrics '.*misspelt/) },
    ])
  })

  test('config check finds what a channel lacks', async () => {
    const wrong = join(home, 'wrong.yaml')
    const jobs =
      "jobs: { shop: { source: 'mysql://x', classification: development, encryption: false, sinks: [near], notify: [ops] } }"
    const check = async (notify: string) => {
      const sinks = 'sinks: { near: { url: file:///x } }'
      await writeFile(wrong, `version: 1\n${sinks}\nnotify: { ${notify} }\n${jobs}\n`)
      return (await runLifeboat(['config', 'check', '--config', wrong], { home })).stderr
    }
    expect(await check('opps: { type: slack, url: env:X }')).toMatch(/no notification 'ops'[\s\S]*'opps'/)
    expect(await check('ops: { type: slack }')).toMatch(/notify\.ops has no url/)
    expect(await check('ops: { type: pagerduty, url: env:X }')).toMatch(/notify\.ops has no key/)
    expect(await check('ops: { type: slack, url: env:X, key: env:Y }')).toMatch(/slack does not take/)
    expect(await check("ops: { type: slack, url: 'prompt:' }")).toMatch(/at the terminal/)
    expect(await check('ops: { type: slack, url: https://example.com }')).toMatch(/reference to the secret/)
    expect(await check('ops: { type: pagerduty, key: env:X, on: [start] }')).toMatch(/has no event for/)
  })
})
