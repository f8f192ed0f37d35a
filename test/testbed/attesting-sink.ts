import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Bytes } from '../../src/core/bytes.ts'
import { CHUNK_BYTES, type ObjectInfo, type Sink } from '../../src/core/sink.ts'
import { createMemorySink, type MemorySink } from './memory-sink.ts'

export type Attests = 'CRC32' | 'SHA256' | 'ETag'

/**
 * A place like S3, which says by itself what it holds: of each object a checksum, a version that each write makes, and
 * the mark of our own writes.
 */
export interface AttestingSink extends MemorySink {
  /** Keys that were read, in order. */
  readonly reads: string[]
  /** As another program would: past lifeboat, of any bytes. */
  overwrite(key: string, data: Uint8Array): Promise<void>
}

let versions = 0

export function createAttestingSink(attests: readonly Attests[], { versioned = false } = {}): AttestingSink {
  const memory = createMemorySink({ traits: { attests: 'checksum', maxChunks: 10_000 } })
  const versionOf = new Map<string, string>()
  const marked = new Set<string>()
  const reads: string[] = []
  function attested(info: ObjectInfo): ObjectInfo {
    const data = memory.objects.get(info.key)?.data
    if (data === undefined) return info
    const facts = Object.fromEntries(attests.map((name) => [name, FACTS[name](data)]))
    const versionId = versionOf.get(info.key)
    return {
      ...info,
      attestation: {
        ...facts,
        ...(versioned && versionId !== undefined && { versionId }),
        ...(marked.has(info.key) && { write: 'lifeboat' }),
      },
    }
  }
  const write = async (key: string, body: Bytes, options: Parameters<Sink['write']>[2]) => {
    const info = await memory.write(key, body, options)
    versionOf.set(key, `v${++versions}`)
    marked.add(key)
    return attested(info)
  }
  return {
    ...memory,
    reads,
    write,
    async overwrite(key, data) {
      async function* pieces() {
        for (let offset = 0; offset < data.length; offset += CHUNK_BYTES)
          yield data.subarray(offset, offset + CHUNK_BYTES)
      }
      await write(key, pieces(), { signal: new AbortController().signal })
      marked.delete(key)
    },
    async read(key, range, signal) {
      reads.push(key)
      return memory.read(key, range, signal)
    },
    async stat(key, signal) {
      const info = await memory.stat(key, signal)
      return info === undefined ? undefined : attested(info)
    },
  }
}

const hash = (name: string, data: Uint8Array) => createHash(name).update(data).digest()

/** As S3 gives them: of more than one part, the checksum of the parts' checksums, and how many there are. */
function composite(name: string, data: Uint8Array): { readonly digest: Buffer; readonly parts: string } {
  if (data.length <= CHUNK_BYTES) return { digest: hash(name, data), parts: '' }
  const parts: Buffer[] = []
  for (let offset = 0; offset < data.length; offset += CHUNK_BYTES)
    parts.push(hash(name, data.subarray(offset, offset + CHUNK_BYTES)))
  return { digest: hash(name, Buffer.concat(parts)), parts: `-${parts.length}` }
}

const FACTS: Readonly<Record<Attests, (data: Uint8Array) => string>> = {
  CRC32: (data) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(data))
    return bytes.toString('base64')
  },
  SHA256: (data) => {
    const { digest, parts } = composite('sha256', data)
    return `${digest.toString('base64')}${parts}`
  },
  ETag: (data) => {
    const { digest, parts } = composite('md5', data)
    return `"${digest.toString('hex')}${parts}"`
  },
}
