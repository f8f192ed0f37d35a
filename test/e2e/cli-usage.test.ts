import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-cli-'))
  await writeFile(join(home, 'password'), 'hunter2\n', { mode: 0o600 })
})
afterAll(() => rm(home, { recursive: true, force: true }))

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const HEAVY = /node_modules\/(@aws-sdk|openpgp|ssh2|mysql2|pg|zod|execa|cli-progress)\//
const FROM = ['--from', 'mysql://user@db.example.test']
const TO = ['--to', 'file:///nonexistent/lifeboat']
const SECRET = 'hunter2-is-not-a-reference'

/** Arguments, exit code, what stderr says. Nothing of these may reach a server or a sink. */
const MATRIX: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['unknown verb', ['dmup'], 2, /unknown command 'dmup'[\s\S]*hint: Did you mean dump\?/],
  ['unknown option', ['dump', '--form', 'x'], 2, /unknown option '--form'[\s\S]*hint: Did you mean --from\?/],
  [
    'secret in an unknown option',
    ['dump', `--pasword=${SECRET}`],
    2,
    /unknown option '--pasword'\nhint: Did you mean --password\?/,
  ],
  ['option without a value', ['dump', '--from'], 2, /--from <database-url>' argument missing/],
  [
    'flag in place of a value',
    ['dump', '--from', '--to', 'x'],
    2,
    /(argument missing)[\s\S]*Write its value/,
  ],
  ['too many arguments', ['dump', ...FROM, ...TO, 'x'], 2, /too many arguments[\s\S]*hint: Repeat an option/],
  ['dump without --from', ['dump', ...TO, '--no-encryption'], 2, /--from is missing[\s\S]*hint: Add --from/],
  ['dump without --to', ['dump', ...FROM, '--no-encryption'], 2, /--to is missing/],
  [
    'dump without a recipient',
    ['dump', ...FROM, ...TO],
    2,
    /no --recipient[\s\S]*keygen[\s\S]*--no-encryption/,
  ],
  [
    'recipient and no encryption',
    ['dump', ...FROM, ...TO, '--recipient', 'x', '--no-encryption'],
    2,
    /contradict/,
  ],
  ['unknown codec', ['dump', '--codec', 'lzma'], 2, /Allowed choices are gzip, zstd, none/],
  ['level out of range', ['dump', '--level', '0'], 2, /whole number from 1 to 19/],
  ['jobs not a number', ['dump', '--jobs', 'many'], 2, /whole number from 1 to 64/],
  ['duration without a unit', ['dump', '--stall-timeout', '10'], 2, /like 90s, 10m or 2h/],
  ['duration of nothing', ['dump', '--stall-timeout', '0s'], 2, /like 90s, 10m or 2h/],
  ['duration beyond timers', ['dump', '--stall-timeout', '999999h'], 2, /like 90s, 10m or 2h/],
  [
    'level without codec',
    ['dump', ...FROM, ...TO, '--no-encryption', '--codec', 'none', '--level', '3'],
    2,
    /a level with codec none/,
  ],
  ['job name', ['dump', ...FROM, ...TO, '--no-encryption', '--job', '../x'], 2, /job name/],
  [
    'recipient file missing',
    ['dump', ...FROM, ...TO, '--recipient', '/nonexistent/key'],
    30,
    /no such file[\s\S]*hint:/,
  ],
  ['unknown sink', ['list', '--at', 's4://bucket'], 2, /no such sink[\s\S]*Did you mean s3:\/\/\?/],
  ['sink without scheme', ['list', '--at', '/backups'], 2, /hint: Write file:\/\/\/backups/],
  ['sink option', ['list', '--at', 's3://bucket?regoin=x'], 2, /no option 'regoin'[\s\S]*region/],
  [
    'sink that is not there',
    ['list', '--at', 'file:///nonexistent/lifeboat'],
    21,
    /no such folder[\s\S]*hint:/,
  ],
  [
    'unknown database',
    ['dump', '--from', 'mysq://user@h', ...TO, '--no-encryption'],
    2,
    /Did you mean mysql:\/\/\?/,
  ],
  [
    'database without scheme',
    ['dump', '--from', 'db.example.test', ...TO, '--no-encryption'],
    2,
    /does not start with a scheme/,
  ],
  [
    'password in the URL',
    ['dump', '--from', `mysql://user:${SECRET}@h`, ...TO, '--no-encryption'],
    2,
    /holds a password[\s\S]*--password env:NAME/,
  ],
  [
    'secret for a reference',
    ['dump', ...FROM, ...TO, '--no-encryption', '--password', SECRET],
    2,
    /takes a reference[\s\S]*hint: Write --password env:NAME/,
  ],
  [
    'reference of a typo',
    ['dump', ...FROM, ...TO, '--no-encryption', '--password', `evn:${SECRET}`],
    2,
    /takes a reference/,
  ],
  [
    'variable not set',
    ['dump', ...FROM, ...TO, '--no-encryption', '--password', 'env:LB_NONE'],
    3,
    /'LB_NONE' is not set/,
  ],
  ['restore without --into', ['restore', '--from', 'file:///x'], 2, /--into is missing/],
  ['id of no backup', ['verify', 'yesterday', '--at', 'file:///tmp'], 2, /backup id 'yesterday'/],
  ['key without --deep', ['verify', '--at', 'file:///tmp', '--key', 'x'], 2, /without --deep/],
  ['doctor with two databases', ['doctor', ...FROM, '--into', 'mysql://u@h'], 2, /not at both/],
  [
    'keygen without a word on the passphrase',
    ['keygen', '--name', 'a', '--out', '/nonexistent/a'],
    2,
    /passphrase[\s\S]*--no-passphrase/,
  ],
]

describe('what is written wrong', () => {
  test.each(MATRIX)('%s', async (_, args, exitCode, said) => {
    const run = await runLifeboat(args, { home })
    expect(run.stderr).toMatch(said)
    expect(run.stderr).toMatch(/^error: .*\n(?:.*\n)*hint: \S/)
    expect(run.stderr).not.toContain(SECRET)
    expect(run.stderr).not.toMatch(/\n {4}at /)
    expect(run.stdout).toBe('')
    expect(run.exitCode).toBe(exitCode)
  })

  test.each(MATRIX.filter((_, index) => index % 4 === 0))('%s, with --json', async (_, args, exitCode) => {
    const run = await runLifeboat([...args, '--json'], { home })
    const { error, warnings } = JSON.parse(run.stderr)
    expect(error).toMatchObject({ exitCode, message: expect.any(String), details: expect.any(Object) })
    expect(error.hint).toMatch(/\S/)
    expect(warnings).toEqual([])
    expect(run.stderr).not.toContain(SECRET)
    expect(run).toMatchObject({ exitCode, stdout: '' })
  })
})

describe('help', () => {
  test('is named where no verb is given', async () => {
    const run = await runLifeboat([], { home })
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    expect(run.stderr).toMatch(/no verb was given\nhint: .*--help/)
  })

  test('says in two lines what lifeboat is for, on stdout', async () => {
    const run = await runLifeboat(['--help'], { home })
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toContain('Gets databases out of a failing region')
  })

  test.each(['dump', 'list', 'restore', 'verify', 'doctor', 'keygen'])(
    '%s has examples and exit codes',
    async (verb) => {
      const run = await runLifeboat([verb, '--help'], { home })
      expect(run).toMatchObject({ exitCode: 0, stderr: '' })
      expect(run.stdout).toMatch(
        new RegExp(`Examples:\\n {2}lifeboat (keygen|${verb})[\\s\\S]*Exit codes:\\n {2}0 `),
      )
      for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
    },
  )

  test('--version prints the version alone', async () => {
    const run = await runLifeboat(['--version'], { home })
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('loads no driver, SDK or OpenPGP', async () => {
    const register = `import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
    const hooks = `data:text/javascript,${encodeURIComponent(register)}`
    const run = await execa(process.execPath, ['--import', hooks, MAIN, '--help'])
    expect(run.stderr).toContain('/commander/')
    expect(run.stderr.split('\n').filter((line) => HEAVY.test(line))).toEqual([])
  })
})

describe('streams', () => {
  test('a reader that leaves early is no failure', async () => {
    const piped = await execa(
      'bash',
      ['-c', `'${process.execPath}' '${MAIN}' doctor | true; echo "\${PIPESTATUS[0]}"`],
      { reject: false },
    )
    expect(piped.stdout).toBe('0')
    expect(piped.stderr).toBe('')
  })

  test('a full disk under stdout is said', async () => {
    const full = await execa('bash', ['-c', `exec '${process.execPath}' '${MAIN}' doctor > /dev/full`], {
      reject: false,
    })
    expect(full.stderr).toMatch(/unable to print the result: .*ENOSPC/)
    expect(full.exitCode).toBe(3)
  })
})
