import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import { type AgentKey, listAgentKeys, signWithAgent, wireReader } from './agent.ts'
import { certifiedHash, certifiedKey, certifiedType, certifies, parseCertificate } from './certified-key.ts'
import { fingerprint } from './known-hosts.ts'

export interface KeyringOptions {
  readonly identities: readonly string[]
  readonly certificates: readonly string[]
  readonly passphrase: SecretSource | undefined
  readonly agentSocket: string | undefined
  readonly home: string
  readonly timeoutMs: number
}

export interface Keyring {
  /** For ssh2; undefined where there is no key at all. */
  readonly agent: InstanceType<typeof ssh2.BaseAgent> | undefined
  /** What is offered, and what was passed over and why: for the message when nothing was accepted. */
  readonly notes: readonly string[]
}

interface Credential {
  readonly key: ParsedKey
  readonly label: string
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>
}

const USUAL = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/** Gathers keys in the order in which they are offered: certificates, then key files, then the agent's keys. */
export async function gatherKeys(options: KeyringOptions): Promise<Keyring> {
  const notes: string[] = []
  const certificates: { readonly blob: Buffer; readonly file: string }[] = []
  const plain: Credential[] = []
  const certified: Credential[] = []

  for (const file of options.certificates) {
    const blob = parseCertificate(await readKeyFile(expand(file, options.home), 'certificate'))
    if (blob === undefined) throw unusable('certificate', file, 'it is not an OpenSSH certificate')
    certificates.push({ blob, file })
  }
  const named = options.identities.length > 0
  const files = named ? options.identities : USUAL.map((name) => join(options.home, '.ssh', name))
  for (const file of files) {
    const path = expand(file, options.home)
    const text = named ? await readKeyFile(path, 'key file') : await readIfAny(path)
    if (text === undefined) continue
    const key = await parseIdentity(text, file, options.passphrase)
    if (typeof key === 'string') {
      if (named) throw unusable('key file', file, key)
      notes.push(`${file} (passed over: ${key})`)
      continue
    }
    plain.push({
      key,
      label: `${file} (${fingerprint(key.getPublicSSH())})`,
      sign: async (data, hash) => signWithKey(key, data, hash),
    })
    const beside = await readIfAny(`${path}-cert.pub`)
    const blob = beside === undefined ? undefined : parseCertificate(beside)
    if (blob !== undefined) certificates.push({ blob, file: `${file}-cert.pub` })
  }
  if (options.agentSocket !== undefined) {
    for (const held of await listAgentKeys(options.agentSocket, options.timeoutMs)) {
      const credential = agentCredential(held, options.agentSocket, options.timeoutMs)
      if (credential === undefined)
        notes.push(`agent key '${held.comment}' (passed over: its type is not supported)`)
      else (certifiedType(held.blob) === undefined ? plain : certified).push(credential)
    }
  }
  for (const { blob, file } of certificates) {
    const owner = plain.find(({ key }) => certifies(blob, key.getPublicSSH()))
    if (owner === undefined) {
      if (options.certificates.includes(file)) {
        throw unusable(
          'certificate',
          file,
          'none of the keys is the one that it certifies',
          'Name that key too: …&identity=FILE, or add it to the agent (ssh-add).',
        )
      }
      continue
    }
    certified.unshift({ key: certifiedKey(blob, owner.key), label: `${file}`, sign: owner.sign })
  }
  const credentials = [...certified, ...plain]
  return {
    agent: credentials.length === 0 ? undefined : agentOf(credentials),
    notes: [...credentials.map(({ label }) => label), ...notes],
  }
}

function agentOf(credentials: readonly Credential[]): InstanceType<typeof ssh2.BaseAgent> {
  class Keys extends ssh2.BaseAgent<ParsedKey> {
    override getIdentities(done: (error: undefined, keys: ParsedKey[]) => void): void {
      done(
        undefined,
        credentials.map(({ key }) => key),
      )
    }

    override sign(
      key: ParsedKey,
      data: Buffer,
      options: SigningRequestOptions | SignCallback,
      done?: SignCallback,
    ) {
      const answer = typeof options === 'function' ? options : done
      const hash = typeof options === 'function' ? undefined : options.hash
      const credential = credentials.find((candidate) => candidate.key === key)
      if (credential === undefined || answer === undefined)
        throw new Error('asked to sign with an unknown key')
      credential.sign(data, certifiedHash(key) ?? hash).then(
        (signature) => answer(undefined, signature),
        (thrown) => answer(thrown instanceof Error ? thrown : new Error(String(thrown))),
      )
    }
  }
  return new Keys()
}

function agentCredential(held: AgentKey, socket: string, timeoutMs: number): Credential | undefined {
  const plainBlob = certifiedType(held.blob) === undefined ? held.blob : plainBlobOf(held.blob)
  const parsed = plainBlob === undefined ? undefined : ssh2.utils.parseKey(plainBlob)
  if (parsed === undefined || parsed instanceof Error) return undefined
  return {
    key: plainBlob === held.blob ? parsed : certifiedKey(held.blob, parsed),
    label: `agent key '${held.comment}' (${fingerprint(held.blob)})`,
    sign: (data, hash) => signWithAgent(socket, held.blob, data, hash, timeoutMs),
  }
}

/** The public key that a certificate is about: its own fields without the nonce. */
function plainBlobOf(certificate: Buffer): Buffer | undefined {
  const type = certifiedType(certificate)
  const fields =
    { 'ssh-rsa': 2, 'ssh-ed25519': 1 }[type ?? ''] ?? (type?.startsWith('ecdsa-') === true ? 2 : 0)
  if (type === undefined || fields === 0) return undefined
  const reader = wireReader(certificate)
  reader.string()
  reader.string()
  const parts = [Buffer.from(type), ...Array.from({ length: fields }, () => reader.string())]
  return Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]))
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

function signWithKey(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  // Typed as always a buffer, but a failure is returned, not thrown.
  const signature: Buffer | Error = key.sign(data, hash)
  if (signature instanceof Error) throw signature
  return signature
}

/** The key, or why it can't be used. */
async function parseIdentity(
  text: string,
  file: string,
  passphrase: SecretSource | undefined,
): Promise<ParsedKey | string> {
  let parsed = ssh2.utils.parseKey(text)
  if (parsed instanceof Error && /encrypted|passphrase/i.test(parsed.message)) {
    if (passphrase === undefined) return 'it is encrypted and no passphrase was given'
    parsed = ssh2.utils.parseKey(text, (await passphrase()).reveal())
    if (parsed instanceof Error) return 'the passphrase does not open it'
  }
  if (parsed instanceof Error) return parsed.message
  const key: ParsedKey | undefined = Array.isArray(parsed) ? parsed[0] : parsed
  if (key === undefined || !key.isPrivateKey())
    return `it holds no private key${file.endsWith('.pub') ? '; name the file without .pub' : ''}`
  return key
}

function expand(file: string, home: string): string {
  return /^~(?=\/|$)/.test(file) ? join(home, file.slice(1)) : file
}

async function readKeyFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw unusable(what, path, messageOf(thrown))
  }
}

async function readIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw thrown
  }
}

function unusable(what: string, file: string, reason: string, hint?: string): LifeboatError {
  return new LifeboatError('sink-denied', `unable to use SSH ${what} '${file}': ${reason}`, {
    hint:
      hint ??
      (/passphrase/.test(reason)
        ? 'Give it by reference (--sink-passphrase env:NAME, file:PATH or prompt:), or load the key into the agent (ssh-add).'
        : 'Look at the file (ssh-keygen -lf FILE), or name another: …?identity=FILE.'),
  })
}
