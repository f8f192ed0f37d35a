import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTime } from './private-folder.ts'

export interface RememberedUpload {
  readonly sink: string
  readonly key: string
  readonly uploadId: string
}

/**
 * Multipart uploads that are under way, remembered outside of the process: where an agent is killed or the network is
 * dead when it gives up, a later run on the same machine can still abort them, even at a place that won't list them.
 */
export interface UploadJournal {
  opened(upload: RememberedUpload): Promise<void>
  closed(upload: RememberedUpload): Promise<void>
  /** Uploads to this sink whose process is gone. */
  left(sink: string): Promise<readonly RememberedUpload[]>
}

interface Entry extends RememberedUpload {
  readonly pid: number
  readonly startTime: number | undefined
}

/** One small file per upload in `folder` (created 0700 when first needed). */
export function createFileUploadJournal(folder: string): UploadJournal {
  const path = (upload: RememberedUpload) =>
    join(folder, `${encodeURIComponent(upload.uploadId).slice(-200)}.json`)
  return {
    async opened(upload) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const entry: Entry = { ...upload, pid: process.pid, startTime: await startTime(process.pid) }
      await writeFile(`${path(upload)}.new`, JSON.stringify(entry), { mode: 0o600 })
      await rename(`${path(upload)}.new`, path(upload))
    },
    async closed(upload) {
      await rm(path(upload), { force: true })
    },
    async left(sink) {
      const uploads: RememberedUpload[] = []
      for (const name of await names(folder)) {
        if (!name.endsWith('.json')) continue
        const entry = JSON.parse(await readFile(join(folder, name), 'utf8')) as Entry
        if (entry.sink === sink && (await startTime(entry.pid)) !== entry.startTime) uploads.push(entry)
      }
      return uploads
    },
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
