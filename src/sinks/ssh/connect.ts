import { connect as connectTcp, type Socket } from 'node:net'
import ssh2, { type AnyAuthMethod, type AuthenticationType, type Client } from 'ssh2'
import { abortReason, LifeboatError, messageOf } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import { allowCertifiedKeys } from './certified-key.ts'
import { readHostKeyCheck } from './host-key.ts'
import { gatherKeys, type Keyring } from './keyring.ts'
import type { SshSinkAddress, SshTimeouts } from './url.ts'

export interface SshConnectOptions extends Omit<SshSinkAddress, 'timeouts' | 'user' | 'folder'> {
  /** As a person knows the place: `ssh://user@host:port/path`. */
  readonly name: string
  readonly user: string
  readonly timeouts: SshTimeouts
  readonly password: SecretSource | undefined
  readonly passphrase: SecretSource | undefined
  readonly agentSocket: string | undefined
  readonly home: string
}

export interface SshConnection {
  readonly client: Client
  readonly socket: Socket
}

/** What has been asked of the server so far, for the message when it says no. */
interface Login {
  readonly attempts: AuthenticationType[]
  methods: readonly string[] | undefined
}

/** Connects, checks the host key and logs in, or throws within `connectMs`. */
export async function connectSsh(options: SshConnectOptions, signal: AbortSignal): Promise<SshConnection> {
  const { host, port, timeouts } = options
  const check = await readHostKeyCheck(options)
  const keyring = await gatherKeys({ ...options, timeoutMs: timeouts.connectMs })
  const password = (await options.password?.())?.reveal()
  if (keyring.agent === undefined && password === undefined) throw nothingToTry(options, keyring)

  const login: Login = { attempts: [], methods: undefined }
  const client = new ssh2.Client()
  const socket = connectTcp({ host, port, noDelay: true })
  let hostError: LifeboatError | undefined
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(tooSlow(options)), timeouts.connectMs)
      onAbort = () => reject(abortReason(signal))
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort)
      client.on('ready', resolve)
      client.on('close', () => reject(unreachable(options, new Error('the server closed the connection'))))
      client.on('error', (thrown) => {
        // ssh2 goes on with the next key by itself; what comes of it is said at the end.
        if ('level' in thrown && thrown.level === 'agent') return
        reject(hostError ?? explain(options, keyring, login, thrown))
      })
      client.connect({
        sock: socket,
        username: options.user,
        readyTimeout: 0,
        keepaliveInterval: timeouts.keepaliveMs,
        keepaliveCountMax: 3,
        algorithms: {
          serverHostKey: check.algorithms,
          cipher: { prepend: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'], append: [], remove: [] },
          compress: ['none'],
        },
        hostVerifier: (key: Buffer) => {
          hostError = check.judge(key)
          return hostError === undefined
        },
        authHandler: authHandler(options.user, keyring, password, login),
      })
      allowCertifiedKeys(client)
    })
    return { client, socket }
  } catch (thrown) {
    abandon(client, socket)
    throw thrown
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

function abandon(client: Client, socket: Socket): void {
  // Whatever it still says after we gave up must not end the process.
  client.removeAllListeners()
  client.on('error', () => undefined)
  client.end()
  socket.destroy()
}

/** `none` first, to learn what the server takes; then keys, password, and the password where PAM asks for it. */
function authHandler(user: string, keyring: Keyring, password: string | undefined, login: Login) {
  const queue: AnyAuthMethod[] = [{ type: 'none', username: user }]
  if (keyring.agent !== undefined) queue.push({ type: 'agent', username: user, agent: keyring.agent })
  if (password !== undefined) {
    queue.push({ type: 'password', username: user, password })
    queue.push({
      type: 'keyboard-interactive',
      username: user,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
    })
  }
  return (
    methods: AuthenticationType[] | null,
    _partial: boolean | null,
    next: (method: AnyAuthMethod) => void,
  ) => {
    login.methods = methods ?? login.methods
    for (let method = queue.shift(); method !== undefined; method = queue.shift()) {
      const name = method.type === 'agent' ? 'publickey' : method.type
      if (name !== 'none' && methods !== null && !methods.includes(name)) continue
      if (name !== 'none') login.attempts.push(name)
      next(method)
      return
    }
    // Typed as if there were always another method; false is how ssh2 is told that there is none.
    next(false as unknown as AnyAuthMethod)
  }
}

function explain(options: SshConnectOptions, keyring: Keyring, login: Login, thrown: Error): LifeboatError {
  const level = 'level' in thrown ? thrown.level : undefined
  const code = 'code' in thrown ? thrown.code : undefined
  // Disconnect reason 2 and 14 of RFC 4253 are what sshd sends after too many tries.
  const tooMany = level === undefined && login.attempts.length > 0 && (code === 2 || code === 14)
  if (level === 'client-authentication' || tooMany) return denied(options, keyring, login, tooMany)
  return unreachable(options, thrown)
}

function denied(options: SshConnectOptions, keyring: Keyring, login: Login, tooMany: boolean): LifeboatError {
  const tried = [
    ...(login.attempts.includes('publickey') ? keyring.notes : []),
    ...(login.attempts.includes('password') || login.attempts.includes('keyboard-interactive')
      ? ['the password']
      : []),
  ]
  const takes = login.methods === undefined ? '' : `; the server takes ${login.methods.join(', ')}`
  return new LifeboatError(
    'sink-denied',
    `unable to log in to '${options.name}': ${tooMany ? 'too many keys were tried' : 'the server accepted nothing that was tried'} (${tried.join(', ') || 'nothing'})${takes}`,
    {
      hint: tooMany
        ? 'Name the one key that is right: …?agent=none&identity=FILE.'
        : `Look whether the public key is in ~/.ssh/authorized_keys of '${options.user}' there, try it with ssh -v -p ${options.port} ${options.user}@${options.host}, or name another key: …?identity=FILE.`,
      details: { tried, methods: login.methods },
    },
  )
}

function nothingToTry(options: SshConnectOptions, keyring: Keyring): LifeboatError {
  const passed = keyring.notes.length > 0 ? `: ${keyring.notes.join(', ')}` : ''
  return new LifeboatError(
    'sink-denied',
    `unable to log in to '${options.name}': there is no usable key, no agent and no password${passed}`,
    {
      hint: 'Name a key file (…?identity=FILE), load one into the agent (ssh-add), or give --sink-password env:NAME, file:PATH or prompt:',
    },
  )
}

function tooSlow(options: SshConnectOptions): LifeboatError {
  return new LifeboatError(
    'timed-out',
    `unable to connect to '${options.name}': no login within ${options.timeouts.connectMs / 1000} s`,
    {
      hint: `Look whether the host is up and a firewall lets port ${options.port} through (nc -vz ${options.host} ${options.port}); …?connect-timeout=SECONDS waits longer.`,
    },
  )
}

function unreachable(options: SshConnectOptions, thrown: Error): LifeboatError {
  return new LifeboatError(
    'sink-unavailable',
    `unable to connect to '${options.name}': ${messageOf(thrown)}`,
    {
      hint: `Look whether the name is right, the host is up and sshd listens there (nc -vz ${options.host} ${options.port}).`,
      cause: thrown,
    },
  )
}
