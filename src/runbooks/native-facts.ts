import { isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { findGroups, ownGroup } from './landing.ts'
import type { NativeBackup } from './ports/native-restore.ts'
import type { RdsInstance } from './ports/rds.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

/** Null is as the source has it, from its own control plane or an inventory that stands for it. */
export interface NativeOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  readonly targetId: string | null
  readonly engine: string | null
  readonly engineVersion: string | null
  readonly storageGib: number | null
  readonly masterUser: string | null
  readonly kmsKey: string | null
  readonly subnetGroup: string | null
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly classes: readonly string[]
  readonly zones: readonly string[]
  readonly multiAz: boolean | null
  readonly backupDays: number | null
}

export interface NativeFacts {
  readonly account: string
  readonly backup: Omit<NativeBackup, 'ended'> & { readonly ended: string }
  readonly engine: string
  readonly engineVersion: string
  readonly classes: readonly string[]
  readonly storage: RdsInstance['storage']
  readonly masterUser: string
  /** Of Oracle: its SID. */
  readonly databaseName: string | null
  readonly kmsKeyArn: string | null
  readonly subnetGroup: string
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly multiAz: boolean
  readonly port: number | null
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly backupRetentionDays: number
}

export async function gatherNative(
  options: NativeOptions,
  { source, target, iam, native }: CloudPorts,
  signal: AbortSignal,
): Promise<NativeFacts> {
  const close = (reason: string, hint: string) => closed(options, reason, hint)
  if (native === undefined)
    throw close(
      'no backup was named',
      'Say where backups are with --backups SINK, and open them with --key FILE.',
    )
  const { account } = await iam.caller(signal)
  const found = await native.newest(signal)
  if (found === undefined)
    throw close(
      'there is no backup of this job at the sink',
      'Look with lifeboat list --at SINK, and name the --job.',
    )
  const old = await askSource(options, source, signal)
  const known = describe(options, old)
  if (familyOf(known.engine) !== found.engine) {
    const hint = 'Name the --job of its backups, or with --engine one of their engine.'
    throw close(`backup ${found.id} is of ${found.engine}, and ${known.engine} can not load it`, hint)
  }
  const groups = {
    subnetGroup: options.subnetGroup ?? old?.subnetGroup ?? '',
    parameterGroup: options.parameterGroup ?? ownGroup(old?.parameterGroups[0]?.name),
    optionGroup: options.optionGroup ?? ownGroup(old?.optionGroups[0]?.name),
  }
  await findGroups(groups, 'instance', target, close, signal)
  const key = options.kmsKey === null ? undefined : await target.kms.key(options.kmsKey, signal)
  return {
    ...{ ...known, ...groups, account },
    backup: { ...found, ended: found.ended.toISOString() },
    // A key that is not there is what the first step says.
    kmsKeyArn: key?.arn ?? options.kmsKey,
    multiAz: options.multiAz ?? old?.multiAz ?? true,
    port: old?.endpoint?.port ?? null,
    iamAuthentication: old?.iamAuthentication ?? false,
    logExports: old?.logExports ?? [],
    backupRetentionDays: options.backupDays ?? Math.max(old?.backupRetentionDays ?? 7, 1),
  }
}

/** Where the operator says all, no answer is an answer: the way is for when that region is dead. */
async function askSource(
  options: NativeOptions,
  { rds, region }: RegionPorts,
  signal: AbortSignal,
): Promise<RdsInstance | undefined> {
  try {
    return await rds.instance(options.db, signal)
  } catch (thrown) {
    if (!isTransient(thrown)) throw thrown
    const { engine, engineVersion, storageGib, masterUser, classes } = options
    const isTold = [engine, engineVersion, storageGib, masterUser, classes[0]].every((each) => each != null)
    if (isTold) return undefined
    const { message } = closed(options, `${region} gives no answer: ${messageOf(thrown)}`, TELL)
    const details = { ...(thrown instanceof LifeboatError && thrown.details), opens: true }
    throw new LifeboatError('step-failed', message, { hint: TELL, cause: thrown, details })
  }
}

const TELL =
  'Give --inventory FILE, which lifeboat inventory export has written, or all of --engine, --engine-version, --class, --storage-gib and --master-user.'

type Known = Pick<
  NativeFacts,
  'engine' | 'engineVersion' | 'classes' | 'storage' | 'masterUser' | 'databaseName'
>

function describe(options: NativeOptions, old: RdsInstance | undefined): Known {
  const engine = options.engine ?? old?.engine
  const engineVersion = options.engineVersion ?? old?.engineVersion
  const masterUser = options.masterUser ?? old?.masterUser
  const gib = options.storageGib ?? old?.storage.gib
  const own = old === undefined ? [] : [old.instanceClass]
  const classes = [...new Set(options.classes.length > 0 ? [...options.classes, ...own] : own)]
  if (
    engine === undefined ||
    engineVersion === undefined ||
    masterUser === undefined ||
    gib === undefined ||
    classes.length === 0
  ) {
    throw closed(options, `${options.source} does not know it`, TELL)
  }
  if (engine.startsWith('aurora')) {
    const hint = `Name an engine of RDS: --engine ${familyOf(engine)} --engine-version VERSION.`
    throw closed(options, `it is of ${engine}, and this way makes an instance of RDS`, hint)
  }
  const databaseName = engine.startsWith('oracle') ? (old?.databaseName ?? null) : null
  const storage = old === undefined ? { type: 'gp3', gib } : { ...old.storage, gib }
  return { engine, engineVersion, masterUser, classes, databaseName, storage }
}

function familyOf(engine: string): string {
  if (/mysql|mariadb/.test(engine)) return 'mysql'
  if (engine.includes('postgres')) return 'postgres'
  return engine.split('-')[0] ?? engine
}

function closed({ db }: NativeOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to restore '${db}' into a new instance: ${reason}`, {
    hint,
  })
}
