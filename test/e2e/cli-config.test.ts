import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'

describe.skipIf(lacks('mariadb'))('the configuration', () => {
  let home: string
  let server: Awaited<ReturnType<typeof startMariadb>>
  let config: string
  const env = () => ({ DB_PASSWORD: server.password, KEY_PASSPHRASE: 'open sesame' })
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home, env: env() })
  const list = async (place: string, job: string) => {
    const listed = await runLifeboat(
      ['list', '--at', `${home}/${place}`.replace(/^/, 'file://'), '--job', job, '--json'],
      { home },
    )
    return listed.exitCode === 21 ? [] : (JSON.parse(listed.stdout) as { backups: { id: string }[] }).backups
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-config-'))
    server = await startMariadb()
    await server.run('CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1), (2);')
    const keys = ['keygen', '--name', 'ops', '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
    expect(await runLifeboat(keys, { home, env: env() })).toMatchObject({ exitCode: 0 })
    config = join(home, 'lifeboat.yaml')
    await writeFile(
      config,
      `version: 1
keys:
  ops: { public: ${home}/keys/ops.pub.asc }
sinks:
  one: { url: file://${home}/one }
  two: { url: file://${home}/two }
defaults:
  recipients: [ops]
  sinks: [one, two]
  codec: zstd
  classification: development
jobs:
  shop:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
  broken:
    source: { url: 'mysql://nobody@127.0.0.1:1?tls=disable', password: env:DB_PASSWORD }
    sinks: [one]
  again:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
    sinks: [two]
`,
    )
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('check explains each job, and has no mistake to tell', async () => {
    const checked = await run('config', 'check')
    expect(checked).toMatchObject({ exitCode: 0, stderr: '' })
    expect(checked.stdout).toMatch(/^shop\n {2}class +development\b.*\n {2}dumps +mariadb:\/\//s)
    expect(checked.stdout).toContain(`copied to two (file://${home}/two)`)
    const { jobs } = JSON.parse((await run('config', 'check', '--json')).stdout) as {
      jobs: { job: string }[]
    }
    expect(jobs.map(({ job }) => job)).toEqual(['shop', 'broken', 'again'])
  })

  test('a job is dumped to its first sink and copied to the other; each copy restores by itself', async () => {
    const ran = await run('dump', 'shop', '--json')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    const { id, job, stages, copies } = JSON.parse(ran.stdout)
    expect({ job, stages }).toEqual({ job: 'shop', stages: ['zstd', 'openpgp'] })
    expect(copies).toEqual([{ sink: `file://${home}/two`, bytes: expect.any(Number) }])
    for (const place of ['one', 'two']) {
      expect((await list(place, 'shop')).map((backup) => backup.id)).toEqual([id])
      const deep = ['verify', id, '--at', `file://${home}/${place}`, '--job', 'shop', '--deep', '--json']
      const key = ['--key', `${home}/keys/ops.sec.asc`, '--passphrase', 'env:KEY_PASSPHRASE']
      expect(await runLifeboat([...deep, ...key], { home, env: env() })).toMatchObject({ exitCode: 0 })
    }
  })

  test('goes to one sink of the file alone where --to names it, as when the first one is dead', async () => {
    const dumped = await run('dump', 'again', '--to', 'one', '--json')
    expect(JSON.parse(dumped.stdout)).toMatchObject({ sink: `file://${home}/one`, copies: [] })
    expect(await run('dump', 'again', '--to', 'onee')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("Did you mean 'one'?"),
    })
  })

  test('a flag wins over the file', async () => {
    const ran = await run('dump', 'shop', '--to', `file://${home}/three`, '--codec', 'none', '--json')
    expect(JSON.parse(ran.stdout)).toMatchObject({
      sink: `file://${home}/three`,
      copies: [],
      stages: ['openpgp'],
    })
  })

  test('with a signing key every dump is signed, and verify and restore demand it', async () => {
    const signing = join(home, 'signing.yaml')
    const made = [
      'keygen',
      '--name',
      'signer',
      '--out',
      `${home}/keys`,
      '--passphrase',
      'env:KEY_PASSPHRASE',
      '--json',
    ]
    const { fingerprint } = JSON.parse((await runLifeboat(made, { home, env: env() })).stdout)
    await writeFile(
      signing,
      `${await readFile(config, 'utf8')}
signing: { key: signer }
signers: [signer]
`.replace(
        'keys:\n',
        `keys:\n  signer: { public: ${home}/keys/signer.pub.asc, secret: ${home}/keys/signer.sec.asc, passphrase: 'env:KEY_PASSPHRASE' }\n`,
      ),
    )
    const signed = (...args: string[]) => runLifeboat([...args, '--config', signing], { home, env: env() })
    const dumped = await signed('dump', 'again', '--json')
    expect(dumped).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(dumped.stdout).signer).toBe(fingerprint)
    const at = ['--at', `file://${home}/two`, '--job', 'again']
    const verified = await signed('verify', ...at, '--json')
    expect(JSON.parse(verified.stdout).signedBy).toBe(fingerprint)

    const unsigned = await run('dump', 'again', '--json')
    const { id } = JSON.parse(unsigned.stdout)
    expect(await signed('verify', ...at)).toMatchObject({
      exitCode: 32,
      stderr: expect.stringMatching(/it is not signed\nhint: [\s\S]*--unsigned-ok/),
    })
    expect(await signed('verify', ...at, '--unsigned-ok')).toMatchObject({ exitCode: 0 })
    const listed = await signed('list', ...at, '--json')
    const { backups } = JSON.parse(listed.stdout) as { backups: { id: string; usable: boolean }[] }
    expect(backups.find((backup) => backup.id === id)).toMatchObject({ usable: false })
    expect(backups.filter(({ usable }) => usable).map((backup) => backup.id)).toEqual([
      JSON.parse(dumped.stdout).id,
    ])
    // The flag says the same without any file.
    const flag = ['verify', id, ...at, '--signer', `${home}/keys/signer.pub.asc`]
    expect(await runLifeboat(flag, { home })).toMatchObject({ exitCode: 32 })
  })

  test('--all goes on after a job that fails, and ends with its exit code', async () => {
    const ran = await run('dump', '--all', '--json')
    expect(ran).toMatchObject({ exitCode: 12, stderr: '' })
    const { jobs } = JSON.parse(ran.stdout) as { jobs: { job: string; ok: boolean }[] }
    expect(jobs.map(({ job, ok }) => [job, ok])).toEqual([
      ['shop', true],
      ['broken', false],
      ['again', true],
    ])
    expect(jobs[1]).toMatchObject({ error: { code: 'engine-unreachable', hint: expect.any(String) } })
    const plain = await run('dump', '--all')
    expect(plain.exitCode).toBe(12)
    expect(plain.stderr).toMatch(/error: unable to connect[\s\S]*2 of 3 jobs are dumped; failed: broken/)
    expect(plain.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^shop \d{8}T/),
      expect.stringMatching(/^again \d{8}T/),
    ])
  })

  test.for([
    [['dump', 'shp'], 3, /there is no job 'shp'[\s\S]*Did you mean 'shop'/],
    [['dump', 'shop', '--all'], 2, /--all and job 'shop' contradict/],
    [['dump', 'shop', '--job', 'x'], 2, /both given/],
    [['dump', '--all', '--to', 'file:///x'], 2, /--all and --to contradict/],
    [['config', 'chek'], 2, /chek/],
  ] as const)('%o is refused', async ([args, code, text]) => {
    const ran = await run(...args)
    expect(ran.exitCode).toBe(code)
    expect(ran.stderr).toMatch(text)
  })

  test('without a file it says where one is looked for', async () => {
    const ran = await runLifeboat(['dump', 'shop'], { home })
    expect(ran.exitCode).toBe(3)
    expect(ran.stderr.replaceAll(/\s+/g, ' ')).toContain(`${home}/.config/lifeboat/lifeboat.yaml`)
  })
})
