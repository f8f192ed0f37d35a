import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { lacks } from '../testbed/requirement.ts'

/** At 3 a.m. with a lifeboat.yaml that somebody broke in the afternoon: what it was for can be typed. */
describe.skipIf(lacks('mariadb'))('a configuration that is broken', () => {
  let home: string
  let server: CliServer
  let place: string
  let restore: readonly string[]
  const run = (...args: string[]) =>
    runLifeboat(args, { home, env: { DB_PASSWORD: server.password, KEY_PASSPHRASE: 'open sesame' } })
  /** What the hint of a verb that was stopped by the file says to add, as words. */
  const advice = async (...args: string[]) => {
    const { exitCode, stderr } = await run(...args, '--json')
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('jbos') })
    const { hint } = JSON.parse(stderr).error as { hint: string }
    expect(hint).toMatch(/^Mend the file; or go on without it: add /)
    return hint.match(/--(audit \.\/audit\.jsonl|unsigned-ok|newest-age|job NAME|file FILE)/g) ?? []
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-broken-config-'))
    server = await startCliMariadb()
    await server.seed(10)
    const keys = ['keygen', '--name', 'ops', '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
    expect(await run(...keys)).toMatchObject({ exitCode: 0 })
    place = `file://${home}/near`
    const source = ['--from', server.url, '--password', 'env:DB_PASSWORD']
    const folder = join(home, '.config/lifeboat')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'lifeboat.yaml'), `version: 1\njbos: {}\n`)
    const dump = ['dump', ...source, '--to', place, '--recipient', `${home}/keys/ops.pub.asc`]
    expect(await run(...dump)).toMatchObject({ exitCode: 0 })
    const key = ['--key', `${home}/keys/ops.sec.asc`, '--passphrase', 'env:KEY_PASSPHRASE']
    const into = ['--into', server.url, '--password', 'env:DB_PASSWORD', '--same-server-ok', '--replace']
    restore = ['restore', '--from', place, ...key, ...into]
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('stops a restore with what to type instead of it, and that restores', async () => {
    expect(await advice(...restore)).toEqual(['--audit ./audit.jsonl', '--unsigned-ok'])
    const log = join(home, 'audit.jsonl')
    expect(await advice(...restore, '--audit', log)).toEqual(['--unsigned-ok'])
    expect(await run(...restore, '--audit', log, '--unsigned-ok')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('restored and verified'),
    })
    expect(await readFile(log, 'utf8')).toMatch(/"verb":"restore","exitCode":0/)
  })

  test('stops the other verbs in the same way, and never one that was given all', async () => {
    const all = ['--audit', join(home, 'audit.jsonl'), '--unsigned-ok']
    for (const verb of [
      ['verify', '--at', place],
      ['verify', '--all', '--at', place],
      ['prune', '--at', place, '--keep-last', '1'],
    ]) {
      expect(await advice(...verb)).toEqual(['--audit ./audit.jsonl', '--unsigned-ok'])
      expect(await run(...verb, ...all)).toMatchObject({ exitCode: 0 })
    }
    expect(await advice('keep', 'latest', '--at', place)).toEqual(['--audit ./audit.jsonl'])
    expect(await run('keep', 'latest', '--at', place, ...all.slice(0, 2))).toMatchObject({ exitCode: 0 })
    expect(await advice('list', '--at', place)).toEqual(['--unsigned-ok'])
    expect(await run('list', '--at', place, '--unsigned-ok')).toMatchObject({ exitCode: 0 })
  })

  test('keeps nobody from a dump', async () => {
    const { exitCode, stderr } = await run('dump', 'shop', '--emergency')
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/lifeboat dump --from[\s\S]*reads nothing/),
    })
  })

  test('a sink that it would name is given by its URL', async () => {
    const { exitCode, stderr } = await run('list', '--at', 'near')
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('write the URL of the sink after --at'),
    })
  })
})
