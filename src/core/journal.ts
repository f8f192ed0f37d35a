import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTime } from './private-folder.ts'

/**
 * What a run has begun at a sink and not yet finished, remembered outside of the process: where an agent is killed or
 * the network is dead when it gives up, a later run on the same machine can still clean up after it.
 */
export interface Journal<Entry extends { readonly sink: string }> {
  opened(entry: Entry): Promise<void>
  closed(entry: Entry): Promise<void>
  /** Entries for this sink whose process is gone. */
  left(sink: string): Promise<readonly Entry[]>
}

interface Owned<Entry> {
  readonly entry: Entry
  readonly pid: number
  readonly startTime: number | null
}

/** One small file per entry in `folder` (created 0700 when first needed), named for the hash of the entry. */
export function createFileJournal<Entry extends { readonly sink: string }>(folder: string): Journal<Entry> {
  const path = (entry: Entry) =>
    join(folder, `${createHash('sha256').update(stable(entry)).digest('hex').slice(0, 32)}.json`)
  return {
    async opened(entry) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const owned: Owned<Entry> = {
        entry,
        pid: process.pid,
        startTime: (await startTime(process.pid)) ?? null,
      }
      await writeFile(`${path(entry)}.new`, JSON.stringify(owned), { mode: 0o600 })
      await rename(`${path(entry)}.new`, path(entry))
    },
    async closed(entry) {
      await rm(path(entry), { force: true })
    },
    async left(sink) {
      const entries: Entry[] = []
      for (const name of await names(folder)) {
        if (!name.endsWith('.json')) continue
        const owned = await readOwned<Entry>(join(folder, name))
        if (owned === undefined || owned.entry.sink !== sink) continue
        // A pid is used again in time; pid and start time together are not.
        const alive = owned.startTime !== null && (await startTime(owned.pid)) === owned.startTime
        if (!alive) entries.push(owned.entry)
      }
      return entries
    },
  }
}

/** Same entry, same text, whatever the order of its keys. */
function stable(entry: object): string {
  return JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Undefined for a file that another run has just removed. */
async function readOwned<Entry>(path: string): Promise<Owned<Entry> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owned<Entry>
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}
