import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
let keys: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-doctor-'))
  keys = join(home, 'keys')
  const made = await runLifeboat(
    ['keygen', '--name', 'one', '--out', keys, '--passphrase', 'env:PW', '--json'],
    {
      home,
      env: { PW: 'open sesame' },
    },
  )
  expect(made).toMatchObject({ exitCode: 0, stderr: '' })
})
afterAll(() => rm(home, { recursive: true, force: true }))

interface Check {
  readonly level: string
  readonly topic: string
  readonly message: string
  readonly hint: string | null
  readonly code: string | null
}

async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const run = await runLifeboat(['doctor', ...args, '--json'], { home, env })
  const report = JSON.parse(run.stdout) as { ok: boolean; exitCode: number; checks: Check[] }
  expect(run.stderr).toBe('')
  expect(run.exitCode).toBe(report.exitCode)
  for (const check of report.checks) {
    if (check.level !== 'ok') expect(check.hint).toMatch(/\S/)
    expect(check.code === null).toBe(check.level !== 'failure')
  }
  return { ...report, of: (topic: string) => report.checks.filter((check) => check.topic === topic) }
}

describe('keygen', () => {
  test('keeps the secret half and the revocation to its owner, and names what to keep off this machine', async () => {
    const run = await runLifeboat(['keygen', '--name', 'open', '--out', keys, '--no-passphrase'], { home })
    expect(run.exitCode).toBe(0)
    expect(run.stderr).toMatch(/warning: .*open\.sec\.asc is not protected by a passphrase/)
    expect(run.stdout).toMatch(/open\.sec\.asc\n.*OFF this machine[\s\S]*lifeboat restore latest/)
    const modes = ['pub', 'sec', 'rev'].map(
      async (half) => (await stat(join(keys, `open.${half}.asc`))).mode & 0o777,
    )
    expect(await Promise.all(modes)).toEqual([0o644, 0o600, 0o600])
  })

  test('never replaces a key, not even one of whose files only one is left', async () => {
    const other = join(home, 'other')
    await mkdir(other)
    await writeFile(join(other, 'one.rev.asc'), 'mine')
    const run = await runLifeboat(['keygen', '--name', 'one', '--out', other, '--no-passphrase'], { home })
    expect(run.stderr).toMatch(/already there\nhint: A key is never replaced/)
    expect(run.exitCode).toBe(3)
    expect(await readdir(other)).toEqual(['one.rev.asc'])
    expect(await readFile(join(other, 'one.rev.asc'), 'utf8')).toBe('mine')
  })
})

describe('doctor', () => {
  test('writes to the sink, tries the key on the recipient, and leaves nothing behind', async () => {
    const sink = join(home, 'sink')
    const report = await doctor(
      [
        ...['--to', `file://${sink}`, '--recipient', join(keys, 'one.pub.asc')],
        ...['--key', join(keys, 'one.sec.asc'), '--passphrase', 'env:PW'],
      ],
      { PW: 'open sesame' },
    )
    expect(report).toMatchObject({ ok: true, exitCode: 0 })
    expect(report.of('sink')).toMatchObject([
      { level: 'ok', message: expect.stringContaining('read back and deleted') },
    ])
    for (const topic of ['clock', 'room', 'state folder', 'secrets folder', 'recipient', 'secret key']) {
      expect(report.of(topic)).toMatchObject([{ level: 'ok' }])
    }
    expect(await readdir(sink, { recursive: true })).toEqual([])
  })

  test('goes on after failures, and ends with the code of the first', async () => {
    const report = await doctor([
      ...['--from', 'mysq://user@h', '--to', 's4://bucket', '--recipient', join(keys, 'none.asc')],
      ...['--recipient', join(keys, 'one.sec.asc'), '--recipient', join(keys, 'one.pub.asc')],
    ])
    expect(report).toMatchObject({ ok: false, exitCode: 2 })
    const failures = report.checks.filter(({ level }) => level === 'failure')
    expect(failures.map(({ topic, code }) => [topic, code])).toEqual([
      ['database', 'usage'],
      ['sink', 'usage'],
      ['recipient', 'key-unusable'],
      ['recipient', 'key-unusable'],
    ])
    expect(report.of('recipient').at(-1)).toMatchObject({ level: 'ok' })
  })

  test('knows a wrong passphrase', async () => {
    const args = ['--recipient', join(keys, 'one.pub.asc'), '--key', join(keys, 'one.sec.asc')]
    const report = await doctor([...args, '--passphrase', 'env:PW'], { PW: 'close sesame' })
    expect(report.exitCode).toBe(30)
    expect(report.of('secret key')).toMatchObject([{ level: 'failure', code: 'key-unusable' }])
    expect(JSON.stringify(report)).not.toContain('close sesame')
  })

  test('knows a machine without tools', async () => {
    const report = await doctor([], { PATH: join(home, 'no-tools') })
    expect(report).toMatchObject({ ok: true, exitCode: 0 })
    for (const topic of ['mariadb-dump', 'pg_dump', 'psql', 'gpg']) {
      expect(report.of(topic)).toMatchObject([
        { level: 'warning', hint: expect.stringContaining('apt-get install') },
      ])
    }
  })

  test('knows a state folder that can not be made', async () => {
    const report = await doctor(['--to', `file://${join(home, 'sink')}`], {
      LIFEBOAT_STATE_DIR: join(keys, 'one.pub.asc', 'state'),
    })
    expect(report.of('state folder')).toMatchObject([
      { level: 'failure', code: 'config', hint: expect.stringContaining('LIFEBOAT_STATE_DIR') },
    ])
    expect(report.exitCode).toBe(3)
  })

  test('knows a sink without backups', async () => {
    await mkdir(join(home, 'empty'))
    const report = await doctor(['--at', `file://${join(home, 'empty')}`])
    expect(report.exitCode).toBe(21)
    expect(report.of('sink')).toMatchObject([{ level: 'failure', code: 'sink-not-found' }])
  })

  test('for people: one line each, what to do below it, and a count', async () => {
    const run = await runLifeboat(['doctor', '--recipient', join(keys, 'none.asc')], { home })
    expect(run.exitCode).toBe(30)
    expect(run.stdout).toMatch(/^ok {7}clock: 20/)
    expect(run.stdout).toMatch(
      /\nfailure {2}recipient: .*no such file\n {9}hint: \S.*\n\d+ ok, \d+ warnings?, 1 failure$/,
    )
  })
})
