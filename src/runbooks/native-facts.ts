import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { findGroups } from './landing.ts'
import { type Close, familyOf, type NativeOptions, settleNative, TELL } from './native-settings.ts'
import type { NativeBackup, NativeDumpPort, NativeRestorePort } from './ports/native-restore.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { instanceGroupOf } from './restore-landing.ts'
import { readModel, type SourceModel } from './source-model.ts'

/** What the plan depends on: asked once, kept in the journal. */
export interface NativeFacts {
  readonly account: string
  /** The newest; null where one is made first. */
  readonly backup: (Omit<NativeBackup, 'ended'> & { readonly ended: string }) | null
  /** To be made: `endpoint` is whom to dump, where no job says so. */
  readonly dump: (NativeDumpPort['plan'] & { readonly endpoint: Endpoint | null }) | null
  /** By the source region, or an inventory; null where the operator says all. */
  readonly model: SourceModel | null
  /** That the target region has, for a cluster's instances. */
  readonly instanceParameterGroup: string | null
  readonly kmsKeyArn: string | null
}

export async function gatherNative(
  options: NativeOptions,
  { source, target, iam, native }: CloudPorts,
  signal: AbortSignal,
): Promise<NativeFacts> {
  const close: Close = (reason, hint) => closed(options, reason, hint)
  if (native === undefined)
    throw close(
      'no backup was named',
      'Say where backups are with --backups SINK, and open them with --key FILE.',
    )
  const { account } = await iam.caller(signal)
  const stored = options.dumpNow ? null : await newest(native, close, signal)
  const model = await askSource(options, source, close, signal)
  const settings = settleNative(options, model, close)
  const dump = options.dumpNow ? planDump(options, native, model, close) : null
  const { engine, what, hint } =
    stored === null
      ? { engine: dump?.engine ?? '', what: 'the dump', hint: 'Name a --login or --job of its engine.' }
      : {
          engine: stored.engine,
          what: `backup ${stored.id}`,
          hint: 'Name the --job of its backups, or with --engine one of their engine.',
        }
  if (familyOf(settings.engine) !== familyOf(engine))
    throw close(`${what} is of ${engine}, and ${settings.engine} can not load it`, hint)
  const { securityGroups } = options
  await findGroups({ ...settings, securityGroups }, settings.kind, target, close, signal)
  const key = options.kmsKey === null ? undefined : await target.kms.key(options.kmsKey, signal)
  return {
    ...{ account, dump, model },
    backup: stored === null ? null : { ...stored, ended: stored.ended.toISOString() },
    instanceParameterGroup: await instanceGroupOf(model, target, signal),
    // A key that is not there is what the first step says.
    kmsKeyArn: key?.arn ?? options.kmsKey,
  }
}

async function newest(native: NativeRestorePort, close: Close, signal: AbortSignal): Promise<NativeBackup> {
  const found = await native.newest(signal)
  if (found !== undefined) return found
  throw close(
    'there is no backup of this job at the sink',
    'Look with lifeboat list --at SINK, and name the --job; or make one first with --dump-now.',
  )
}

function planDump(
  { from }: NativeOptions,
  { dump }: NativeRestorePort,
  model: SourceModel | null,
  close: Close,
): NativeFacts['dump'] {
  if (dump === undefined)
    throw close(
      'nobody was named who could dump it',
      'Name the account with --login URL and --dump-password REF, or a job of the configuration with --job.',
    )
  const endpoint = from ?? model?.endpoint ?? null
  if (dump.plan.from === null && endpoint === null)
    throw close('its endpoint is not known', 'Name it with --from HOST:PORT, as applications reach it.')
  return { ...dump.plan, endpoint }
}

/** Where the operator says all, no answer is an answer, as is a refusal: the way is for when that region is dead. */
async function askSource(
  options: NativeOptions,
  source: RegionPorts,
  close: Close,
  signal: AbortSignal,
): Promise<SourceModel | null> {
  try {
    return (await readModel(options.db, source, signal)) ?? null
  } catch (thrown) {
    if (faultOf(thrown) === undefined) throw thrown
    if (isTold(options)) return null
    if (!isTransient(thrown)) throw thrown
    const { message } = close(`${source.region} gives no answer: ${messageOf(thrown)}`, TELL)
    const details = { ...(thrown instanceof LifeboatError && thrown.details), opens: true }
    throw new LifeboatError('step-failed', message, { hint: TELL, cause: thrown, details })
  }
}

function isTold({ engine, engineVersion, storageGib, masterUser, classes }: NativeOptions): boolean {
  const sized = engine?.startsWith('aurora') === true ? 0 : storageGib
  return [engine, engineVersion, sized, masterUser, classes[0]].every((each) => each != null)
}

function closed({ db }: NativeOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to restore '${db}' into a new database: ${reason}`, {
    hint,
  })
}
