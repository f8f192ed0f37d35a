import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { createGpgHome, type GpgHome } from '../testbed/gpg-home.ts'
import { createLine, KEY_PASSPHRASE, type Line } from '../testbed/line.ts'
import { type LinePlace, startFilePlace } from '../testbed/line-places.ts'
import { type LineServer, startLineMariadb } from '../testbed/line-servers.ts'
import { lacks } from '../testbed/requirement.ts'

const ROWS = 300

describe.skipIf(lacks('mariadb', 'gpg'))('a whole line', () => {
  let line: Line
  let source: LineServer
  let target: LineServer
  let place: LinePlace
  let gpg: GpgHome
  let at: string

  beforeAll(async () => {
    ;[line, source, target, place, gpg] = await Promise.all([
      createLine(),
      startLineMariadb(),
      startLineMariadb(),
      startFilePlace(),
      createGpgHome(),
    ])
    await source.seed(ROWS)
  })
  afterAll(async () => {
    await Promise.all([line, source, target, place, gpg].map((each) => each?.[Symbol.asyncDispose]()))
  })
  beforeEach(async () => {
    at = await (await place.newRoot()).url()
  })

  const dump = (...args: string[]) => line.dump(source, source.url, at, { args })
  /** `args` come in place of the key where they name one. */
  async function restore(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const report = await line.restore(target, at, target.url, { args: ['--replace', ...args], env })
    expect(await target.rows()).toBe(ROWS)
    return report
  }
  async function manifest() {
    const { stdout } = await runLifeboat(['list', '--at', at, '--json'], { home: line.home })
    return JSON.parse(stdout).backups[0]
  }
  const recipient = (name: string) => join(line.home, `${name}.pub`)
  /** Makes a key with the gpg program and exports both halves of it to files. */
  async function makeGpgKey(name: string, algorithm: string): Promise<string> {
    const fingerprint = gpg.makeKey(name, algorithm)
    await writeFile(recipient(name), gpg.run(Buffer.alloc(0), '--export', fingerprint))
    const secret = gpg.run(Buffer.alloc(0), '--armor', '--export-secret-keys', fingerprint)
    await writeFile(join(line.home, `${name}.sec`), secret)
    return fingerprint
  }

  test.each(['zstd', 'none'])('--codec %s', async (codec) => {
    await dump('--codec', codec)
    expect(await restore()).toMatchObject({ verified: true })
  })

  test('--no-encryption needs no key, and says what it means', async () => {
    const run = await line.startDump(source, source.url, at, { args: ['--no-encryption'] })
    expect(JSON.parse(run.stdout).warnings).toContainEqual(
      expect.objectContaining({ message: 'this backup is not encrypted' }),
    )
    expect(await manifest()).toMatchObject({ encrypted: false })
    const args = [
      'restore',
      '--json',
      '--from',
      at,
      '--into',
      target.url,
      '--password',
      'env:DB',
      '--replace',
    ]
    const restored = await runLifeboat(args, { home: line.home, env: { DB: target.password } })
    expect(JSON.parse(restored.stdout)).toMatchObject({ verified: true })
    expect(await target.rows()).toBe(ROWS)
  })

  test('--counts off is in the manifest, and a restore does not claim to have counted', async () => {
    await dump('--counts', 'off')
    expect(await manifest()).toMatchObject({ counts: 'off' })
    expect(await restore()).toMatchObject({ verified: false, rows: 0 })
  })

  test('an RSA key made by gpg, from its file and by --gpg out of gpg-agent', async () => {
    await makeGpgKey('rsa', 'rsa3072+rsa3072')
    await dump('--recipient', recipient('rsa'))
    expect(await restore(['--key', join(line.home, 'rsa.sec')])).toMatchObject({ verified: true })
    expect(await restore(['--gpg'], { GNUPGHOME: gpg.path })).toMatchObject({ verified: true })
    const stranger = line.startRestore(target, at, target.url, {
      args: ['--replace', '--gpg'],
      env: { GNUPGHOME: join(line.home, 'nothing-here') },
    })
    await line.failureOf(stranger, 'key-unusable')
  })

  test('of several recipients each restores alone', async () => {
    await makeGpgKey('first', 'ed25519+cv25519')
    const own = join(line.home, 'keys/line.pub.asc')
    await dump('--recipient', recipient('first'), '--recipient', own)
    expect(await restore(['--key', join(line.home, 'first.sec')])).toMatchObject({ verified: true })
    expect(await restore(['--gpg'], { GNUPGHOME: gpg.path })).toMatchObject({ verified: true })
    expect(await restore(line.key, { KEY_PASSPHRASE })).toMatchObject({ verified: true })
  })
})
