import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'

const read = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe.skipIf(lacks('mariadb'))('logs', () => {
  let home: string
  let server: Awaited<ReturnType<typeof startMariadb>>
  let config: string
  const env = () => ({ DB_PASSWORD: server.password })
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home, env: env() })

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-log-'))
    server = await startMariadb()
    await server.run('CREATE DATABASE shop; CREATE TABLE shop.t (a INT)')
    config = join(home, 'lifeboat.yaml')
    await writeFile(
      config,
      `version: 1
sinks: { near: { url: file://${home}/near } }
log: { file: ${home}/lifeboat.log }
defaults: { sinks: [near], encryption: false, classification: development }
jobs:
  shop:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
  broken:
    source: { url: 'mysql://nobody@127.0.0.1:1?tls=disable', password: env:DB_PASSWORD }
`,
    )
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('a file gets an object for each event, and people see what they always see', async () => {
    const ran = await run('dump', '--all')
    expect(ran).toMatchObject({ exitCode: 12, stdout: expect.stringMatching(/^shop \d{8}T/) })
    expect(ran.stderr).toMatch(/^warning: .*not encrypted/m)
    expect(ran.stderr).toMatch(/^error: /m)
    const text = await readFile(join(home, 'lifeboat.log'), 'utf8')
    expect(text).not.toContain(server.password)
    const lines = read(text)
    const of = (job: string) => lines.filter((line) => line.job === job).map(({ event }) => event)
    expect(of('shop')).toEqual(expect.arrayContaining(['probed', 'part-started', 'part-ended', 'warning']))
    expect(of('broken')).toContain('error')
    expect(lines.at(-1)).toMatchObject({ event: 'ended', exitCode: 12, verb: 'dump' })
    expect((await stat(join(home, 'lifeboat.log'))).mode & 0o777).toBe(0o600)
    // The next run adds to it.
    await run('dump', 'shop')
    const more = read(await readFile(join(home, 'lifeboat.log'), 'utf8'))
    expect(more.slice(0, lines.length)).toEqual(lines)
    expect(more.at(-1)).toMatchObject({ event: 'ended', exitCode: 0, job: 'shop' })
  })

  test('a flag wins over the file: all is JSON on stderr, the result is on stdout', async () => {
    const well = await run('dump', 'shop', '--log-format', 'json')
    expect(well).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d{8}T\S+$/) })
    expect(read(well.stderr).at(-1)).toMatchObject({ event: 'ended', exitCode: 0 })
    const failed = await run('dump', 'broken', '--log-format', 'json')
    expect(failed).toMatchObject({ exitCode: 12, stdout: '' })
    expect(read(failed.stderr).slice(-2)).toMatchObject([
      { level: 'error', event: 'error', code: 'engine-unreachable', hint: expect.any(String) },
      { level: 'error', event: 'ended', exitCode: 12 },
    ])
  })

  test('verify logs too', async () => {
    const log = join(home, 'verify.log')
    const ran = await run('verify', '--at', 'near', '--job', 'shop', '--log-file', log)
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^verified/) })
    expect(read(await readFile(log, 'utf8')).at(-1)).toMatchObject({ verb: 'verify', exitCode: 0 })
  })

  test.for(['/misspelt/lifeboat.log', '/near'])(
    'a log that can not be written fails nothing: %s',
    async (path) => {
      const ran = await run('dump', 'shop', '--json', '--log-file', `${home}${path}`)
      expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
      expect(JSON.parse(ran.stdout).warnings).toContainEqual(
        expect.objectContaining({ message: expect.stringMatching(/^unable to write log .*: E/) }),
      )
    },
  )

  test('nor one whose disk is full', async () => {
    const ran = await run('dump', 'shop', '--json', '--log-file', '/dev/full')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    const { warnings } = JSON.parse(ran.stdout) as { warnings: { message: string }[] }
    expect(warnings.filter(({ message }) => message.includes('ENOSPC'))).toHaveLength(1)
  })
})
