import type { FileHandle } from 'node:fs/promises'

/** What is written meanwhile waits for the next. */
const SYNC_BYTES = 16 * 1024 * 1024

/** Syncs a file to the disk while more is written to it, so that not all of it is left to do at the end. */
export interface EarlySync {
  /** Throws where an earlier sync has failed: the system tells of it once only. */
  wrote(bytes: number): void
  /** Waits for the one that is under way; throws as `wrote` does. */
  settled(): Promise<void>
}

export function createEarlySync(handle: Pick<FileHandle, 'datasync'>): EarlySync {
  let unsynced = 0
  let underWay: Promise<void> | undefined
  let failure: { readonly thrown: unknown } | undefined

  async function sync(): Promise<void> {
    try {
      await handle.datasync()
    } catch (thrown) {
      failure ??= { thrown }
    } finally {
      underWay = undefined
    }
  }

  return {
    wrote(bytes) {
      if (failure !== undefined) throw failure.thrown
      unsynced += bytes
      if (unsynced < SYNC_BYTES || underWay !== undefined) return
      unsynced = 0
      underWay = sync()
    },
    async settled() {
      await underWay
      if (failure !== undefined) throw failure.thrown
    },
  }
}
