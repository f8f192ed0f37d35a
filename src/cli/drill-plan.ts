import type { Check } from '../app/drill/check.ts'
import { defaults } from '../config/defaults.ts'
import { type ResolvedDrill, type ResolvedDrillTarget, resolveDrill } from '../config/drill.ts'
import { needConfig } from '../config/find-config.ts'
import { type ResolvedJob, resolveJob, resolveSigning } from '../config/job.ts'
import type { LoadedConfig } from '../config/load.ts'
import { isBackupId } from '../core/backup-layout.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PlannedSigning, Reference } from './dump-plan.ts'
import type { SinkSecrets, VerbContext, VerbOptions } from './run-verb.ts'

export interface DrillOptions extends VerbOptions, SinkSecrets {
  readonly at?: string
  readonly job?: string
  readonly local?: boolean
  readonly container?: boolean
  readonly image?: string
  readonly into?: string
  readonly password?: string
  readonly replace?: boolean
  readonly scratch?: string
  readonly runAs?: string
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly jobs?: number
  readonly rto?: number
  readonly rpo?: number
  readonly timeout?: number
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly signingKey?: string
  readonly signingPassphrase?: string
  readonly signingGpg?: string
  readonly config?: string
  readonly audit?: string
}

/** A job of the configuration, with how it is drilled. */
export interface ConfiguredDrill {
  readonly loaded: LoadedConfig
  readonly job: ResolvedJob
  readonly drill: ResolvedDrill
}

/** One drill, with every setting decided. */
export interface DrillPlan {
  readonly job: string
  readonly id: string | undefined
  /** Undefined: the first of the job. */
  readonly at: string | undefined
  readonly configured: ConfiguredDrill | undefined
  readonly target: Exclude<ResolvedDrillTarget, { kind: 'into' }> | IntoPlan
  readonly keys: readonly string[]
  readonly passphrase: Reference
  readonly gpg: boolean
  readonly jobs: number
  readonly scratch: string | undefined
  readonly runAs: string | undefined
  readonly timeoutMs: number | undefined
  readonly promised: { readonly rtoMs: number | undefined; readonly rpoMs: number | undefined }
  readonly checks: readonly Check[]
  readonly signing: PlannedSigning
}

export interface IntoPlan {
  readonly kind: 'into'
  readonly url: string
  readonly password: Reference
  readonly replace: boolean
}

/** `what` is a backup where it looks like one, else a job; flags win over what the file says. */
export async function planDrill(
  what: string | undefined,
  options: DrillOptions,
  context: VerbContext,
): Promise<DrillPlan> {
  const isBackup = what === undefined || what === 'latest' || isBackupId(what)
  const named = isBackup ? (options.at === undefined ? options.job : undefined) : what
  if (!isBackup && options.job !== undefined) {
    throw usage(`job '${what}' and --job '${options.job}' are both given`, 'Leave out one of them.')
  }
  if (named === undefined && options.at === undefined) {
    throw usage(
      'neither a job of the configuration nor a sink is named',
      'Write lifeboat drill JOB, or add --at file:///path, s3://bucket/prefix or ssh://user@host/path.',
    )
  }
  const configured = named === undefined ? undefined : await readJob(named, options, context)
  const drill = configured?.drill
  return {
    job: configured?.job.name ?? options.job ?? defaults.job,
    id: isBackup ? what : undefined,
    at: options.at,
    configured,
    target: planTarget(options, drill?.target),
    ...planKeys(options, drill),
    jobs: options.jobs ?? drill?.jobs ?? defaults.jobs,
    scratch: options.scratch ?? drill?.scratch,
    runAs: options.runAs ?? drill?.runAs,
    timeoutMs: options.timeout ?? drill?.timeoutMs,
    promised: {
      rtoMs: options.rto ?? configured?.job.rtoMs,
      rpoMs: options.rpo ?? configured?.job.rpoMs,
    },
    checks: drill?.checks ?? [],
    signing: planSigning(options, configured),
  }
}

async function readJob(
  name: string,
  options: DrillOptions,
  { environment }: VerbContext,
): Promise<ConfiguredDrill> {
  const loaded = await needConfig(options.config, environment)
  return { loaded, job: resolveJob(loaded, name), drill: resolveDrill(loaded, name) }
}

function planTarget(options: DrillOptions, base: ResolvedDrillTarget | undefined): DrillPlan['target'] {
  const { local, container, image, into, password, replace } = options
  const given = [local === true, container === true, into !== undefined].filter(Boolean)
  if (given.length > 1) {
    throw usage('--local, --container and --into contradict each other', 'Leave one of them.')
  }
  const target: ResolvedDrillTarget =
    local === true
      ? { kind: 'local' }
      : container === true
        ? { kind: 'container', image: base?.kind === 'container' ? base.image : undefined }
        : into !== undefined
          ? { kind: 'into', url: into, password: undefined, replace: false }
          : (base ?? { kind: 'local' })
  if (image !== undefined && target.kind !== 'container') {
    throw usage('--image is for --container', 'Add --container, or leave out --image.')
  }
  if (target.kind !== 'into') {
    if (password !== undefined || replace === true)
      throw usage('--password and --replace are for --into', 'Leave them out, or add --into DATABASE-URL.')
    return target.kind === 'container' ? { kind: 'container', image: image ?? target.image } : target
  }
  return {
    kind: 'into',
    url: target.url,
    password:
      password !== undefined || target.password === undefined
        ? { option: '--password', reference: password }
        : { option: 'drill.into.password', reference: target.password },
    replace: replace ?? target.replace,
  }
}

function planKeys(
  options: DrillOptions,
  drill: ResolvedDrill | undefined,
): Pick<DrillPlan, 'keys' | 'passphrase' | 'gpg'> {
  const { key, gpg, passphrase } = options
  const own = { option: '--passphrase', reference: passphrase }
  if (key !== undefined || gpg === true) return { keys: key ?? [], passphrase: own, gpg: gpg ?? false }
  const named = drill?.key
  return {
    keys: named === undefined ? [] : [named.file],
    passphrase:
      passphrase !== undefined || named?.passphrase === undefined
        ? own
        : { option: `keys.${named.name}.passphrase`, reference: named.passphrase },
    gpg: drill?.gpg ?? false,
  }
}

function planSigning(options: DrillOptions, configured: ConfiguredDrill | undefined): PlannedSigning {
  const { signingKey, signingGpg, signingPassphrase } = options
  if (signingKey !== undefined && signingGpg !== undefined) {
    throw usage('--signing-key and --signing-gpg are both given', 'Leave out the one that is not meant.')
  }
  const named = signingKey !== undefined || signingGpg !== undefined
  const base = named || configured === undefined ? {} : resolveSigning(configured.loaded)
  return {
    file: signingKey ?? base.file,
    gpg: signingGpg ?? base.gpg,
    passphrase:
      signingPassphrase !== undefined || base.passphrase === undefined
        ? { option: '--signing-passphrase', reference: signingPassphrase }
        : { option: 'the passphrase of the signing key', reference: base.passphrase },
  }
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to start: ${reason}`, { hint })
}
