import { LifeboatError } from '../../core/errors.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { SignatureTrust } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { listNames, readManifest } from '../catalog.ts'
import { readDrillReport } from '../drill/drill-report.ts'
import type { NativeBackup } from './evidence.ts'

/** How far back a usable one is looked for. */
const MOST_TRIED = 3
const DRILLS_READ = 5

export interface BackupPlace {
  readonly sink: Sink
  /** As the operator called it: a command that reads from there needs it so. */
  readonly name: string
  /** Undefined for all. */
  readonly job: string | undefined
  readonly trust: SignatureTrust | undefined
}

/** The newest usable backup of each job, and what the last drill of it has measured. */
export async function newestBackups(
  { sink, name: place, job, trust }: BackupPlace,
  signal: AbortSignal,
): Promise<NativeBackup[]> {
  const names = await listNames(sink, job, signal)
  const jobs = [...new Set(names.map((name) => name.job))]
  const found = await Promise.all(
    jobs.map(async (name) => {
      const ids = names.filter((each) => each.job === name).map(({ id }) => id)
      return await newestOf({ sink, name: place, job: name, trust }, ids.reverse(), signal)
    }),
  )
  return found.filter((each) => each !== undefined)
}

async function newestOf(
  { sink, name: place, job, trust }: BackupPlace & { readonly job: string },
  ids: readonly string[],
  signal: AbortSignal,
): Promise<NativeBackup | undefined> {
  const passedOver: string[] = []
  for (const id of ids.slice(0, MOST_TRIED)) {
    try {
      const manifest = await readManifest(sink, job, id, signal, trust)
      return { ...summary(place, manifest), passedOver, drill: await drillOf(sink, job, trust, signal) }
    } catch (thrown) {
      if (!(thrown instanceof LifeboatError) || !/^(integrity|signature)$/.test(thrown.code)) throw thrown
      passedOver.push(thrown.message)
    }
  }
  return undefined
}

function summary(sink: string, { id, job, started, ended, parts, engine }: Manifest) {
  const sum = (pick: (part: Manifest['parts'][number]) => number) =>
    parts.reduce((total, part) => total + pick(part), 0)
  return {
    ...{ sink, job, id, started, engine },
    dumpMs: Math.max(0, Date.parse(ended) - Date.parse(started)),
    plainBytes: sum(({ plainBytes }) => plainBytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
  }
}

async function drillOf(
  sink: Sink,
  job: string,
  trust: SignatureTrust | undefined,
  signal: AbortSignal,
): Promise<NativeBackup['drill']> {
  const request = { sink, job, most: DRILLS_READ, ...(trust !== undefined && { trust }) }
  const { drills } = await readDrillReport(request, signal)
  for (const { evidence } of drills) {
    const { outcome, started, rto, phases, backup } = evidence
    if (outcome !== 'passed' || rto.measuredMs === null) continue
    const plainBytes = await bytesOf({ sink, job, id: backup.id, trust }, signal)
    return { at: started, rtoMs: rto.measuredMs, restoreMs: phases.restoreMs, plainBytes }
  }
  return null
}

/** Null for a backup that retention has removed since, or that nobody could restore any more. */
async function bytesOf(
  {
    sink,
    job,
    id,
    trust,
  }: Pick<BackupPlace, 'sink' | 'trust'> & { readonly job: string; readonly id: string },
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const { parts } = await readManifest(sink, job, id, signal, trust)
    return parts.reduce((total, { plainBytes }) => total + plainBytes, 0)
  } catch (thrown) {
    if (thrown instanceof LifeboatError && /^(sink-not-found|integrity|signature)$/.test(thrown.code))
      return null
    throw thrown
  }
}
