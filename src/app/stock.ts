import { isBackupId, layout } from '../core/backup-layout.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { ObjectInfo, Sink } from '../core/sink.ts'
import { listBackups } from './catalog.ts'

/** A backup of which the sink has at least the manifest. */
export interface StockedBackup {
  readonly id: string
  /** Undefined where it can't be used, as `problem` says. */
  readonly started: Date | undefined
  readonly problem: string | undefined
  /** What lies in its data folder. */
  readonly data: readonly ObjectInfo[]
}

/** What lies below a job's prefix under an id that has no manifest. */
export interface Leftover {
  readonly id: string
  readonly keys: readonly string[]
  readonly bytes: number
  /** Of the newest of them, by the sink's clock. */
  readonly modified: Date
}

export interface Stock {
  /** Oldest first. */
  readonly backups: readonly StockedBackup[]
  readonly leftovers: readonly Leftover[]
}

/**
 * Everything of a job at a sink. A backup whose data is not all there in its full length counts as damaged. Manifests are
 * read before the data is listed, so that a backup which is being committed is not taken for one without data.
 */
export async function takeStock(
  sink: Sink,
  job: string,
  signal: AbortSignal,
  trust?: SignatureTrust,
): Promise<Stock> {
  const entries = await listBackups(sink, job, signal, trust)
  const owned = new Set(entries.map(({ id }) => id))
  const data = new Map<string, ObjectInfo[]>()
  const beside = new Map<string, ObjectInfo[]>()
  for await (const info of sink.list(`${job}/`, signal)) {
    const place = placeOf(job, info.key)
    if (place === undefined) continue
    if (place.kind === 'manifest') owned.add(place.id)
    else add(place.kind === 'data' ? data : beside, place.id, info)
  }
  const backups: StockedBackup[] = []
  for (const { id, manifest, problem, trusted } of entries) {
    const objects = data.get(id) ?? []
    const damage =
      manifest === undefined
        ? `${trusted === false ? 'not trusted' : 'damaged'}: ${problem}`
        : await missing(sink, manifest, objects, signal)
    const started = manifest === undefined || damage !== undefined ? undefined : new Date(manifest.started)
    backups.push({ id, started, problem: damage, data: objects })
  }
  const ids = [...new Set([...data.keys(), ...beside.keys()])].filter((id) => !owned.has(id)).sort()
  return {
    backups,
    leftovers: ids.map((id) => leftover(id, [...(data.get(id) ?? []), ...(beside.get(id) ?? [])])),
  }
}

/** Names that no run of lifeboat gives are nobody's, and are left alone. */
function placeOf(
  job: string,
  key: string,
): { readonly kind: 'manifest' | 'data' | 'beside'; readonly id: string } | undefined {
  const [, name = ''] = key.slice(job.length + 1).split('/')
  const id = name.replace(/\.json(\.sig)?$/, '')
  if (!isBackupId(id)) return undefined
  if (key === layout.manifest(job, id)) return { kind: 'manifest', id }
  if (key.startsWith(layout.dataOf(job, id))) return { kind: 'data', id }
  const records = [layout.signature(job, id), layout.verified(job, id), layout.keep(job, id)]
  return records.includes(key) ? { kind: 'beside', id } : undefined
}

function add(map: Map<string, ObjectInfo[]>, id: string, info: ObjectInfo): void {
  const found = map.get(id)
  if (found === undefined) map.set(id, [info])
  else found.push(info)
}

function leftover(id: string, objects: readonly ObjectInfo[]): Leftover {
  return {
    id,
    keys: objects.map(({ key }) => key),
    bytes: sumOf(objects),
    modified: new Date(Math.max(...objects.map(({ modified }) => modified.getTime()))),
  }
}

export function sumOf(objects: readonly ObjectInfo[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function missing(
  sink: Sink,
  manifest: Manifest,
  objects: readonly ObjectInfo[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const listed = new Map(objects.map(({ key, bytes }) => [key, bytes]))
  const volumes = manifest.parts.flatMap((part) => part.volumes)
  for (const { name, bytes } of [...volumes, manifest.contents, manifest.index]) {
    const key = layout.object(manifest.job, manifest.id, name)
    if (listed.get(key) === bytes) continue
    // A listing may lag behind at S3-compatibles: the object itself is asked before it is called missing.
    const found = (await sink.stat(key, signal))?.bytes
    if (found === bytes) continue
    return `damaged: '${name}' ${found === undefined ? 'is missing' : `has ${found} bytes, not ${bytes}`}`
  }
  return undefined
}
