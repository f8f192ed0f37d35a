import { openRegions } from '../app/inventory/open-regions.ts'
import { sourceOf } from '../app/inventory/record.ts'
import { type RecordedInventory, recordInventory } from '../app/inventory/record-inventory.ts'
import { preparedHere } from '../app/kept-landing.ts'
import { createEncodeStages, createManifestSigner, openSink } from '../app/registry.ts'
import { newBackupId } from '../core/backup-layout.ts'
import { systemClock } from '../core/clock.ts'
import { ERROR_CODES } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import { showBytes, showCount } from './amounts.ts'
import { openAudit, recorded } from './audit-log.ts'
import type { PlannedSigning } from './dump-plan.ts'
import type { InventoryOptions } from './inventory.ts'
import { type InventoryPlan, planInventory } from './inventory-plan.ts'
import { errorObject } from './print-error.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { strings } from './summary.ts'

/** Asks, stores, and says what is unknown: the exit code is then that of a step that failed. */
export async function take(options: InventoryOptions, context: VerbContext): Promise<Outcome> {
  const plan = await planInventory(options, context)
  const stages = await createEncodeStages({ codec: 'gzip', level: undefined, recipients: plan.recipients })
  const signer = await openSigner(plan.signing, context)
  await using opened = new AsyncDisposableStack()
  const sinks: Sink[] = []
  for (const { url, context: secrets } of await addresses(plan, options, context)) {
    sinks.push(opened.use(await openSink(url, secrets)))
  }
  using ports = await openRegions(plan)
  if (plan.recipients.length === 0) {
    context.reporter.warn({
      message: 'this inventory is not encrypted',
      hint: 'whoever can read the sink can read how your databases are built and guarded',
    })
  }
  const log = await openAudit(options, context)
  const facts = {
    ...{ verb: 'inventory', job: plan.job, source: plan.source },
    sinks: sinks.map(({ name }) => name),
    recipients: stages.flatMap((stage) => strings(stage.facts.recipients)),
    ...(signer !== undefined && { signer: signer.fingerprint }),
  }
  return await recorded(
    log,
    facts,
    async (recording) => {
      const id = newBackupId(systemClock.now())
      const { job, databases, timeoutMs, target } = plan
      const prepared = await preparedHere(context.environment.stateFolder)
      const done = await recordInventory(
        {
          ...{ ports, both: target !== undefined, databases, id, job, clock: systemClock, timeoutMs },
          ...{ sinks, stages, signer, prepared },
        },
        context.signal,
      )
      const exitCode = tell(done, context)
      if (exitCode !== 0) recording.failed({ exitCode })
      return { ...outcomeOf(done), exitCode }
    },
    context,
  )
}

async function addresses(plan: InventoryPlan, options: InventoryOptions, context: VerbContext) {
  if (plan.sinks === undefined) return [await sinkAddress(options.to, '--to', options, context)]
  return plan.sinks.map((sink) => ({ url: sink.url, context: context.plannedSinkContext(sink) }))
}

export async function openSigner({ file, gpg, passphrase }: PlannedSigning, context: VerbContext) {
  const secret = context.secret(passphrase.option, passphrase.reference, 'passphrase of the signing key')
  return createManifestSigner(
    {
      ...(file !== undefined && { file }),
      ...(gpg !== undefined && { gpg }),
      ...(secret !== undefined && { passphrase: secret }),
      searchPath: context.environment.searchPath,
    },
    context.signal,
  )
}

/** Warns of what is unknown and of places that did not take it; returns the exit code. */
function tell({ inventory, places }: RecordedInventory, { reporter }: VerbContext): number {
  for (const { region, what, of, reason } of inventory.unknown) {
    const where = region === undefined ? '' : ` of ${region}`
    const name = of === undefined ? '' : ` (${of})`
    reporter.warn({ message: `unknown: ${what}${name}${where}: ${reason}` })
  }
  const failed = places.flatMap(({ error }) => error ?? [])
  for (const error of failed) reporter.fail(error)
  const [first] = failed
  if (first !== undefined) return first.exitCode
  return inventory.unknown.length === 0 ? 0 : ERROR_CODES['step-failed'].exit
}

function outcomeOf(done: RecordedInventory): Outcome {
  const { inventory, places, bytes, key } = done
  const from = sourceOf(inventory)
  const stored = places.flatMap(({ sink, error }) => (error === undefined ? [sink] : []))
  const counts = {
    instances: from.instances.length,
    clusters: from.clusters.length,
    snapshots: inventory.regions.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
  }
  const what = [
    showCount(counts.instances, 'instance'),
    showCount(counts.clusters, 'cluster'),
    showCount(counts.snapshots, 'snapshot'),
  ].join(', ')
  return {
    text: `${inventory.id}\n  ${inventory.source}: ${what}; ${inventory.unknown.length} unknown; ${showBytes(bytes)} at ${stored.join(' and ')}\n`,
    json: (warnings) => ({
      ...{ id: inventory.id, job: inventory.job, source: inventory.source, target: inventory.target ?? null },
      ...{ account: inventory.account ?? null, ...counts, key, bytes, unknown: inventory.unknown },
      places: places.map(({ sink, error }) => ({
        sink,
        ok: error === undefined,
        ...(error !== undefined && { error: errorObject(error) }),
      })),
      warnings,
    }),
  }
}
