import { parseDatabaseUrl } from '../core/database-url.ts'
import type { Engine, EngineContext } from '../core/engine.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import { nearest } from '../core/nearest.ts'
import type { SecretSource } from '../core/secret.ts'
import type { SignatureTrust, Signer } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import type { Staging } from '../core/staging.ts'
import { findTool } from '../core/tool.ts'
import { withRetry } from '../sinks/with-retry.ts'
import type { DecryptionMeans, KeyFile } from '../stages/openpgp/index.ts'
import { openStagingJournal, openUploadJournal } from './journals.ts'
import { readKeyFiles } from './key-files.ts'

/** What sinks get from outside: none of them reads the environment by itself. */
export interface SinkContext {
  readonly home: string
  readonly stateFolder: string
  readonly agentSocket: string | undefined
  /** Of the account at the sink. */
  readonly password: SecretSource | undefined
  /** Of the key that logs in there. */
  readonly passphrase: SecretSource | undefined
}

export interface EncodeOptions {
  readonly codec: string
  readonly level: number | undefined
  /** Files with public keys; none stores the data unencrypted. */
  readonly recipients: readonly string[]
}

export interface DecodeKeys {
  /** Files with secret keys. */
  readonly keys: readonly string[]
  readonly passphrase: SecretSource | undefined
  /** The gpg program decrypts instead, with its own agent. */
  readonly gpg: boolean
  readonly searchPath: string
}

type EngineName = 'mysql' | 'postgres' | 'sqlserver' | 'oracle'

const ENGINES: Readonly<Record<string, EngineName>> = {
  mysql: 'mysql',
  mariadb: 'mysql',
  postgres: 'postgres',
  postgresql: 'postgres',
  sqlserver: 'sqlserver',
  mssql: 'sqlserver',
  oracle: 'oracle',
}

export async function openEngine(url: string, context: EngineContext): Promise<Engine> {
  const parsed = parseDatabaseUrl(url)
  switch (ENGINES[parsed.scheme]) {
    case 'mysql':
      return (await import('../engines/mysql/index.ts')).createMysqlEngine(parsed, context)
    case 'postgres':
      return (await import('../engines/postgres/index.ts')).createPostgresEngine(parsed, context)
    case 'sqlserver':
      return (await import('../engines/sqlserver/index.ts')).createSqlServerEngine(parsed, context)
    case 'oracle':
      return (await import('../engines/oracle/index.ts')).createOracleEngine(parsed, context)
    default:
      throw unknown(
        'database',
        `${parsed.scheme}://`,
        Object.keys(ENGINES).map(asScheme),
        'mysql://user@host',
      )
  }
}

const SINKS: Readonly<Record<string, (url: string, context: SinkContext) => Promise<Sink>>> = {
  async file(url) {
    const { parseFileSinkUrl, createFileSink } = await import('../sinks/file/index.ts')
    return createFileSink(parseFileSinkUrl(url))
  },
  async s3(url, context) {
    const { parseS3SinkUrl, createS3Sink } = await import('../sinks/s3/index.ts')
    return createS3Sink({ ...parseS3SinkUrl(url), journal: openUploadJournal(context.stateFolder) })
  },
  async ssh(url, context) {
    const { parseSshSinkUrl, createSshSink } = await import('../sinks/ssh/index.ts')
    const { home, agentSocket, password, passphrase } = context
    return createSshSink({
      ...parseSshSinkUrl(url),
      home,
      ...(agentSocket !== undefined && { agentSocket }),
      ...(password !== undefined && { password }),
      ...(passphrase !== undefined && { passphrase }),
    })
  },
}

export async function openSink(url: string, context: SinkContext): Promise<Sink> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const path = url.startsWith('/') ? `file://${url}` : 'file:///path/of/folder'
    throw new LifeboatError('usage', `unable to use sink '${url}': it does not start with a scheme`, {
      hint: `Write ${path}, s3://bucket/prefix or ssh://user@host/path.`,
    })
  }
  const open = Object.hasOwn(SINKS, scheme) ? SINKS[scheme] : undefined
  if (open === undefined) {
    throw unknown('sink', `${scheme}://`, Object.keys(SINKS).map(asScheme), 's3://bucket/prefix')
  }
  return withRetry(await open(url, context))
}

export interface StagingSource extends AsyncDisposable {
  /** The same one each time; closed with its source. */
  open(): Promise<Staging>
}

/** The bucket of `--staging`, opened when a layout first needs it. */
export function stagingAt(url: string, context: SinkContext): StagingSource {
  let opened: Promise<Staging> | undefined
  return {
    open() {
      opened ??= openStaging(url, context)
      return opened
    },
    async [Symbol.asyncDispose]() {
      // Whoever opened it in vain has had the error.
      const staging = await opened?.catch(() => undefined)
      await staging?.[Symbol.asyncDispose]()
    },
  }
}

async function openStaging(url: string, context: SinkContext): Promise<Staging> {
  if (!/^s3:/i.test(url)) {
    throw new LifeboatError('usage', `unable to use staging '${url}': it is not a bucket`, {
      hint: 'The database server itself writes there: give --staging s3://bucket/prefix?region=REGION-OF-THE-SERVER.',
    })
  }
  const [{ parseS3SinkUrl }, { createS3Staging }] = await Promise.all([
    import('../sinks/s3/index.ts'),
    import('../sinks/s3/staging.ts'),
  ])
  const staging = createS3Staging({
    ...parseS3SinkUrl(url),
    journal: openUploadJournal(context.stateFolder),
    staged: openStagingJournal(context.stateFolder),
  })
  return { ...staging, sink: withRetry(staging.sink) }
}

export const CODECS = ['gzip', 'zstd', 'none'] as const

/** In the order of application: compression, then encryption. */
export async function createEncodeStages({ codec, level, recipients }: EncodeOptions): Promise<Stage[]> {
  const stages: Stage[] = []
  if (codec !== 'none') stages.push(await createCodec(codec, level))
  else if (level !== undefined) {
    throw new LifeboatError('usage', 'unable to use a level with codec none: nothing is compressed', {
      hint: 'Leave out --level, or choose --codec gzip or --codec zstd.',
    })
  }
  if (recipients.length > 0) {
    const [{ createOpenpgp, readRecipients }, files] = await Promise.all([
      import('../stages/openpgp/index.ts'),
      readKeyFiles(recipients),
    ])
    stages.push(createOpenpgp({ recipients: await readRecipients(files) }))
  }
  return stages
}

/** The stages that a backup went through, able to undo them. Asks for a key only where the backup is encrypted. */
export function createDecodeStages(manifest: Manifest, keys: DecodeKeys): Promise<Stage[]> {
  const names = manifest.stages.map(({ name }) => name)
  return createDecoders(names, `backup '${manifest.id}'`, keys)
}

/** The same for `what`, by the names of its stages. */
export function createDecoders(names: readonly string[], what: string, keys: DecodeKeys): Promise<Stage[]> {
  return Promise.all(
    names.map((name) => (name === 'openpgp' ? createDecryption(keys, what) : createCodec(name, undefined))),
  )
}

async function createCodec(name: string, level: number | undefined): Promise<Stage> {
  const options = level === undefined ? {} : { level }
  switch (name) {
    case 'gzip':
      return (await import('../stages/gzip.ts')).createGzip(options)
    case 'zstd':
      return (await import('../stages/zstd.ts')).createZstd(options)
    default:
      throw unknown('codec', name, CODECS, 'gzip')
  }
}

async function createDecryption(keys: DecodeKeys, what: string): Promise<Stage> {
  const { createOpenpgp } = await import('../stages/openpgp/index.ts')
  return createOpenpgp({ decryption: await readDecryption(keys, what) })
}

export interface SigningKey {
  /** File with the secret key. */
  readonly file?: string
  readonly passphrase?: SecretSource
  /** What gpg knows the key by, where gpg signs. */
  readonly gpg?: string
  readonly searchPath: string
}

/** Undefined where no key is named. */
export async function createManifestSigner(
  { file, passphrase, gpg, searchPath }: SigningKey,
  signal: AbortSignal,
): Promise<Signer | undefined> {
  if (file === undefined && gpg === undefined) return undefined
  const { createGpgSigner, createSigner } = await import('../stages/openpgp/index.ts')
  if (gpg !== undefined) return createGpgSigner({ command: [await findGpg(searchPath)] }, gpg, signal)
  const [key] = await readKeyFiles([file as string])
  return createSigner(key as KeyFile, passphrase)
}

/** Files with public keys; undefined where none is named. */
export async function createManifestTrust(files: readonly string[]): Promise<SignatureTrust | undefined> {
  if (files.length === 0) return undefined
  const { createTrust } = await import('../stages/openpgp/index.ts')
  return createTrust(await readKeyFiles(files))
}

/** Of the keys in files, public or secret; no passphrase is needed. */
export async function readKeyFingerprints(files: readonly string[]): Promise<readonly string[]> {
  if (files.length === 0) return []
  const { readFingerprints } = await import('../stages/openpgp/index.ts')
  return (await Promise.all((await readKeyFiles(files)).map(readFingerprints))).flat()
}

/** What opens `what`: secret keys out of files, or the gpg program. */
export async function readDecryption(keys: DecodeKeys, what: string): Promise<DecryptionMeans> {
  if (keys.gpg) {
    return { gpg: { command: [await findGpg(keys.searchPath)] } }
  }
  if (keys.keys.length === 0) {
    throw new LifeboatError('key-unusable', `unable to read ${what}: it is encrypted and no key was given`, {
      hint: 'Give the secret key with --key FILE (and --passphrase prompt:), or --gpg if gpg holds it.',
    })
  }
  return {
    secretKeys: await readKeyFiles(keys.keys),
    ...(keys.passphrase !== undefined && { passphrase: keys.passphrase }),
  }
}

async function findGpg(searchPath: string): Promise<string> {
  const found = await findTool(['gpg', 'gpg2'], searchPath)
  if (found !== undefined) return found
  throw new LifeboatError('tool-missing', "unable to find 'gpg' on PATH", {
    hint: 'Install it (apt-get install gnupg), or give the secret key by file.',
  })
}

function asScheme(name: string): string {
  return `${name}://`
}

function unknown(kind: string, given: string, known: readonly string[], example: string): LifeboatError {
  const likely = nearest(given, known)
  const others = known.filter((name) => name !== likely)
  const hint =
    likely === undefined
      ? `Known are ${known.join(', ')}; for example ${example}.`
      : `Did you mean ${likely}? Known are also ${others.join(', ')}.`
  return new LifeboatError('usage', `unable to use ${kind} '${given}': there is no such ${kind}`, { hint })
}
