import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc64Nvme } from '@aws-sdk/checksums/crc'

export type ChecksumName = 'CRC32' | 'CRC64NVME' | 'SHA256'
type ChecksumField = `Checksum${ChecksumName}`
/** As S3's requests and answers hold them: at most one of them is set. */
export type ChecksumFields = { [F in ChecksumField]?: string | undefined }

export interface Checksum {
  readonly name: ChecksumName
  /** Of all bytes of the object, or of the parts' checksums. */
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
  /** Base64. */
  of(bytes: Uint8Array): Promise<string>
  /** Over a whole object, fed part by part in order. */
  start(): WholeChecksum
}

export interface WholeChecksum {
  add(bytes: Uint8Array, part: string): void
  result(): Promise<string>
}

/**
 * CRC32 is the default: Node's own, 2 GB/s on one core, against 0.45 GB/s for CRC64NVME in JavaScript and 1.3 GB/s for
 * SHA-256; S3 keeps it for the full object of a multipart upload, and every S3-compatible that knows checksums at all
 * knows it. It finds accidents; forgery is what the signed manifest's SHA-256 is for.
 */
const CRC32: Checksum = {
  name: 'CRC32',
  type: 'FULL_OBJECT',
  of: async (bytes) => base64Of32(crc32(bytes)),
  start() {
    let value = 0
    return {
      add: (bytes) => {
        value = crc32(bytes, value)
      },
      result: async () => base64Of32(value),
    }
  },
}

const CRC64NVME: Checksum = {
  name: 'CRC64NVME',
  type: 'FULL_OBJECT',
  async of(bytes) {
    const crc = new Crc64Nvme()
    crc.update(bytes)
    return Buffer.from(await crc.digest()).toString('base64')
  },
  start() {
    const crc = new Crc64Nvme()
    return {
      add: (bytes) => crc.update(bytes),
      result: async () => Buffer.from(await crc.digest()).toString('base64'),
    }
  },
}

/** S3 has no full-object SHA-256 for multipart uploads, only the hash of the parts' hashes. */
const SHA256: Checksum = {
  name: 'SHA256',
  type: 'COMPOSITE',
  of: async (bytes) => createHash('sha256').update(bytes).digest('base64'),
  start() {
    const hash = createHash('sha256')
    let parts = 0
    return {
      add: (_bytes, part) => {
        hash.update(Buffer.from(part, 'base64'))
        parts += 1
      },
      result: async () => `${hash.digest('base64')}-${parts}`,
    }
  },
}

export const CHECKSUMS = { crc32: CRC32, crc64nvme: CRC64NVME, sha256: SHA256 } as const

export function fieldsOf(checksum: Checksum, value: string): ChecksumFields {
  return { [`Checksum${checksum.name}`]: value }
}

export function valueIn(checksum: Checksum, fields: ChecksumFields): string | undefined {
  return fields[`Checksum${checksum.name}`]
}

export function md5Of(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest()
}

/** True where the ETag is what it was before encryption and multipart uploads: the MD5 of the bytes. */
export function isMd5ETag(etag: string | undefined, bytes: Uint8Array): boolean {
  return etag?.replaceAll('"', '') === md5Of(bytes).toString('hex')
}

function base64Of32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}
