import { execFile, spawn } from 'node:child_process'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { once } from '../../../../src/core/bytes.ts'
import { Secret } from '../../../../src/core/secret.ts'
import type { SshSinkOptions } from '../../../../src/sinks/ssh/index.ts'
import { lacks } from '../../../testbed/requirement.ts'
import { openSshSink } from '../../../testbed/ssh-sink.ts'
import { hasOwnAccounts, type KeyType, type Sshd, startSshd } from '../../../testbed/sshd.ts'

const run = promisify(execFile)
const { signal } = new AbortController()
const ownAccounts = await hasOwnAccounts()

/** Logs in, writes, and reads back. */
async function use(server: Sshd, changes: Partial<SshSinkOptions>): Promise<string> {
  await using sink = openSshSink(server, server.objects, changes)
  await sink.write('hello', once(Buffer.from('world')), { signal })
  return Buffer.from(await sink.read('hello', { offset: 0, bytes: 5 }, signal)).toString()
}

describe.skipIf(lacks('ssh'))('logging in', () => {
  let server: Sshd
  beforeAll(async () => {
    server = await startSshd({
      hostKeys: ['ed25519', 'ecdsa', 'rsa'],
      config: ['MaxAuthTries 4'],
      ...(ownAccounts && { password: 'correct horse' }),
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const types: readonly KeyType[] = ['ed25519', 'ecdsa', 'rsa']

  describe('with a key file', () => {
    test.for(types)('of type %s', async (type) => {
      const identity = await server.newKey(`plain_${type}`, type)
      await server.authorize(identity)
      expect(await use(server, { identities: [identity] })).toBe('world')
    })

    test.for(types)('of type %s, encrypted', async (type) => {
      const identity = await server.newKey(`encrypted_${type}`, type, 'open sesame')
      await server.authorize(identity)
      const passphrase = async () => new Secret('open sesame')
      expect(await use(server, { identities: [identity], passphrase })).toBe('world')
      await expect(use(server, { identities: [identity] })).rejects.toMatchObject({
        code: 'sink-denied',
        message: expect.stringContaining('no passphrase was given'),
        hint: expect.stringContaining('--sink-passphrase'),
      })
      const wrong = use(server, { identities: [identity], passphrase: async () => new Secret('abracadabra') })
      await expect(wrong).rejects.toMatchObject({ code: 'sink-denied' })
      await expect(wrong).rejects.not.toMatchObject({ message: expect.stringContaining('abracadabra') })
    })

    test('that is the usual one of the home folder', async () => {
      const identity = await server.newKey('usual')
      await server.authorize(identity)
      await run('mkdir', ['-p', join(server.folder, '.ssh')])
      await rename(identity, join(server.folder, '.ssh', 'id_ed25519'))
      expect(await use(server, { identities: [] })).toBe('world')
      await rm(join(server.folder, '.ssh'), { recursive: true })
    })

    test('that is not there, or is none', async () => {
      for (const file of ['/no/such/key', server.knownHosts, `${server.identity}.pub`]) {
        await expect(use(server, { identities: [file] })).rejects.toMatchObject({
          code: 'sink-denied',
          message: expect.stringContaining(file),
        })
      }
    })
  })

  test('a key that is not accepted is named, with its fingerprint', async () => {
    const identity = await server.newKey('stranger')
    const { stdout } = await run('ssh-keygen', ['-lf', `${identity}.pub`])
    await expect(use(server, { identities: [identity] })).rejects.toMatchObject({
      code: 'sink-denied',
      message: expect.stringContaining(stdout.split(' ')[1] ?? ''),
      hint: expect.stringContaining('authorized_keys'),
    })
  })

  test('too many keys are called that', async () => {
    const identities = await Promise.all([1, 2, 3, 4, 5].map((number) => server.newKey(`many_${number}`)))
    await expect(use(server, { identities })).rejects.toMatchObject({
      code: 'sink-denied',
      message: expect.stringContaining('too many keys'),
    })
  })

  test('without anything to try, nothing is tried', async () => {
    await expect(use(server, { identities: [] })).rejects.toMatchObject({
      code: 'sink-denied',
      message: expect.stringContaining('no usable key'),
    })
  })

  describe('with a certificate', () => {
    test.for(types)('for a key of type %s', async (type) => {
      const identity = await server.newKey(`certified_${type}`, type)
      await expect(use(server, { identities: [identity] })).rejects.toMatchObject({ code: 'sink-denied' })
      const certificate = await server.certify(identity)
      // Beside the key it is found; elsewhere it is named.
      expect(await use(server, { identities: [identity] })).toBe('world')
      const elsewhere = join(server.folder, `elsewhere_${type}.pub`)
      await rename(certificate, elsewhere)
      expect(await use(server, { identities: [identity], certificates: [elsewhere] })).toBe('world')
    })

    test('of another key, or that is none, says so', async () => {
      const [identity, other] = [await server.newKey('mine'), await server.newKey('theirs')]
      const certificate = await server.certify(other)
      await expect(
        use(server, { identities: [identity], certificates: [certificate] }),
      ).rejects.toMatchObject({
        code: 'sink-denied',
        message: expect.stringContaining(certificate),
      })
      const none = use(server, { identities: [identity], certificates: [`${identity}.pub`] })
      await expect(none).rejects.toMatchObject({
        message: expect.stringContaining('not an OpenSSH certificate'),
      })
    })
  })

  describe('with an agent', () => {
    let socket: string
    let agent: ReturnType<typeof spawn>
    beforeEach(async () => {
      socket = join(server.folder, 'agent.sock')
      agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
      // It prints its socket once it listens.
      await new Promise((resolve) => agent.stdout?.once('data', resolve))
    })
    afterEach(async () => {
      const ended = new Promise((resolve) => agent.once('exit', resolve))
      agent.kill()
      await ended
      await rm(socket, { force: true })
    })
    const add = (identity: string) =>
      run('ssh-add', ['-q', identity], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    const useAgent = (changes: Partial<SshSinkOptions> = {}) =>
      use(server, { identities: [], agent: undefined, agentSocket: socket, ...changes })

    test.for(types)('that holds a key of type %s', async (type) => {
      const identity = await server.newKey(`agent_${type}`, type)
      await server.authorize(identity)
      await add(identity)
      expect(await useAgent()).toBe('world')
      expect(await use(server, { identities: [], agent: socket })).toBe('world')
    })

    test.for(types)('that holds a certificate for a key of type %s', async (type) => {
      const identity = await server.newKey(`agent_certified_${type}`, type)
      await server.certify(identity)
      await add(identity)
      expect(await useAgent()).toBe('world')
    })

    test('that holds the key of a certificate file', async () => {
      const identity = await server.newKey('agent_half')
      await add(identity)
      const certificate = await server.certify(identity)
      expect(await useAgent({ certificates: [certificate] })).toBe('world')
    })

    test('that is not there, or is switched off', async () => {
      await expect(useAgent({ agentSocket: join(server.folder, 'none.sock') })).rejects.toMatchObject({
        code: 'sink-denied',
        hint: expect.stringContaining('ssh-add -l'),
      })
      await add(server.identity)
      await expect(useAgent({ agent: 'none' })).rejects.toMatchObject({
        message: expect.stringContaining('no usable key'),
      })
    })
  })

  describe.skipIf(!ownAccounts)('with a password', () => {
    test('that is right', async () => {
      expect(await use(server, { identities: [], password: async () => new Secret('correct horse') })).toBe(
        'world',
      )
    })

    test('that is wrong, which is not repeated', async () => {
      const attempt = use(server, { identities: [], password: async () => new Secret('battery staple') })
      await expect(attempt).rejects.toMatchObject({
        code: 'sink-denied',
        message: expect.stringContaining('the password'),
      })
      await expect(attempt).rejects.not.toMatchObject({ message: expect.stringContaining('battery staple') })
    })
  })

  describe('checks the host key', () => {
    const knownHosts = async (text: string) => {
      const file = join(server.folder, 'other_known_hosts')
      await writeFile(file, text)
      return file
    }
    const lines = async () => (await readFile(server.knownHosts, 'utf8')).trim().split('\n')

    test.for([0, 1, 2])('and asks for the type that is known: line %i', async (number) => {
      expect(await use(server, { knownHosts: await knownHosts((await lines())[number] ?? '') })).toBe('world')
    })

    test('and refuses an unknown one, with its fingerprint and how to add it', async () => {
      const { stdout } = await run('ssh-keygen', ['-lf', join(server.folder, 'host_ed25519.pub')])
      const file = await knownHosts('')
      await expect(use(server, { knownHosts: file })).rejects.toMatchObject({
        code: 'sink-denied',
        message: expect.stringContaining(stdout.split(' ')[1] ?? ''),
        hint: expect.stringContaining(`ssh-keyscan -p ${server.port} -t ed25519 127.0.0.1 >> ${file}`),
      })
    })

    test('and adding it as the hint says is enough', async () => {
      const file = await knownHosts('')
      const { stdout } = await run('ssh-keyscan', ['-p', String(server.port), '-t', 'ed25519', '127.0.0.1'])
      await writeFile(file, stdout)
      expect(await use(server, { knownHosts: file })).toBe('world')
    })

    test('and refuses a changed one loudly', async () => {
      const stranger = await readFile(`${server.identity}.pub`, 'utf8')
      const file = await knownHosts(`[127.0.0.1]:${server.port} ${stranger}`)
      await expect(use(server, { knownHosts: file })).rejects.toMatchObject({
        code: 'sink-denied',
        message: expect.stringContaining('ANOTHER KEY'),
        hint: expect.stringContaining(`-R '[127.0.0.1]:${server.port}'`),
      })
    })

    test('and refuses a revoked one', async () => {
      const all = await lines()
      const file = await knownHosts([...all, ...all.map((line) => `@revoked ${line}`)].join('\n'))
      await expect(use(server, { knownHosts: file })).rejects.toMatchObject({
        message: expect.stringContaining('revoked'),
      })
    })

    test('and says that an authority does not help', async () => {
      const file = await knownHosts((await lines()).map((line) => `@cert-authority ${line}`).join('\n'))
      await expect(use(server, { knownHosts: file })).rejects.toMatchObject({
        message: expect.stringContaining('host certificates are not supported'),
      })
    })
  })

  test.skipIf(!ownAccounts)('a path below the remote home', async () => {
    await using sink = openSshSink(server, '/~/below/home')
    await sink.write('a/b', once(Buffer.from('x')), { signal })
    expect(await sink.stat('a/b', signal)).toMatchObject({ bytes: 1 })
    expect(sink.name).toContain('/~/below/home')
    await sink.delete(['a/b'], signal)
  })
})
