import { createHash } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from './errors.ts'
import { makeFolders } from './make-folders.ts'
import { currentOwner, ownerState, type ProcessOwner } from './process-owner.ts'

/**
 * What a run has begun at a sink and not yet finished, remembered outside of the process: where an agent is killed or
 * the network is dead when it gives up, a later run on the same machine can still clean up after it.
 */
export interface Journal<Entry extends { readonly sink: string }> {
  opened(entry: Entry): Promise<void>
  closed(entry: Entry): Promise<void>
  /**
   * Entries for this sink whose process is gone. Where the folder is shared, another host's or container's processes
   * can't be seen: theirs are given once they are older than any run. With an age, only what was opened so long ago.
   */
  left(sink: string, leastAgeMs?: number): Promise<readonly Entry[]>
}

/** A journal that also tells what is under way. */
export interface LiveJournal<Entry extends { readonly sink: string }> extends Journal<Entry> {
  /** Entries for this sink that are not `left`: their process is alive, or may be. */
  live(sink: string): Promise<readonly Entry[]>
}

interface Owned<Entry> {
  readonly entry: Entry
  readonly owner: ProcessOwner
  readonly openedMs: number
}

const ABANDONED_MS = 14 * 24 * 3_600_000

/** One small file per entry in `folder` (created 0700 when first needed), named for the hash of the entry. */
export function createFileJournal<Entry extends { readonly sink: string }>(
  folder: string,
): LiveJournal<Entry> {
  const path = (entry: Entry) =>
    join(folder, `${createHash('sha256').update(stable(entry)).digest('hex').slice(0, 32)}.json`)
  async function entriesOf(sink: string): Promise<readonly { entry: Entry; dead: boolean; ageMs: number }[]> {
    const entries: { entry: Entry; dead: boolean; ageMs: number }[] = []
    const here = await currentOwner()
    for (const name of await names(folder)) {
      if (!name.endsWith('.json')) continue
      const owned = await readOwned<Entry>(join(folder, name))
      if (owned === undefined || owned.entry.sink !== sink) continue
      const state = await ownerState(owned.owner, here)
      const ageMs = Date.now() - owned.openedMs
      const abandoned = state === 'unknown' && ageMs > ABANDONED_MS
      entries.push({ entry: owned.entry, dead: state === 'gone' || abandoned, ageMs })
    }
    return entries
  }
  return {
    async opened(entry) {
      await makeFolders(folder)
      const owned: Owned<Entry> = { entry, owner: await currentOwner(), openedMs: Date.now() }
      {
        await using file = await open(`${path(entry)}.new`, 'w', 0o600)
        await file.writeFile(JSON.stringify(owned))
        // Else a crash of the machine could leave the name without its text.
        await file.sync()
      }
      await rename(`${path(entry)}.new`, path(entry))
    },
    async closed(entry) {
      await rm(path(entry), { force: true })
    },
    left: async (sink, leastAgeMs = 0) =>
      (await entriesOf(sink)).flatMap(({ entry, dead, ageMs }) =>
        dead && ageMs >= leastAgeMs ? [entry] : [],
      ),
    live: async (sink) => (await entriesOf(sink)).flatMap(({ entry, dead }) => (dead ? [] : [entry])),
  }
}

/** Same entry, same text, whatever the order of its keys. */
function stable(entry: object): string {
  return JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Undefined for a file that another run has just removed. */
async function readOwned<Entry>(path: string): Promise<Owned<Entry> | undefined> {
  try {
    const owned = JSON.parse(await readFile(path, 'utf8')) as Partial<Owned<Entry>> | null
    if (owned?.entry !== undefined && owned.owner !== undefined && owned.openedMs !== undefined) {
      return owned as Owned<Entry>
    }
    throw unreadable(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown instanceof SyntaxError ? unreadable(path) : thrown
  }
}

function unreadable(path: string): LifeboatError {
  return new LifeboatError(
    'config',
    `unable to read journal entry '${path}': it is not what lifeboat writes`,
    {
      hint: 'Remove this file: what its run may have left at the sink is then to be removed by hand.',
    },
  )
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}
