import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import type { FenceFacts } from '../runbooks/fence-facts.ts'
import { UNDO } from '../runbooks/fence-sql.ts'
import { readEndpoint } from '../runbooks/read-endpoint.ts'
import { unfenceByHand as byHand, type LostFence } from '../runbooks/unfence-by-hand.ts'
import type { Fenced } from '../runbooks/unfence-facts.ts'
import { needOneDb, needRegions, type WayFlags } from '../runbooks/way-flags.ts'
import { lockRun, type MigrateRequest } from './migrate.ts'
import { openCloud, type SimulatedKind } from './open-cloud.ts'
import { keptFlags, plannedRecord } from './run-runbook.ts'
import { openRunbookJournal, type RunbookRecord } from './runbook-journal.ts'
import { standingFence } from './simulate-cloud.ts'

/** What a run of fence has put up, for one that lifts it. */
export async function fencedBy(
  { stateFolder, sink, onEvent }: Pick<MigrateRequest, 'stateFolder' | 'sink' | 'onEvent'>,
  run: string,
  signal: AbortSignal,
): Promise<WayFlags> {
  await using _ = await lockRun(stateFolder, run)
  const journal = await openRunbookJournal(
    { folder: stateFolder, run, simulated: false, onEvent, ...(sink !== undefined && { sink }) },
    signal,
  )
  const planned = plannedRecord(journal)
  if (planned?.way !== 'fence') {
    const known = `Runs are remembered in ${join(stateFolder, 'runbooks')} of the machine that began them, and at the sink that --at names.`
    throw usage(
      planned === undefined
        ? `nothing is known here of run '${run}'`
        : `run '${run}' is one of '${planned.way}'`,
      `${known} Without its journal: lifeboat migrate unfence --source REGION --target REGION --db ID shows what stands.`,
    )
  }
  const { source, target, db } = keptFlags(journal) as WayFlags
  const fenced = fencedFrom(
    run,
    needOneDb({ ...(db !== undefined && { db }) }, 'unfence'),
    planned.facts,
    journal.records,
  )
  if (fenced.sql === null && fenced.network === null)
    throw usage(`run '${run}' has not fenced anything`, 'There is nothing to lift.')
  return {
    ...(source !== undefined && { source }),
    ...(target !== undefined && { target }),
    ...(db !== undefined && { db }),
    fenced,
  }
}

/** Only what the run had begun to put up: the rest is as it was. */
function fencedFrom(run: string, db: string, facts: unknown, records: readonly RunbookRecord[]): Fenced {
  const { endpoint, network, sql } = facts as FenceFacts
  const begun = records.filter((record) => record.event === 'step' && record.state === 'applying')
  const steps = begun.map((record) => (record.event === 'step' ? record.step : ''))
  const undo = begun.flatMap((record) =>
    record.event === 'step' && record.step === 'fence-sql' ? [texts(record.seen?.[UNDO])] : [],
  )
  return {
    ...{ run, db, endpoint },
    network: steps.includes('fence-network') ? network : null,
    // Of what was put up in several goes the last is lifted first.
    sql:
      sql === null || undo.length === 0
        ? null
        : { client: sql.client, undo: [...new Set(undo.toReversed().flat())] },
  }
}

function texts(json: unknown): readonly string[] {
  const parsed: unknown = JSON.parse(typeof json === 'string' ? json : '[]')
  return Array.isArray(parsed) ? parsed.map(String) : []
}

/** Of a rehearsal, in whose cloud the database is fenced from the start. */
export function rehearsedFence(flags: WayFlags, kind: SimulatedKind): WayFlags {
  const db = needOneDb(flags, 'unfence')
  return { ...flags, fenced: standingFence(needRegions(flags), db, kind) }
}

/** What stands there, where no journal says who has put it up. Changes nothing. */
export async function unfenceByHand(request: MigrateRequest, signal: AbortSignal): Promise<LostFence> {
  const { flags } = request
  const db = needOneDb(flags, 'unfence')
  const from = flags.from === undefined ? null : readEndpoint(flags.from, '--from')
  using cloud = await openCloud(request)
  return await byHand({ source: needRegions(flags).source, db, from }, cloud.ports, signal)
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to unfence: ${reason}`, { hint })
}
