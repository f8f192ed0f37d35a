import type { Clock } from '../../core/clock.ts'
import { faultOf } from '../../core/cloud-fault.ts'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import type { Runbook } from '../../core/runbook.ts'
import { withTimeLimit } from '../../core/time-limit.ts'
import type { CloudPorts } from '../../runbooks/ports.ts'
import { findDatabase } from '../../runbooks/posture.ts'
import type { SourceAccounts } from '../../runbooks/source-accounts.ts'
import type { SourcePosture } from '../../runbooks/source-posture.ts'
import type { MigrationFacts } from './migration-rules.ts'
import type { Known } from './rule.ts'

export interface MigrationFactsRequest {
  readonly runbook: Runbook<CloudPorts>
  /** As the way gathered them: those of its decorators are among them. */
  readonly facts: unknown
  /** An account was given to log in with. */
  readonly login: boolean
  readonly audit: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  readonly clock: Clock
  /** Undefined in an emergency: nobody is asked, and what is not known yet stays so. */
  readonly ports: Pick<CloudPorts, 'target'> | undefined
  /** Of a run that goes on: what was known when it began; undefined for one that begins. */
  readonly lossMs: number | null | undefined
}

const ASK_MS = 20_000
const NOT_ASKED = 'an emergency waits for no answer'

/** What the rules for a migration look at: mostly what the plan says; the rest is asked of the target region, bounded. */
export async function gatherMigrationFacts(
  request: MigrationFactsRequest,
  signal: AbortSignal,
): Promise<MigrationFacts> {
  const { runbook, login, audit, rtoMs, rpoMs } = request
  const { carries, makes, estimate } = runbook
  const { sourcePosture, sourceAccounts } = decorated(request.facts)
  const has = (step: string) => runbook.steps.some(({ id }) => id === step)
  const encrypted =
    carries === undefined || carries.encrypted !== null
      ? known(carries?.encrypted ?? true)
      : await ask(request.ports, signal, async ({ target }, bounded) => {
          const found =
            makes === undefined ? undefined : await findDatabase(target, makes.id, bounded, makes.kind)
          return found?.database.encrypted
        })
  return {
    snapshots: (carries?.through ?? []).map(({ name, encrypted: is }) => ({
      name,
      encrypted: is === null ? unknown('nobody has looked') : known(is),
    })),
    encrypted,
    verifiesCopies: login && has('verify'),
    audit,
    comparesAuditLogging: !has('parity') ? known(false) : loggingKnown(sourcePosture),
    comparesGrants: !has('accounts') ? known(false) : accountsKnown(sourceAccounts),
    ...{ rtoMs, rpoMs },
    expected: estimate === undefined ? unknown('nobody can say') : known(estimate),
    lossMs:
      request.lossMs === undefined
        ? await lossOf(request, signal)
        : request.lossMs === null
          ? unknown('it was not when the run began')
          : known(request.lossMs),
  }
}

interface Decorated {
  readonly sourcePosture?: SourcePosture
  readonly sourceAccounts?: SourceAccounts
}

function decorated(facts: unknown): Decorated {
  return typeof facts === 'object' && facts !== null ? (facts as Decorated) : {}
}

function loggingKnown(posture: SourcePosture | undefined): Known<boolean> {
  const isKnown = posture?.known.logExports !== undefined && posture.known.parameters !== undefined
  return isKnown
    ? known(true)
    : unknown(`of the source it is not known: ${posture?.reason ?? 'nobody asked'}`)
}

function accountsKnown(accounts: SourceAccounts | undefined): Known<boolean> {
  return accounts !== undefined && accounts.sealed !== null
    ? known(true)
    : unknown(`those of the source are not known: ${accounts?.reason ?? 'they were not read'}`)
}

/** Where it follows the source, by how much it is behind; of a copy, how old it is. */
async function lossOf(
  { runbook: { way, makes, carries }, ports, clock }: MigrationFactsRequest,
  signal: AbortSignal,
): Promise<Known<number>> {
  if (carries === undefined) return unknown('no data is moved')
  if (carries.asOf !== null) return known(Math.max(0, clock.now().getTime() - Date.parse(carries.asOf)))
  if (way !== 'promote-replica' && way !== 'aurora-failover') return unknown('it is taken during the run')
  return await ask(ports, signal, async ({ target: { cloudwatch } }, bounded) => {
    if (makes === undefined) return undefined
    const isReplica = makes.kind === 'instance'
    const metric = isReplica ? 'ReplicaLag' : 'AuroraGlobalDBReplicationLag'
    const dimension = isReplica ? 'DBInstanceIdentifier' : 'DBClusterIdentifier'
    const lag = await cloudwatch.latest(
      { namespace: 'AWS/RDS', metric, dimensions: { [dimension]: makes.id } },
      bounded,
    )
    // RDS says -1 where it can't tell: replication has stopped. Aurora counts milliseconds.
    return lag === undefined || lag.value < 0 ? undefined : lag.value * (isReplica ? 1000 : 1)
  })
}

async function ask<T>(
  ports: MigrationFactsRequest['ports'],
  signal: AbortSignal,
  work: (ports: Pick<CloudPorts, 'target'>, bounded: AbortSignal) => Promise<T | undefined>,
): Promise<Known<T>> {
  if (ports === undefined) return unknown(NOT_ASKED)
  const bounded = withTimeLimit(signal, ASK_MS)
  try {
    const value = await work(ports, bounded)
    return value === undefined ? unknown('AWS does not say') : known(value)
  } catch (thrown) {
    throwIfAborted(signal)
    if (faultOf(thrown) === undefined && !bounded.aborted) throw thrown
    return unknown(messageOf(thrown))
  }
}

function known<T>(value: T): Known<T> {
  return { known: true, value }
}

function unknown<T>(reason: string): Known<T> {
  return { known: false, reason }
}
