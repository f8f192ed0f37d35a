import { createHash } from 'node:crypto'
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { messageOf, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { makeFolders } from '../core/make-folders.ts'
import { regionOfDatabaseHost } from '../core/rds-region.ts'
import type { BucketPosture, DatabasePlace, Remedy, RemedyChoice } from '../sinks/s3/posture/index.ts'
import type { OnEvent } from './run-event.ts'

/** Undefined where the sink is no bucket. */
export async function openBucketPosture(sinkUrl: string): Promise<BucketPosture | undefined> {
  if (!/^s3:/i.test(sinkUrl)) return undefined
  const [{ parseS3SinkUrl }, { createBucketPosture }] = await Promise.all([
    import('../sinks/s3/index.ts'),
    import('../sinks/s3/posture/index.ts'),
  ])
  return createBucketPosture(parseS3SinkUrl(sinkUrl))
}

/** How the bucket of a sink is guarded; nothing where the sink is no bucket. Never a failure. */
export async function* checkBucket(
  sinkUrl: string,
  databaseUrl: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  await using posture = await openBucketPosture(sinkUrl)
  if (posture === undefined) return
  yield* (await posture.look(databasePlace(databaseUrl), signal)).findings
}

function databasePlace(url: string | undefined): DatabasePlace | undefined {
  if (url === undefined) return undefined
  const { host } = parseDatabaseUrl(url)
  return { region: host === undefined ? undefined : regionOfDatabaseHost(host) }
}

export interface FirstDump {
  readonly sinkUrl: string
  readonly databaseUrl: string
  readonly stateFolder: string
  readonly onEvent: OnEvent
}

/**
 * Warns of what a bucket lacks, before the first dump from this machine to it; again before the next one where not all
 * could be asked. Whatever goes wrong with the look itself is a warning too: it must never keep a dump from running.
 */
export async function warnBeforeFirstDump(
  { sinkUrl, databaseUrl, stateFolder, onEvent }: FirstDump,
  signal: AbortSignal,
): Promise<void> {
  try {
    await using posture = await openBucketPosture(sinkUrl)
    if (posture === undefined) return
    const folder = join(stateFolder, 'buckets')
    const name = createHash('sha256').update(sinkUrl).digest('hex').slice(0, 32)
    const seen = join(folder, name)
    if (await exists(seen)) return
    onEvent({ kind: 'step', message: `looking at how ${posture.name} is guarded` })
    const { findings, complete } = await posture.look(databasePlace(databaseUrl), signal)
    for (const { level, topic, message, hint } of findings) {
      if (level === 'ok') continue
      onEvent({ kind: 'warning', message: `${topic}: ${message}`, ...(hint !== undefined && { hint }) })
    }
    if (!complete) return
    await makeFolders(folder)
    await writeFile(seen, '', { mode: 0o600 })
  } catch (thrown) {
    throwIfAborted(signal)
    onEvent({
      kind: 'warning',
      message: `unable to look at how the bucket is guarded: ${messageOf(thrown)}`,
      hint: 'The dump goes on; look later with lifeboat doctor --to SINK-URL.',
    })
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

export interface BucketFix {
  readonly topic: string
  readonly message: string
  readonly before: unknown
  readonly after: unknown
  readonly commands: readonly string[]
  readonly outcome: 'would-apply' | 'applied' | 'failed'
  readonly error?: ReturnType<typeof toLifeboatError>
}

export interface FixRequest extends RemedyChoice {
  readonly posture: BucketPosture
  /** Makes the bucket first. */
  readonly create: boolean
  readonly confirm: boolean
}

export interface FixReport {
  readonly fixes: readonly BucketFix[]
  /** How it is guarded afterwards. */
  readonly findings: readonly Finding[]
}

/** Gives a bucket what it lacks. One that fails holds up no other: each is worth having by itself. */
export async function fixBucket(request: FixRequest, signal: AbortSignal): Promise<FixReport> {
  const { posture, create, confirm } = request
  const fixes: BucketFix[] = []
  if (create) {
    const made = await fix(posture, posture.creation(), confirm, signal)
    fixes.push(made)
    if (made.error !== undefined) throw made.error
    if (!confirm) return { fixes, findings: [] }
  }
  for (const remedy of await posture.remedies(request, signal)) {
    fixes.push(await fix(posture, remedy, confirm, signal))
  }
  return { fixes, findings: (await posture.look(undefined, signal)).findings }
}

async function fix(
  posture: BucketPosture,
  remedy: Remedy,
  confirm: boolean,
  signal: AbortSignal,
): Promise<BucketFix> {
  const { topic, message, before, after } = remedy
  const told = { topic, message, before, after, commands: posture.commands(remedy) }
  if (!confirm) return { ...told, outcome: 'would-apply' }
  try {
    await posture.apply(remedy, signal)
    return { ...told, outcome: 'applied' }
  } catch (thrown) {
    throwIfAborted(signal)
    return { ...told, outcome: 'failed', error: toLifeboatError(thrown) }
  }
}
