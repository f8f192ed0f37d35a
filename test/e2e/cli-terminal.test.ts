import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat, startLifeboatInTerminal } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-terminal-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

type Run = ReturnType<typeof startLifeboatInTerminal>

/** Resolves when the terminal has shown a text so many times. */
function shown(run: Run, text: string, times = 1): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = ''
    run.stdout.on('data', (bytes: Buffer) => {
      seen += bytes.toString()
      if (seen.split(text).length > times) resolve()
    })
    run.finally(() => reject(new Error(`'${text}' was not shown ${times} times: ${seen}`)))
  })
}

const keygen = (name: string) => [
  'keygen',
  '--name',
  name,
  '--out',
  join(home, 'keys'),
  '--passphrase',
  'prompt:',
]

describe('prompt:', () => {
  test('asks twice for a new secret, and shows nothing of it', async () => {
    const run = startLifeboatInTerminal(keygen('typed'), { home })
    await shown(run, "new passphrase for key 'typed': ")
    const again = shown(run, 'once more: ')
    // Typed with a mistake, which is taken back; then a line that is thrown away as a whole.
    run.stdin.write('oops\x15hunter3\x7f2ö\r')
    await again
    run.stdin.write('hunter2ö\r')
    const { exitCode, stdout } = await run
    expect(stdout).toContain('Keep it OFF this machine')
    expect(stdout).not.toMatch(/hunter|oops/)
    expect(exitCode).toBe(0)
    const opened = await runLifeboat(
      [
        'doctor',
        '--recipient',
        join(home, 'keys/typed.pub.asc'),
        '--key',
        join(home, 'keys/typed.sec.asc'),
        '--passphrase',
        'env:TYPED',
        '--json',
      ],
      { home, env: { TYPED: 'hunter2ö' } },
    )
    expect(JSON.parse(opened.stdout)).toMatchObject({ ok: true })
  })

  test('refuses two that differ, and writes no key', async () => {
    const run = startLifeboatInTerminal(keygen('differ'), { home })
    await shown(run, "key 'differ': ")
    const again = shown(run, 'once more: ')
    run.stdin.write('one\r')
    await again
    run.stdin.write('two\r')
    const { exitCode, stdout } = await run
    // Wherever the terminal's edge breaks the line.
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/the two that were typed differ.*hint:/)
    expect(exitCode).toBe(3)
    await expect(readFile(join(home, 'keys/differ.sec.asc'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('gives the terminal back after Ctrl-C', async () => {
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const words = [process.execPath, main, ...keygen('stopped')].map((word) => `'${word}'`).join(' ')
    const run = startLifeboatInTerminal([], { home, command: `${words}; echo "exit $?"; stty -a` })
    await shown(run, "key 'stopped': ")
    run.stdin.write('half\x03')
    const { stdout } = await run
    expect(stdout).toMatch(/interrupted by Ctrl-C[\s\S]*hint:[\s\S]*exit 130/)
    expect(stdout).toMatch(/ icanon[\s\S]* echo /)
    expect(stdout).not.toContain('half')
  })

  test('says what to do where there is no terminal', async () => {
    const run = await runLifeboat(keygen('nobody'), { home, detached: true })
    expect(run.stderr).toMatch(/unable to ask for the new passphrase.*there is no terminal\nhint: .*env:NAME/)
    expect(run.exitCode).toBe(3)
  })
})

describe('colours', () => {
  test('are for terminals only, and NO_COLOR turns them off', async () => {
    const colored = await startLifeboatInTerminal(['dmup'], { home })
    expect(colored.stdout).toContain('\x1b[31merror:\x1b[0m')
    const plain = await startLifeboatInTerminal(['dmup'], { home, env: { NO_COLOR: '1' } })
    expect(plain.stdout).toContain('error: ')
    expect(plain.stdout).not.toContain('\x1b[3')
    const piped = await runLifeboat(['dmup'], { home })
    expect(piped.stderr).not.toContain('\x1b')
  })
})
