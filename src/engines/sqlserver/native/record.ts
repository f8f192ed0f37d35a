import type { Contents } from '../../../core/contents.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { BackupType } from './options.ts'

/** One .bak file: the part that carries it, or where it still lies. */
export interface NativeFile {
  readonly part: string
  /** Key below the prefix of `--staging`, where the file was left there. */
  readonly stagedAs?: string
  readonly bytes: number
}

export interface NativeDatabase {
  readonly name: string
  readonly type: BackupType
  readonly files: readonly NativeFile[]
}

/** What the contents of a backup with layout=native keep for its restore. */
export interface NativeRecord {
  readonly layout: 'native'
  readonly shipped: boolean
  /** Bucket where the files were left. */
  readonly bucket?: string
  /** The key that the server itself encrypted with: needed again, and in the region of the restore. */
  readonly kmsKey?: string
  readonly databases: readonly NativeDatabase[]
}

/** Written by us, but perhaps by another version of us. */
export function readNativeRecord(contents: Pick<Contents, 'engine'>): NativeRecord {
  const { layout, shipped, bucket, kmsKey, databases } = contents.engine
  if (layout !== 'native' || typeof shipped !== 'boolean' || !Array.isArray(databases)) throw unreadable()
  return {
    layout,
    shipped,
    ...(isText(bucket) && { bucket }),
    ...(isText(kmsKey) && { kmsKey }),
    databases: databases.map((database: unknown) => {
      const { name, type, files } = asRecord(database)
      if (!isText(name) || (type !== 'FULL' && type !== 'DIFFERENTIAL') || !Array.isArray(files)) {
        throw unreadable()
      }
      return { name, type, files: files.map(readFile) }
    }),
  }
}

function readFile(file: unknown): NativeFile {
  const { part, stagedAs, bytes } = asRecord(file)
  if (!isText(part) || typeof bytes !== 'number') throw unreadable()
  return { part, bytes, ...(isText(stagedAs) && { stagedAs }) }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw unreadable()
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function unreadable(): LifeboatError {
  return new LifeboatError(
    'unsupported',
    'unable to read the contents of this backup: the native record is not one',
    {
      hint: 'Use the version of lifeboat that made this backup: lifeboat list --json names it.',
    },
  )
}
