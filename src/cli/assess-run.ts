import { type Assessment, assess, hasWayOut } from '../app/assess/assess.ts'
import type { GatherRequest, Login } from '../app/assess/gather.ts'
import { measuredRuns } from '../app/assess/measured-runs.ts'
import { newestBackups } from '../app/assess/newest-backups.ts'
import { openAssessedRegions } from '../app/assess/open-regions.ts'
import { readPlain } from '../app/inventory/read-plain.ts'
import type { Inventory } from '../app/inventory/record.ts'
import { inventoryKind } from '../app/inventory/store.ts'
import { preparedHere } from '../app/kept-landing.ts'
import { runsAtSink, runsInFolder } from '../app/past-runs.ts'
import { createDecoders, openEngine, openSink } from '../app/registry.ts'
import { findRecord, openRecord } from '../app/sealed-record.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { AssessOptions } from './assess.ts'
import { assessText } from './assess-text.ts'
import { printable } from './printable.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { type SinkAddress, sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

const TIMEOUT_MS = 15_000

interface Place extends SinkAddress {
  /** As the operator called it. */
  readonly name: string
}

export async function runAssess(options: AssessOptions, context: VerbContext): Promise<Outcome> {
  const { signal } = context
  const { simulate, profile, db, timeout: timeoutMs = TIMEOUT_MS } = options
  const job = options.job === undefined ? undefined : checkJobName(options.job)
  const { source, target } = options
  const regions = { ...(source !== undefined && { source }), ...(target !== undefined && { target }) }
  using cloud = await openAssessedRegions({
    flags: { ...regions, ...(db !== undefined && { db }) },
    simulate: simulate === true ? 'instance' : simulate,
    ...{ faults: options.fault ?? [], profile },
  })
  const places = await Promise.all(
    (options.at ?? []).map(async (name) => ({
      name,
      ...(await sinkAddress(name, '--at', options, context)),
    })),
  )
  const { trust } = await readTrust(options, context)
  const inventory = await inventoryOf(options, { places, job, trust, timeoutMs }, context)
  const found = await assess(
    {
      ...{ ports: cloud.ports, pulse: cloud.pulse, clock: cloud.clock, timeoutMs, inventory },
      databases: db?.map((id) => id.toLowerCase()),
      flags: landingFlags(options),
      sinks: places.map((place) => sinkOf(place, job, trust)),
      // Groups and keys of real regions are not in a simulated one.
      prepared: simulate === undefined ? await preparedHere(context.environment.stateFolder) : [],
      past: [
        {
          name: 'this machine',
          look: async () => measuredRuns((await runsInFolder(context.environment.stateFolder)).runs),
        },
        ...places.map(pastOf),
      ],
      login: loginOf(options, context),
    },
    signal,
  )
  const lacking = found.planes.find(({ state }) => state === 'no-credentials')
  if (lacking !== undefined) {
    context.reporter.warn({
      message: `AWS could not be asked: ${lacking.reason}`,
      hint: 'renew the credentials (aws sso login, a new session token), or name a profile that has some with --profile, then run again',
    })
  } else if (isBlind(found)) {
    context.reporter.warn({
      message: `${found.source} gives no usable answer, and no inventory says what was there`,
      hint: 'name one with --inventory FILE, or with --at SINK --key FILE; its newest is then used',
    })
  }
  return {
    text: printable(assessText(found, simulate !== undefined)),
    json: (warnings) => ({ ...found, simulated: simulate !== undefined, warnings }),
    exitCode: hasWayOut(found) ? 0 : 42,
  }
}

function isBlind({ databases, inventory, problem }: Assessment): boolean {
  return (
    inventory === null &&
    (problem !== null || databases.some(({ identity }) => !identity.known && identity.obstacle !== 'refused'))
  )
}

function landingFlags(options: AssessOptions): GatherRequest['flags'] {
  const { kmsKey, subnetGroup, securityGroup, parameterGroup, optionGroup, class: classes, zone } = options
  const { profile, inventory } = options
  const given = {
    profile,
    inventory,
    kmsKey,
    subnetGroup,
    securityGroup,
    parameterGroup,
    optionGroup,
    class: classes,
    zone,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** Opened within the question: one that can't be reached is one answer among others. */
function sinkOf(
  { name, url, context }: Place,
  job: string | undefined,
  trust: SignatureTrust | undefined,
): GatherRequest['sinks'][number] {
  return {
    name,
    async look(signal) {
      await using sink = await openSink(url, context)
      return await newestBackups({ sink, name, job, trust }, signal)
    },
  }
}

/** What runs took that left a copy of their journal there. */
function pastOf({ name, url, context }: Place): GatherRequest['past'][number] {
  return {
    name,
    async look(signal) {
      await using sink = await openSink(url, context)
      return measuredRuns((await runsAtSink(sink, signal)).runs)
    },
  }
}

function loginOf(options: AssessOptions, context: VerbContext): Login | undefined {
  const { from, db = [] } = options
  if (from === undefined) return undefined
  if (db.length !== 1) {
    throw new LifeboatError('usage', 'unable to start: --from is of one database', {
      hint: 'Name that one with --db, and assess the others without --from.',
    })
  }
  const { host, port } = parseDatabaseUrl(from)
  const password = context.secret('--password', options.password, 'password of the database account')
  const { searchPath } = context.environment
  return {
    endpoint: host === undefined || port === undefined ? null : { host, port },
    async probe(signal) {
      await using engine = await openEngine(from, { searchPath, ...(password !== undefined && { password }) })
      const { flavour, serverVersion } = await engine.probe('source', signal)
      return `${flavour} ${serverVersion}`
    },
  }
}

interface InventoryPlaces {
  readonly places: readonly Place[]
  readonly job: string | undefined
  readonly trust: SignatureTrust | undefined
  readonly timeoutMs: number
}

/** Read beforehand: a passphrase that has to be typed takes its time. */
async function inventoryOf(
  options: AssessOptions,
  where: InventoryPlaces,
  context: VerbContext,
): Promise<Inventory | undefined> {
  if (options.inventory !== undefined) return readPlain(options.inventory)
  if (options.key === undefined && options.gpg !== true) return undefined
  for (const place of where.places) {
    try {
      return await newestInventory(place, options, where, context)
    } catch (thrown) {
      if (context.signal.aborted || !(thrown instanceof LifeboatError)) throw thrown
      context.reporter.warn({
        message: `no inventory from ${place.name}: ${messageOf(thrown)}`,
        ...(thrown.hint !== undefined && { hint: thrown.hint }),
      })
    }
  }
  return undefined
}

async function newestInventory(
  { url, context: sinkContext }: Place,
  { key: keys = [], gpg = false, passphrase: reference }: AssessOptions,
  { job, trust, timeoutMs }: InventoryPlaces,
  context: VerbContext,
): Promise<Inventory> {
  const passphrase = context.secret('--passphrase', reference, 'passphrase of the OpenPGP key')
  const { searchPath } = context.environment
  const late = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)])
  await using sink = await openSink(url, sinkContext)
  const name = await findRecord(sink, inventoryKind, { job, id: undefined }, late)
  const { record } = await openRecord(
    sink,
    inventoryKind,
    name,
    {
      trust,
      decoders: (names, what) => createDecoders(names, what, { keys, passphrase, gpg, searchPath }),
    },
    // Whoever types a passphrase is not hurried.
    reference?.startsWith('prompt:') === true ? context.signal : late,
  )
  return record
}
