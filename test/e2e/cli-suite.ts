import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChildProcess } from '../testbed/child-processes.ts'
import { type CliServer, until } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat, startLifeboatInTerminal } from '../testbed/command-line.ts'
import { descendants, holdTool } from '../testbed/hold-tool.ts'
import { isNoLease } from '../testbed/line-places.ts'

const PASSPHRASE = 'correct horse battery staple'
const ID = /^\d{8}T\d{6}Z-[a-z0-9]{4}$/
const ROWS = 50_000

/** The way of an operator, by the command line alone: keygen, dump, list, verify, restore, and what goes wrong. */
export function describeCommandLine(name: string, start: () => Promise<CliServer>): void {
  describe(`the command line with ${name}`, () => {
    let home: string
    let source: CliServer
    let target: CliServer
    let recipient: string[]
    let key: string[]
    let env: Record<string, string>

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'lifeboat-e2e-'))
      ;[source, target] = await Promise.all([start(), start()])
      env = { DB_PASSWORD: source.password, TARGET_PASSWORD: target.password, KEY_PASSPHRASE: PASSPHRASE }
      await source.seed(ROWS)
      const keygen = [
        'keygen',
        '--name',
        'e2e',
        '--out',
        join(home, 'keys'),
        '--passphrase',
        'env:KEY_PASSPHRASE',
      ]
      expect(await runLifeboat(keygen, { home, env })).toMatchObject({ exitCode: 0 })
      recipient = ['--recipient', join(home, 'keys/e2e.pub.asc')]
      key = ['--key', join(home, 'keys/e2e.sec.asc'), '--passphrase', 'env:KEY_PASSPHRASE']
    })
    afterAll(async () => {
      await Promise.all([source?.[Symbol.asyncDispose](), target?.[Symbol.asyncDispose]()])
      await rm(home, { recursive: true, force: true })
    })

    const sinkOf = (folder: string) => `file://${join(home, folder)}`
    const dumpArgs = (folder: string) => [
      ...['dump', '--from', source.url, '--password', 'env:DB_PASSWORD', '--to', sinkOf(folder)],
      ...recipient,
    ]
    const restoreArgs = (folder: string) => [
      ...['restore', '--from', sinkOf(folder), '--into', target.url, '--password', 'env:TARGET_PASSWORD'],
      ...key,
    ]
    /** Only what a dump refers to: what lifeboat was not told of, it can't keep from its tools. */
    const heldEnv = () => ({ DB_PASSWORD: source.password, ...source.holdEnv })
    const objects = async (folder: string) =>
      (await readdir(join(home, folder), { recursive: true, withFileTypes: true }))
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(home, folder).length + 1))
        // A lease is marked as given back, never removed: its number must not be used again.
        .filter(isNoLease)
        .sort()

    test('dump prints the id alone; list, verify and verify --deep find it; restore proves it', async () => {
      const dump = await runLifeboat(dumpArgs('good'), { home, env })
      expect(dump.stderr).toMatch(/dumped \d+ databases?: .* at file:.* backup \d{8}T/)
      expect(dump.exitCode).toBe(0)
      expect(dump.stdout).toMatch(ID)

      const list = await runLifeboat(['list', '--at', sinkOf('good'), '--json'], { home })
      const { backups } = JSON.parse(list.stdout)
      expect(backups).toMatchObject([{ id: dump.stdout, usable: true, encrypted: true, counts: 'exact' }])
      const table = await runLifeboat(['list', '--at', sinkOf('good')], { home })
      for (const line of table.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
      expect(table.stdout).toContain(dump.stdout)

      const verify = await runLifeboat(['verify', '--at', sinkOf('good')], { home })
      expect(verify).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(`verified ${dump.stdout}`),
      })
      const deep = await runLifeboat(['verify', 'latest', '--at', sinkOf('good'), '--deep', ...key], {
        home,
        env,
      })
      expect(deep).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('decrypted') })

      const restore = await runLifeboat([...restoreArgs('good'), '--json'], { home, env })
      expect(restore.stderr).toBe('')
      expect(JSON.parse(restore.stdout)).toMatchObject({ id: dump.stdout, verified: true })
      expect(await target.look()).toEqual(await source.look())

      const again = await runLifeboat(restoreArgs('good'), { home, env })
      expect(again.stderr).toMatch(/already holds 'shop'[\s\S]*hint: Nothing was changed.*--replace/)
      expect(again.exitCode).toBe(41)
      const replaced = await runLifeboat([...restoreArgs('good'), '--replace'], { home, env })
      expect(replaced.stdout).toMatch(/^restored and verified: .* all counted and equal; backup /)
      expect(replaced.exitCode).toBe(0)
    })

    test('refuses to restore into the server that the dump came from', async () => {
      const args = [
        'restore',
        '--from',
        sinkOf('good'),
        '--into',
        source.url,
        '--password',
        'env:DB_PASSWORD',
      ]
      const run = await runLifeboat([...args, ...key, '--replace'], { home, env })
      expect(run.stderr).toMatch(/the server that the dump came from[\s\S]*hint: Nothing was changed/)
      expect(run.exitCode).toBe(14)
      expect((await source.look()).rows).toBe(ROWS)
    })

    test('a wrong password, key or passphrase has its own exit code and is not repeated', async () => {
      const wrong = 'wr0ng-secret'
      const login = await runLifeboat(dumpArgs('none'), { home, env: { ...env, DB_PASSWORD: wrong } })
      expect(login.stderr).toMatch(/^error: [\s\S]*\nhint: \S/m)
      expect(login.exitCode).toBe(12)
      const locked = await runLifeboat(restoreArgs('good'), { home, env: { ...env, KEY_PASSPHRASE: wrong } })
      expect(locked.exitCode).toBe(30)
      const keyless = await runLifeboat(restoreArgs('good').slice(0, 7), { home, env })
      expect(keyless.stderr).toMatch(/no key was given[\s\S]*hint: .*--key FILE/)
      expect(keyless.exitCode).toBe(30)
      expect(`${login.stderr}${locked.stderr}${keyless.stderr}`).not.toContain(wrong)
    })

    test('doctor sees the database, what is dumped, and the key that opens the backup', async () => {
      const from = await runLifeboat(
        ['doctor', '--from', source.url, '--password', 'env:DB_PASSWORD', '--to', sinkOf('doctor'), '--json'],
        { home, env },
      )
      const report = JSON.parse(from.stdout)
      expect(report.checks.filter(({ level }: { level: string }) => level === 'failure')).toEqual([])
      expect(from.stdout).toMatch(/would be dumped.*'shop'/)
      expect(from.exitCode).toBe(0)
      const at = await runLifeboat(['doctor', '--at', sinkOf('good'), ...key], { home, env })
      expect(at.stdout).toMatch(/opens with this key/)
      expect(at.exitCode).toBe(0)
    })

    test('no secret is in the command line of any process, nor in the environment of any tool', async () => {
      const run = startLifeboat(dumpArgs('secrecy'), { home, env: heldEnv() })
      const held = await holdTool(run.pid, source)
      try {
        const seen = await descendants(run.pid)
        expect(seen.some(({ command }) => source.tool.test(command))).toBe(true)
        expectNoSecrets(seen, run.pid, [source.password, PASSPHRASE])
      } finally {
        held.release()
      }
      expect(await run).toMatchObject({ exitCode: 0 })

      const secrets = { TARGET_PASSWORD: target.password, KEY_PASSPHRASE: PASSPHRASE }
      const restoring = startLifeboat([...restoreArgs('secrecy'), '--replace'], { home, env: secrets })
      let running = true
      const ended = restoring.finally(() => {
        running = false
      })
      const seen: ChildProcess[] = []
      await until(async () => {
        seen.push(...(await descendants(restoring.pid)))
        return !running
      })
      expect(await ended).toMatchObject({ exitCode: 0 })
      expect(seen.length).toBeGreaterThan(0)
      expectNoSecrets(seen, restoring.pid, [target.password, PASSPHRASE])
    })

    test.each([
      ['SIGINT', 130, 'interrupted'],
      ['SIGTERM', 143, 'terminated'],
      ['SIGHUP', 143, 'terminated'],
    ] as const)('%s in the middle of a dump leaves nothing behind', async (signal, exitCode, code) => {
      const run = startLifeboat([...dumpArgs('signals'), '--json'], { home, env: heldEnv() })
      const held = await holdTool(run.pid, source)
      run.kill(signal)
      held.release()
      const ended = await run
      expect(JSON.parse(ended.stderr).error).toMatchObject({ code, exitCode, hint: expect.any(String) })
      expect(ended).toMatchObject({ exitCode, stdout: '' })
      expect(isAlive(held.pid)).toBe(false)
      expect(await objects('signals')).toEqual([])
      expect(await readdir(join(home, 'state/runs'))).toEqual([])
    })

    test('a dump that is killed leaves no backup, and the next one clears away what it left', async () => {
      const run = startLifeboat(dumpArgs('killed'), { home, env: heldEnv() })
      const held = await holdTool(run.pid, source)
      const tools = await descendants(run.pid)
      run.kill('SIGKILL')
      await run
      held.release()
      await until(async () => tools.every(({ pid }) => !isAlive(pid)))
      const left = await objects('killed')
      expect(left.length).toBeGreaterThan(0)
      expect(left.filter((path) => path.includes('/backups/'))).toEqual([])
      expect(await readdir(join(home, 'state/runs'))).toHaveLength(1)
      const list = await runLifeboat(['list', '--at', sinkOf('killed'), '--json'], { home })
      expect(JSON.parse(list.stdout).backups).toEqual([])

      const next = await runLifeboat(dumpArgs('killed'), { home, env })
      expect(next).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(ID) })
      const now = await objects('killed')
      expect(now.filter((path) => !path.includes(next.stdout))).toEqual([])
      expect(await readdir(join(home, 'state/runs'))).toEqual([])
    })

    test('on a terminal it shows progress, and gives the terminal back whole after Ctrl-C', async () => {
      const run = startLifeboatInTerminal(dumpArgs('terminal'), { home, env: heldEnv() })
      let screen = ''
      run.stdout.on('data', (bytes: Buffer) => {
        screen += bytes.toString()
      })
      const held = await holdTool(run.pid, source)
      await until(async () => /part \d.*\/s {2}\d:\d\d/.test(screen))
      run.stdin.write('\x03')
      held.release()
      const { exitCode, stdout } = await run
      expect(stdout).toMatch(/interrupted by Ctrl-C/)
      expect(exitCode).toBe(130)
      // The cursor that was hidden is shown again, and lines wrap again.
      expect(stdout.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?25l'))
      expect(stdout.lastIndexOf('\x1b[?7h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?7l'))
    })
  })
}

function expectNoSecrets(
  seen: readonly ChildProcess[],
  own: number | undefined,
  secrets: readonly string[],
): void {
  for (const { pid, command, environment } of seen) {
    for (const secret of secrets) {
      const bytes = Buffer.from(secret).toString('latin1')
      expect(command).not.toContain(bytes)
      // The agent itself was given them in its environment; nothing that it starts may inherit them.
      if (pid !== own) expect(environment).not.toContain(bytes)
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
