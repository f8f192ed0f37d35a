import { type MigratePlan, type MigrateRequest, planMigration, runMigration } from '../app/migrate.ts'
import type { StepEvent } from '../app/run-runbook.ts'
import { type RunbookReport, reportText } from '../app/runbook-report.ts'
import { LifeboatError } from '../core/errors.ts'
import { wordsAgain } from './again-words.ts'
import type { MigrateOptions } from './migrate.ts'
import { besideOf } from './migrate-beside.ts'
import { openGuard } from './migrate-guard.ts'
import type { openNative } from './migrate-native.ts'
import type { openRows } from './migrate-rows.ts'
import { planJson, planText, policyText } from './migrate-text.ts'
import { printable } from './printable.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

/** Where an inventory stands for the source region; elsewhere it only says what that does not. */
const BY_INVENTORY = new Set(['verify', 'prepare', 'native', 'restore-snapshot', 'restore-replicated-backup'])

export async function migrate(way: string, options: MigrateOptions, context: VerbContext): Promise<Outcome> {
  if (options.inventory !== undefined && (way === 'fence' || way === 'unfence')) {
    throw new LifeboatError('usage', `unable to start: --inventory is not for '${way}'`, {
      hint: 'Leave it out: what this way does with the source, it asks of the source itself.',
    })
  }
  const { dryRun = false, printPolicy = false, resume } = options
  if ((dryRun || printPolicy) && resume !== undefined) {
    throw new LifeboatError(
      'usage',
      'unable to start: --resume goes on with a run, and a plan runs nothing',
      {
        hint: 'Leave out --resume, or --dry-run and --print-policy.',
      },
    )
  }
  await using native = await nativeOf(way, options, context)
  await using rows = await rowsOf(way, options, context)
  const request = {
    ...(await withLanding(requestOf(way, options, context), options)),
    ...(native !== undefined && { native: native.port }),
    ...(rows !== undefined && { rows: rows.port }),
  }
  if (dryRun || printPolicy) return await showPlan(way, request, options, context)
  if (options.at === undefined) return await run(request, options, context)
  const address = await sinkAddress(options.at, '--at', options, context)
  const { openSink } = await import('../app/registry.ts')
  await using sink = await openSink(address.url, address.context)
  return await run({ ...request, sink }, options, context)
}

/** A resumed run has its own; a simulated cloud has not what was prepared in the real one. */
async function withLanding(request: MigrateRequest, options: MigrateOptions): Promise<MigrateRequest> {
  const { way, flags, stateFolder, inventory, simulate } = request
  if (options.resume !== undefined || simulate !== undefined || typeof way !== 'string') return request
  const [{ addKeptLanding }, { readPlain }] = await Promise.all([
    import('../app/kept-landing.ts'),
    import('../app/inventory/read-plain.ts'),
  ])
  const record = inventory === undefined ? undefined : await readPlain(inventory)
  return { ...request, flags: await addKeptLanding(way, flags, { stateFolder, inventory: record }) }
}

async function nativeOf(
  way: string,
  options: MigrateOptions,
  context: VerbContext,
): Promise<Awaited<ReturnType<typeof openNative>> | undefined> {
  const { backups, simulate } = options
  if (way !== 'native' || backups === undefined || simulate !== undefined) return undefined
  const { openNative: open } = await import('./migrate-native.ts')
  return open({ ...options, backups }, context)
}

/** Of what was not restored from a backup, rows are compared with the newest one. */
export async function rowsOf(
  way: string,
  options: MigrateOptions,
  context: VerbContext,
): Promise<Awaited<ReturnType<typeof openRows>> | undefined> {
  const { backups, simulate } = options
  if (way === 'native' || backups === undefined || simulate !== undefined) return undefined
  const { openRows: open } = await import('./migrate-rows.ts')
  return open({ ...options, backups }, context)
}

export async function showPlan(
  way: string,
  request: MigrateRequest,
  options: MigrateOptions,
  context: VerbContext,
): Promise<Outcome> {
  const { guard } = await openGuard('migrate', way, options, undefined, context)
  const plan = await planMigration({ ...request, guard }, context.signal)
  return planOutcome(way, plan, options.printPolicy === true, options.simulate !== undefined)
}

/** Its lines have the names that were given, which may be those of real databases. */
const REHEARSAL =
  'A rehearsal, in a cloud in memory: AWS was asked and told nothing. Typed into a shell, the lines below would be for real.\n\n'

export function planOutcome(
  way: string,
  plan: MigratePlan,
  printPolicy: boolean,
  simulated: boolean,
): Outcome {
  return {
    text: printPolicy
      ? policyText(plan.policy())
      : `${simulated ? REHEARSAL : ''}${planText(plan.runbook, plan.judged)}`,
    json: (warnings) =>
      printPolicy
        ? { way, simulated, ...plan.policy(), warnings }
        : { way, simulated, ...planJson(plan.runbook, plan.judged), facts: plan.facts, warnings },
  }
}

export async function run(
  request: MigrateRequest,
  options: MigrateOptions,
  context: VerbContext,
): Promise<Outcome> {
  const { reporter, signal } = context
  const { resume, deadline, confirm = false } = options
  const simulated = options.simulate !== undefined
  const way = typeof request.way === 'string' ? request.way : request.way.name
  const { guard, watched } = await openGuard('migrate', way, options, request.sink?.name, context)
  const beside = await besideOf(options, context)
  const work = () =>
    runMigration(
      {
        ...{ ...request, confirm, guard, onTell: reporter.say, again: wordsAgain(options) },
        ...(beside !== undefined && { beside }),
        ...(resume !== undefined && { resume }),
        ...(deadline !== undefined && { deadlineMs: deadline }),
        onStart: (id, journal) => {
          const what = simulated ? 'simulated run' : 'run'
          reporter.say(`${what} ${id}, journal ${journal}`)
        },
        onStep: tellSteps((message) => reporter.onEvent({ kind: 'step', message })),
      },
      signal,
    )
  return reportOutcome(await watched(request.flags, work), simulated)
}

export function reportOutcome(report: RunbookReport, simulated: boolean): Outcome {
  return {
    text: printable(`${simulated ? REHEARSAL : ''}${reportText(report)}`),
    json: (warnings) => ({ ...report, beware: report.warnings, simulated, warnings }),
  }
}

/** A line for each change of state, and for each tenth of the way. */
export function tellSteps(say: (line: string) => void): (event: StepEvent) => void {
  let told = ''
  return ({ title, number, steps, state, percent, reason }) => {
    const tenth = percent === undefined ? '' : ` ${Math.floor(percent / 10)}`
    const news = `${number} ${state}${tenth} ${reason ?? ''}`
    if (news === told) return
    told = news
    const detail = [state, percent === undefined ? '' : `${percent} %`, reason ?? ''].filter(
      (part) => part !== '',
    )
    say(`${number}/${steps} ${title}: ${detail.join(', ')}`)
  }
}

export function requestOf(way: string, options: MigrateOptions, context: VerbContext): MigrateRequest {
  const { simulate, profile, inventory, maxLag, accept = [], acceptSplitBrain = false } = options
  const { source, target, db, from, targetId, replica, snapshot, kmsKey, subnetGroup, securityGroup } =
    options
  const {
    parameterGroup,
    optionGroup,
    class: classes,
    zone,
    multiAz,
    backupDays,
    recreateReplica,
    failover,
  } = options
  const accepted = [...accept, ...(acceptSplitBrain ? ['split-brain'] : [])]
  const given = {
    ...{
      source,
      target,
      db,
      targetId,
      replica,
      snapshot,
      kmsKey,
      subnetGroup,
      securityGroup,
      parameterGroup,
    },
    ...{ from, optionGroup, class: classes, zone, multiAz, backupDays, recreateReplica, failover },
    at: options.restoreTime,
    engine: options.engine,
    engineVersion: options.engineVersion,
    storageGib: options.storageGib,
    usdPerGib: options.pricePerGib,
    masterUser: options.masterUser,
    dumpNow: options.dumpNow,
    newestQuery: options.newestQuery,
    write: options.write === false ? false : undefined,
    maxLagSeconds: maxLag === undefined ? undefined : maxLag / 1000,
    accept: accepted.length === 0 ? undefined : accepted,
  }
  return {
    way,
    flags: withoutUndefined(given),
    ...(simulate !== undefined && { simulate: simulate === true ? 'instance' : simulate }),
    ...(profile !== undefined && { profile }),
    ...loginOf(options, context),
    ...(options.accounts !== undefined && { accounts: options.accounts }),
    ...(inventory !== undefined && { inventory, inventoryStands: BY_INVENTORY.has(way) }),
    faults: options.fault ?? [],
    stateFolder: context.environment.stateFolder,
    onEvent: context.reporter.onEvent,
  }
}

/** What was not given must not look as if it were, or it would undo what a resumed run was given before. */
export function withoutUndefined<T extends object>(
  given: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>
  }
}

/** Host and port of the URL stand for whichever database is asked. */
export function loginOf(
  { login, password }: { readonly login?: string; readonly password?: string },
  context: VerbContext,
): Pick<MigrateRequest, 'login'> {
  const source = context.secret('--password', password, 'database password')
  if (login === undefined) {
    if (source === undefined) return {}
    throw new LifeboatError('usage', 'unable to start: --password goes with --login', {
      hint: 'Name the account with --login mysql://USER@any or postgres://USER@any.',
    })
  }
  return { login: { url: login, password: source, searchPath: context.environment.searchPath } }
}
