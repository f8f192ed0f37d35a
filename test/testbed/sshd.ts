import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

export interface SshdOptions {
  /** Lines added to sshd_config, before all others: the first one counts. */
  readonly config?: readonly string[]
  readonly hostKeys?: readonly KeyType[]
  readonly sftp?: boolean
  /**
   * A password for the logins: root and, with the same rights over `objects` that anybody has, `lifeboat`. Needs root
   * and mount namespaces, as `hasOwnAccounts` tells.
   */
  readonly password?: string
}

export interface Sshd extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Scratch folder of the server; `objects` in it is free for sinks. */
  readonly folder: string
  readonly objects: string
  /** Private key that may log in. */
  readonly identity: string
  readonly knownHosts: string
  /** Makes a key in `folder` that nobody knows yet. */
  newKey(name: string, type?: KeyType, passphrase?: string): Promise<string>
  /** Lets a key log in. */
  authorize(identity: string): Promise<void>
  /** Signs the key as a user certificate that the server trusts; returns the certificate's file. */
  certify(identity: string): Promise<string>
  /** Text of the server's own log so far. */
  log(): string
}

/** A real sshd on loopback with keys of its own, gone at the end. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { hostKeys = ['ed25519'], config = [], password, sftp = true } = options
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-sshd-'))
  const path = (name: string) => join(folder, name)
  const keygen = (...args: readonly string[]) => run('ssh-keygen', ['-q', ...args])
  const newKey = async (name: string, type: KeyType = 'ed25519', passphrase = '') => {
    await keygen(
      '-t',
      type,
      '-N',
      passphrase,
      '-C',
      name,
      '-f',
      path(name),
      ...(type === 'rsa' ? ['-b', '2048'] : []),
    )
    return path(name)
  }
  const authorize = async (identity: string) =>
    writeFile(path('authorized_keys'), await readFile(`${identity}.pub`), { flag: 'a' })

  const port = await freePort()
  await Promise.all([
    newKey('identity'),
    newKey('user_ca'),
    ...hostKeys.map((type) => newKey(`host_${type}`, type)),
  ])
  await authorize(path('identity'))
  const publicKeys = await Promise.all(hostKeys.map((type) => readFile(path(`host_${type}.pub`), 'utf8')))
  await writeFile(path('known_hosts'), publicKeys.map((key) => `[127.0.0.1]:${port} ${key}`).join(''))
  await mkdir(path('objects'))
  await writeFile(
    path('sshd_config'),
    [
      ...config,
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      ...hostKeys.map((type) => `HostKey ${path(`host_${type}`)}`),
      `AuthorizedKeysFile ${path('authorized_keys')}`,
      `TrustedUserCAKeys ${path('user_ca.pub')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      `PasswordAuthentication ${password === undefined ? 'no' : 'yes'}`,
      'KbdInteractiveAuthentication no',
      ...(sftp ? ['Subsystem sftp internal-sftp'] : []),
      '',
    ].join('\n'),
  )
  // Other accounts must reach their keys and the objects.
  await chmod(folder, 0o755)
  const own = await hasOwnAccounts()
  if (password !== undefined && !own) throw new Error('a password needs root and mount namespaces')
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const command = ['/usr/sbin/sshd', '-D', '-e', '-f', path('sshd_config')]
  const server = own
    ? start(['unshare', '--mount', 'sh', '-ec', await accountsScript(folder, password), 'sh', ...command])
    : start(command)
  try {
    await server.listening
  } catch (thrown) {
    await server.stop()
    await rm(folder, { recursive: true })
    throw thrown
  }
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    folder,
    objects: path('objects'),
    identity: path('identity'),
    knownHosts: path('known_hosts'),
    newKey,
    authorize,
    async certify(identity) {
      await keygen('-s', path('user_ca'), '-I', 'test', '-n', userInfo().username, `${identity}.pub`)
      return `${identity}-cert.pub`
    },
    log: server.log,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/**
 * Can servers have account files of their own, in a mount namespace? The machine's files stay as they are, and its
 * login shells and their start-up files do not slow every command down.
 */
export async function hasOwnAccounts(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  return run('unshare', ['--mount', 'mount', '--bind', '/etc/passwd', '/etc/passwd']).then(
    () => true,
    () => false,
  )
}

async function accountsScript(folder: string, password: string | undefined): Promise<string> {
  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o755 })
  const others = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .filter((line) => /^(sshd|nobody):/.test(line))
  const accounts = [
    `root:x:0:0:root:${home}:/bin/sh`,
    `lifeboat:x:65500:65500::${home}:/bin/sh`,
    ...others,
    '',
  ]
  await writeFile(join(folder, 'passwd'), accounts.join('\n'))
  const hash = password === undefined ? '*' : (await run('openssl', ['passwd', '-6', password])).stdout.trim()
  await writeFile(
    join(folder, 'shadow'),
    `root:${hash}:20000:0:99999:7:::\nlifeboat:${hash}:20000:0:99999:7:::\n`,
  )
  return [
    `mount --bind ${join(folder, 'passwd')} /etc/passwd`,
    `mount --bind ${join(folder, 'shadow')} /etc/shadow`,
    'exec "$@"',
  ].join('\n')
}

function start([file = '', ...args]: readonly string[]): {
  readonly listening: Promise<void>
  log(): string
  stop(): Promise<void>
} {
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve())
    child.on('error', () => resolve())
  })
  const listening = new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('Server listening on')) resolve()
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`sshd ended with ${code}: ${log}`)))
  })
  return {
    listening,
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
