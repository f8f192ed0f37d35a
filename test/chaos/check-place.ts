import { basename } from 'node:path'
import { listBackups, resolveBackupId } from '../../src/app/catalog.ts'
import { runRestore } from '../../src/app/restore.ts'
import { runVerify } from '../../src/app/verify.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { systemClock } from '../../src/core/clock.ts'
import { messageOf } from '../../src/core/errors.ts'
import { tempNameOf } from '../../src/core/object-key.ts'
import type { Sink } from '../../src/core/sink.ts'
import type { ChaosKeys } from './keys.ts'
import { createRecordingEngine } from './recording-engine.ts'
import type { SourceState } from './source.ts'
import type { Violations } from './violations.ts'

export const JOB = 'chaos'

export interface PlaceToCheck {
  readonly sink: Sink
  readonly keys: ChaosKeys
  readonly signed: boolean
  /** Ids of dumps that said that all went well. */
  readonly committed: ReadonlySet<string>
  /**
   * What a backup must bring back; undefined for an id that no dump can have made. `elsewhere` for a backup of a real
   * server, which is restored into one.
   */
  readonly contentOf: (id: string) => SourceState | 'elsewhere' | undefined
  readonly violations: Violations
}

/** Whatever happened: what is listed is whole and true, and what was promised is listed. Resolves with the ids. */
export async function checkPlace(place: PlaceToCheck, when: string): Promise<readonly string[]> {
  const { sink, keys, signed, committed, violations } = place
  const { signal } = new AbortController()
  const trust = signed ? keys.trust : undefined
  const entries = await listBackups(sink, JOB, signal, trust).catch(async (thrown) => {
    // Nothing was ever written there.
    if (thrown.code === 'sink-not-found') return []
    throw thrown
  })
  const ids = entries.map(({ id }) => id)
  for (const id of committed) {
    violations.expect(ids.includes(id), `${when}: backup ${id}, which was reported as made, is not listed`)
  }
  for (const { id, problem } of entries) {
    if (!violations.expect(problem === undefined, `${when}: ${id} is listed and damaged: ${problem}`))
      continue
    await checkBackup(place, id, when)
  }
  if (ids.length > 0) {
    const latest = await resolveBackupId(sink, JOB, 'latest', signal)
    violations.expect(
      latest === ids.at(-1),
      `${when}: latest is ${latest}, and not the newest, ${ids.at(-1)}`,
    )
  }
  return ids
}

async function checkBackup(place: PlaceToCheck, id: string, when: string): Promise<void> {
  const { sink, keys, signed, violations } = place
  const { signal } = new AbortController()
  const content = place.contentOf(id)
  if (!violations.expect(content !== undefined, `${when}: nobody made the backup ${id} that is listed`))
    return
  const common = {
    sink,
    job: JOB,
    id,
    decoders: keys.decoders,
    ...(signed && { trust: keys.trust }),
    clock: systemClock,
    onEvent: () => undefined,
  }
  const { tables, parts } =
    content === 'elsewhere' || content === undefined ? { tables: [], parts: [] } : content
  const engine = createRecordingEngine(tables)
  try {
    await runVerify({ ...common, deep: true }, signal)
    if (content === 'elsewhere') return
    const restore = { engine, replace: false, alongside: false, sameServerOk: false, jobs: 1 }
    const { verified } = await runRestore({ ...common, ...restore }, signal)
    violations.expect(verified, `${when}: ${id} was restored and is not called verified`)
  } catch (thrown) {
    violations.expect(
      false,
      `${when}: ${id} is listed, and does not verify and restore: ${messageOf(thrown)}`,
    )
    return
  }
  violations.expect(
    engine.fed.size === parts.length,
    `${when}: ${id} restores ${engine.fed.size} of ${parts.length} parts`,
  )
  for (const { name, data } of parts) {
    const same = engine.fed.get(name)?.equals(data) === true
    violations.expect(same, `${when}: ${id} restores '${name}' differently from its source`)
  }
}

/** Names at the place that belong to no listed backup and to no lease. */
export function orphansOf(names: readonly string[], ids: readonly string[]): readonly string[] {
  return names.filter(
    (name) =>
      !name.startsWith(layout.leaseOf(JOB)) && !ids.some((id) => name.includes(id) && !isUnfinished(name)),
  )
}

function isUnfinished(name: string): boolean {
  return name.startsWith('upload:') || tempNameOf(basename(name)) !== undefined
}
