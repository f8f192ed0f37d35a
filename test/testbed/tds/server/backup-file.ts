import { createHash } from 'node:crypto'
import type { TdsType, TdsValue } from '../backend.ts'
import type { Database } from './model.ts'
import { RdsTaskError } from './rds-tasks.ts'
import { Variant } from './values.ts'

const MAGIC = 'LIFEBOAT TEST BAK\n'

export interface BackupHeader {
  readonly type: 'FULL' | 'DIFFERENTIAL'
  readonly database: string
  /** Which database this is, whatever it is called. */
  readonly family: string
  readonly file: number
  readonly files: number
  readonly kmsKey: string | null
}

/** A database as the bytes of its backup files: a header, a piece of JSON, and a digest over both. */
export function writeBackup(
  database: Database,
  type: BackupHeader['type'],
  files: number,
  kmsKey: string | null,
): Uint8Array[] {
  const content = Buffer.from(JSON.stringify(database, plain))
  const size = Math.ceil(content.length / files)
  return Array.from({ length: files }, (_, at) => {
    const header: BackupHeader = {
      type,
      database: database.name,
      family: database.brokerGuid,
      file: at + 1,
      files,
      kmsKey,
    }
    const head = Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`)
    const body = Buffer.concat([head, content.subarray(at * size, (at + 1) * size)])
    return Buffer.concat([body, createHash('sha256').update(body).digest()])
  })
}

export function readBackup(
  pieces: readonly Uint8Array[],
  kmsKey: string | null,
): { header: BackupHeader; database: Database } {
  const files = pieces.map(readFile).sort((a, b) => a.header.file - b.header.file)
  const [first] = files
  if (first === undefined) throw new RdsTaskError('Aborted the task because of a task failure: no such key.')
  if (files.length !== first.header.files || files.some((file, at) => file.header.file !== at + 1))
    throw new RdsTaskError('The media set is not complete: a file of the backup is missing.')
  if (first.header.kmsKey !== kmsKey)
    throw new RdsTaskError('The KMS master key does not match the one that the backup was encrypted with.')
  const text = Buffer.concat(files.map((file) => file.content)).toString()
  return { header: first.header, database: JSON.parse(text, revive) as Database }
}

function readFile(bytes: Uint8Array): { header: BackupHeader; content: Buffer } {
  const all = Buffer.from(bytes)
  const body = all.subarray(0, -32)
  const isWhole = all.length > 32 && createHash('sha256').update(body).digest().equals(all.subarray(-32))
  if (!isWhole || !body.toString('latin1', 0, MAGIC.length).startsWith(MAGIC))
    throw new RdsTaskError(
      'The media family on device is incorrectly formed. SQL Server cannot process this media family.',
    )
  const end = body.indexOf('\n', MAGIC.length)
  const header = JSON.parse(body.toString('utf8', MAGIC.length, end)) as BackupHeader
  return { header, content: body.subarray(end + 1) }
}

function plain(key: string, value: unknown): unknown {
  // What the server remembers since its start is no part of a backup.
  if (key === 'lastWrite') return undefined
  if (value instanceof Variant) return { $variant: value.base, value: value.inner }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Map) return { $map: [...value] }
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  if (typeof value === 'number' && Object.is(value, -0)) return { $number: '-0' }
  return value
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value) return Uint8Array.from(Buffer.from(String(value.$bytes), 'base64'))
  if ('$map' in value) return new Map(value.$map as [unknown, unknown][])
  if ('$bigint' in value) return BigInt(String(value.$bigint))
  if ('$number' in value) return Number(value.$number)
  if ('$variant' in value && 'value' in value)
    return new Variant(value.$variant as TdsType, value.value as TdsValue)
  return value
}
