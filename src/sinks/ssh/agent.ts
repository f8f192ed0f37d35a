import { connect } from 'node:net'
import { LifeboatError, messageOf } from '../../core/errors.ts'

/**
 * Speaks to ssh-agent (draft-ietf-sshm-ssh-agent). ssh2 has a client of its own, which passes over the certificates
 * that an agent holds.
 */
export interface AgentKey {
  /** The public key, or the certificate, as it goes over the wire. */
  readonly blob: Buffer
  readonly comment: string
}

const FAILURE = 5
const REQUEST_IDENTITIES = 11
const IDENTITIES_ANSWER = 12
const SIGN_REQUEST = 13
const SIGN_RESPONSE = 14
const RSA_FLAGS: Readonly<Record<string, number>> = { sha256: 2, sha512: 4 }
const MAX_ANSWER_BYTES = 256 * 1024

export async function listAgentKeys(socket: string, timeoutMs: number): Promise<readonly AgentKey[]> {
  const answer = await ask(socket, Buffer.of(REQUEST_IDENTITIES), IDENTITIES_ANSWER, timeoutMs)
  const reader = wireReader(answer)
  const count = reader.uint32()
  return Array.from({ length: count }, () => ({ blob: reader.string(), comment: reader.string().toString() }))
}

/** The signature without the name of its algorithm. */
export async function signWithAgent(
  socket: string,
  blob: Buffer,
  data: Buffer,
  hash: string | undefined,
  timeoutMs: number,
): Promise<Buffer> {
  const flags = Buffer.alloc(4)
  flags.writeUInt32BE(RSA_FLAGS[hash ?? ''] ?? 0)
  const request = Buffer.concat([Buffer.of(SIGN_REQUEST), wireString(blob), wireString(data), flags])
  const signature = wireReader(wireReader(await ask(socket, request, SIGN_RESPONSE, timeoutMs)).string())
  signature.string()
  return signature.string()
}

export function wireString(data: Buffer | string): Buffer {
  const bytes = Buffer.from(data)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Reads the data types of RFC 4251, section 5; throws a RangeError past the end. */
export function wireReader(buffer: Buffer) {
  let offset = 0
  const uint32 = () => {
    const value = buffer.readUInt32BE(offset)
    offset += 4
    return value
  }
  return {
    uint32,
    string() {
      const length = uint32()
      if (offset + length > buffer.length) throw new RangeError('a string goes past the end of the message')
      offset += length
      return buffer.subarray(offset - length, offset)
    },
  }
}

/** One question, one answer, one connection. Returns what follows the type of the answer. */
async function ask(socket: string, request: Buffer, expected: number, timeoutMs: number): Promise<Buffer> {
  const stream = connect(socket)
  stream.setTimeout(timeoutMs, () => stream.destroy(new Error(`no answer for ${timeoutMs / 1000} s`)))
  try {
    stream.write(wireString(request))
    let received = Buffer.alloc(0)
    for await (const piece of stream) {
      received = Buffer.concat([received, piece as Buffer])
      if (received.length < 4) continue
      const length = received.readUInt32BE(0)
      if (length > MAX_ANSWER_BYTES) throw new Error('its answer is too long')
      if (received.length < 4 + length) continue
      const type = received[4]
      if (type === expected) return received.subarray(5, 4 + length)
      throw new Error(type === FAILURE ? 'it refused' : `it answered with message type ${type}`)
    }
    throw new Error('it hung up')
  } catch (thrown) {
    throw new LifeboatError('sink-denied', `unable to ask the SSH agent '${socket}': ${messageOf(thrown)}`, {
      hint: 'Look whether it runs and holds the key (ssh-add -l), or name a key file: …?agent=none&identity=FILE.',
      cause: thrown,
    })
  } finally {
    stream.destroy()
  }
}
