import { unarmor } from 'openpgp'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { parsePacketHeader } from './packets.ts'

/** A file with OpenPGP keys, armored or binary, one or several. */
export interface KeyFile {
  /** For messages: the file's name, or the reference that it came from. */
  readonly name: string
  readonly bytes: Uint8Array
}

export interface RawPacket {
  readonly tag: number
  readonly body: Buffer
}

const ARMOR = /-----BEGIN PGP ([A-Z ]+)-----[\s\S]*?-----END PGP \1-----/g

/** All packets of a key file, whatever their versions and algorithms, as one binary string and taken apart. */
export async function readKeyFile(file: KeyFile): Promise<{ binary: Buffer; packets: readonly RawPacket[] }> {
  const binary = await toBinary(file)
  const packets: RawPacket[] = []
  try {
    for (let rest = binary; rest.length > 0; ) {
      const header = parsePacketHeader(rest)
      const end = header.headerBytes + (header.bodyBytes ?? Number.NaN)
      if (header.partial || !(end <= rest.length)) throw new Error('it is cut short')
      packets.push({ tag: header.tag, body: rest.subarray(header.headerBytes, end) })
      rest = rest.subarray(end)
    }
  } catch (thrown) {
    throw notAKey(file, thrown)
  }
  if (packets.length === 0) throw notAKey(file, 'it is empty')
  return { binary, packets }
}

async function toBinary(file: KeyFile): Promise<Buffer> {
  const text = Buffer.from(file.bytes).toString('latin1')
  if (!text.includes('-----BEGIN PGP ')) return Buffer.from(file.bytes)
  const blocks: Uint8Array[] = []
  try {
    for (const [block] of text.matchAll(ARMOR)) {
      const { data } = await unarmor(block)
      blocks.push(data as Uint8Array)
    }
  } catch (thrown) {
    throw notAKey(file, thrown)
  }
  return Buffer.concat(blocks)
}

function notAKey(file: KeyFile, reason: unknown): LifeboatError {
  return new LifeboatError('key-unusable', `unable to read key '${file.name}': ${messageOf(reason)}`, {
    hint: `Give an OpenPGP key, as written by gpg --export or lifeboat keygen.`,
    cause: reason,
  })
}
