import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { createGpgHome, type GpgHome } from '../testbed/gpg-home.ts'
import { lacks } from '../testbed/requirement.ts'
import { throughProgram } from '../testbed/stock-program.ts'

const PASSPHRASE = 'open sesame'
const NOTHING = Buffer.alloc(0)

/** A key in gpg's agent, which nobody is there to unlock: cron at night, or a card that was pulled out. */
describe.skipIf(lacks('mariadb'))('a signing key that gpg holds', () => {
  let home: string
  let gpg: GpgHome
  let server: CliServer
  let key: string
  const dump = (place: string, ...flags: string[]) =>
    runLifeboat(
      [
        ...['dump', '--from', server.url, '--password', 'env:DB_PASSWORD', '--to', `file://${home}/${place}`],
        ...['--recipient', `${home}/ops.pub.asc`, '--signing-gpg', key, '--json', ...flags],
      ],
      { home, env: { DB_PASSWORD: server.password, GNUPGHOME: gpg.path } },
    )
  const lock = () => throughProgram(NOTHING, 'gpgconf', '--homedir', gpg.path, '--kill', 'all')
  const unlock = () =>
    gpg.run(NOTHING, '--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE, '--detach-sign')

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-signing-gpg-'))
    ;[gpg, server] = await Promise.all([createGpgHome(), startCliMariadb()])
    await server.seed(10)
    await runLifeboat(['keygen', '--name', 'ops', '--out', home, '--no-passphrase'], { home })
    await writeFile(join(gpg.path, 'gpg-agent.conf'), 'pinentry-program /bin/false\n')
    key = gpg.makeKey('signer', 'ed25519', PASSPHRASE)
  })
  afterAll(async () => {
    await Promise.all([gpg?.[Symbol.asyncDispose](), server?.[Symbol.asyncDispose]()])
    await rm(home, { recursive: true, force: true })
  })

  test('is tried before the dump: a locked one costs no hours', async () => {
    lock()
    const { exitCode, stderr } = await dump('locked')
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 30,
      stderr: expect.stringContaining('gpg --sign'),
    })
    expect(await readdir(home)).not.toContain('locked')
  })

  test('signs once it is unlocked', async () => {
    unlock()
    const { exitCode, stdout } = await dump('signed')
    expect({ exitCode, signer: JSON.parse(stdout).signer }).toEqual({ exitCode: 0, signer: key })
  })

  test('is gone without in an emergency', async () => {
    lock()
    const { exitCode, stdout } = await dump('emergency', '--emergency')
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
      exitCode: 0,
      signer: null,
      overridden: ['signing', 'lease'],
    })
  })
})
