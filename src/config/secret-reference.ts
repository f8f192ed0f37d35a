import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { Secret, type SecretSource } from '../core/secret.ts'
import type { Environment } from './environment.ts'

/** Far longer than any password or token; a larger file was given by mistake. */
const SECRET_BYTES = 64 * 1024

export interface SecretPorts {
  readonly environment: Pick<Environment, 'take' | 'home'>
  /** Asks the person at the terminal without showing what is typed; twice where `confirm` is set. */
  readonly ask: (question: string, confirm: boolean) => Promise<string>
  readonly onWarning: (message: string, hint: string) => void
}

export interface SecretRequest {
  /** The option that holds the reference, for messages: `--password`. */
  readonly option: string
  /** What is asked for: `password of mysql://user@host`. */
  readonly what: string
  /** A new secret is typed twice. */
  readonly confirm?: boolean
}

/**
 * Turns a secret reference into a source: `env:NAME`, `file:PATH` or `prompt:`. The form is checked at once, and a
 * variable is taken from the environment at once, before any tool could inherit it; the rest is looked up when it is
 * first needed. A message never repeats the reference: who mistakes the option types the secret itself.
 */
export function createSecretSource(
  reference: string,
  request: SecretRequest,
  ports: SecretPorts,
): SecretSource {
  const [, scheme, rest] = /^([a-z]+):(.*)$/s.exec(reference) ?? []
  if (scheme === 'env' && rest) return fromEnvironment(rest, request, ports)
  if (scheme === 'file' && rest) return fromFile(rest, request, ports)
  if (scheme === 'prompt') {
    return once(async () => {
      const typed = await ports.ask(rest || request.what, request.confirm ?? false)
      if (typed === '') throw empty(request, 'nothing was typed')
      return new Secret(typed)
    })
  }
  throw new LifeboatError(
    'usage',
    `unable to read ${request.option}: it takes a reference to the secret, never the secret itself`,
    { hint: `Write ${request.option} env:NAME, ${request.option} file:PATH or ${request.option} prompt:` },
  )
}

function fromEnvironment(name: string, request: SecretRequest, ports: SecretPorts): SecretSource {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new LifeboatError(
      'usage',
      `unable to read ${request.option}: env: is not followed by a variable's name`,
      {
        hint: `Name the variable that holds the secret, without a $: ${request.option} env:DB_PASSWORD.`,
      },
    )
  }
  const value = ports.environment.take(name)
  if (value === undefined) {
    throw new LifeboatError(
      'config',
      `unable to read the ${request.what}: environment variable '${name}' is not set`,
      {
        hint: `Set and export ${name} (with sudo, by: sudo --preserve-env=${name}), or use ${request.option} prompt:`,
      },
    )
  }
  if (value === '') throw empty(request, `environment variable '${name}' is empty`)
  const secret = new Secret(value)
  return () => Promise.resolve(secret)
}

function fromFile(path: string, request: SecretRequest, ports: SecretPorts): SecretSource {
  const full = path.startsWith('~/') ? join(ports.environment.home, path.slice(2)) : path
  let warned = false
  let kept: Secret | undefined
  return async () => {
    if (kept !== undefined) return kept
    const { text, mode, regular } = await readSecretFile(full, request)
    if (regular && (mode & 0o004) !== 0 && !warned) {
      warned = true
      ports.onWarning(
        `every user of this machine can read '${full}', which holds the ${request.what}`,
        `Close it with: chmod 600 ${full}`,
      )
    }
    const value = text.replace(/\r?\n$/, '')
    if (value === '') throw empty(request, `file '${full}' is empty`)
    const secret = new Secret(value)
    // A regular file is read anew each time, for tokens that are renewed; a pipe gives its bytes only once.
    if (!regular) kept = secret
    return secret
  }
}

async function readSecretFile(
  path: string,
  request: SecretRequest,
): Promise<{ text: string; mode: number; regular: boolean }> {
  const refuse = (reason: string, hint: string) =>
    new LifeboatError('config', `unable to read the ${request.what} from file '${path}': ${reason}`, { hint })
  try {
    await using handle = await open(path, 'r')
    const info = await handle.stat()
    const buffer = Buffer.alloc(SECRET_BYTES + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > SECRET_BYTES)
      throw refuse('it is larger than any secret', 'Name the file that holds only the secret.')
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, length))
    } catch {
      throw refuse('it is not text', 'Name the file that holds only the secret, in UTF-8.')
    }
    return { text, mode: info.mode, regular: info.isFile() }
  } catch (thrown) {
    if (thrown instanceof LifeboatError) throw thrown
    const code = (thrown as NodeJS.ErrnoException).code
    if (code === 'ENOENT')
      throw refuse('there is no such file', `Check the path given with ${request.option}.`)
    if (code === 'EACCES')
      throw refuse('permission denied', 'Run lifeboat as the user who may read it, or give that user access.')
    if (code === 'EISDIR') throw refuse('it is a folder', `Check the path given with ${request.option}.`)
    throw refuse(messageOf(thrown), `Check the path given with ${request.option}.`)
  }
}

function empty(request: SecretRequest, reason: string): LifeboatError {
  return new LifeboatError('config', `unable to use the ${request.what}: ${reason}`, {
    hint: `Put the secret there, or leave ${request.option} out where none is needed.`,
  })
}

/** Asks once, however many connections need it; a failure is not remembered. */
function once(look: SecretSource): SecretSource {
  let found: Promise<Secret> | undefined
  return () => {
    found ??= look().catch((thrown: unknown) => {
      found = undefined
      throw thrown
    })
    return found
  }
}
