import { LifeboatError } from '../../../core/errors.ts'

/** Names of the URL options that belong to layout=native. */
export const NATIVE_OPTION_NAMES = [
  'backup-type',
  'files',
  'server-kms-key',
  'block-size',
  'max-transfer-size',
  'buffer-count',
  'bucket-encryption',
  'ship',
  'keep-staged',
  'recovery',
  'keep-cdc',
  'data-volume',
  'log-volume',
] as const

export type BackupType = 'FULL' | 'DIFFERENTIAL'

interface TransferOptions {
  /** Client-side encryption by the server itself: a symmetric key of the customer, in the server's region. */
  readonly kmsKey?: string
  /** Bytes: a power of two from 512 to 65536. */
  readonly blockSize?: number
  /** Bytes: a multiple of 65536 up to 4194304. */
  readonly maxTransferSize?: number
  readonly bufferCount?: number
}

export interface BackupOptions extends TransferOptions {
  readonly type: BackupType
  /** 1 to 10. */
  readonly files: number
  /** The bucket's own default encryption instead of SSE-S3. */
  readonly bucketDefaultEncryption: boolean
}

export interface RestoreTaskOptions extends TransferOptions {
  readonly type: BackupType
  /** The database stays in RESTORING, and takes a differential backup next. */
  readonly norecovery: boolean
  readonly keepCdc: boolean
  readonly dataFileVolume?: string
  readonly logFileVolume?: string
}

export interface NativeOptions {
  readonly backup: BackupOptions
  /** False leaves the .bak files in the staging bucket: they have not left the region. */
  readonly ship: boolean
  /** The .bak files stay in the staging bucket when they have been shipped. */
  readonly keepStaged: boolean
  readonly restore: Omit<RestoreTaskOptions, 'type'>
}

const VOLUMES = ['D:', 'H:', 'I:', 'J:'] as const

/** Throws `usage` for a value that the server would refuse only after minutes. */
export function parseNativeOptions(options: ReadonlyMap<string, string>): NativeOptions {
  const choice = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const given = options.get(name)?.toLowerCase()
    if (given === undefined) return fallback
    const found = allowed.find((each) => each.toLowerCase() === given)
    if (found !== undefined) return found
    throw refuse(`${name}=${options.get(name)} is not one of ${allowed.join(', ')}`)
  }
  const yes = (name: string, fallback: 'yes' | 'no') => choice(name, ['yes', 'no'], fallback) === 'yes'
  const whole = (name: string, rule: string, allows: (value: number) => boolean): number | undefined => {
    const text = options.get(name)
    if (text === undefined) return undefined
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isInteger(value) && allows(value)) return value
    throw refuse(`${name}=${text} is not ${rule}`)
  }
  const volume = (name: string) => {
    const given = options.get(name)
    return given === undefined ? undefined : choice(name, VOLUMES, 'D:')
  }
  const kmsKey = options.get('server-kms-key')
  if (kmsKey !== undefined && !/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/.+$/.test(kmsKey)) {
    throw refuse(`server-kms-key=${kmsKey} is not the ARN of a KMS key`)
  }
  const transfer: TransferOptions = present({
    kmsKey,
    blockSize: whole('block-size', 'a power of two from 512 to 65536', (value) =>
      [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].includes(value),
    ),
    maxTransferSize: whole(
      'max-transfer-size',
      'a multiple of 65536 up to 4194304',
      (value) => value > 0 && value % 65_536 === 0 && value <= 4_194_304,
    ),
    bufferCount: whole('buffer-count', 'a whole number above 0', (value) => value > 0),
  })
  const ship = yes('ship', 'yes')
  return {
    backup: {
      ...transfer,
      type: choice('backup-type', ['full', 'differential'], 'full') === 'full' ? 'FULL' : 'DIFFERENTIAL',
      files: whole('files', 'from 1 to 10', (value) => value >= 1 && value <= 10) ?? 1,
      bucketDefaultEncryption: choice('bucket-encryption', ['s3', 'default'], 's3') === 'default',
    },
    ship,
    keepStaged: !ship || yes('keep-staged', 'no'),
    restore: {
      ...transfer,
      norecovery: choice('recovery', ['finish', 'norecovery'], 'finish') === 'norecovery',
      keepCdc: yes('keep-cdc', 'no'),
      ...present({ dataFileVolume: volume('data-volume'), logFileVolume: volume('log-volume') }),
    },
  }
}

function refuse(reason: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, {
    hint: 'docs/engines/sqlserver.md lists the options of layout=native.',
  })
}

/** Without the keys that are undefined. */
function present<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
