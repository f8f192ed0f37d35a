import { join } from 'node:path'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { createFileJournal, type LiveJournal } from '../core/journal.ts'
import { makeFolders } from '../core/make-folders.ts'
import type { StagedObject, StagingJournal } from '../core/staging.ts'
import type { RememberedUpload, UploadJournal } from '../core/upload-journal.ts'
import type { BegunRun } from './dead-runs.ts'

export function openUploadJournal(stateFolder: string): UploadJournal {
  return createFileJournal<RememberedUpload>(join(stateFolder, 'uploads'))
}

export function openStagingJournal(stateFolder: string): StagingJournal {
  return createFileJournal<StagedObject>(join(stateFolder, 'staged'))
}

/** Throws `config` where the state folder can't be made: found out before a dump, not in the middle of one. */
export async function openRunJournal(stateFolder: string): Promise<LiveJournal<BegunRun>> {
  const folder = join(stateFolder, 'runs')
  try {
    await makeFolders(folder)
  } catch (thrown) {
    throw new LifeboatError('config', `unable to make state folder '${stateFolder}': ${messageOf(thrown)}`, {
      hint: 'Set LIFEBOAT_STATE_DIR to a folder that this user may write to, such as /var/lib/lifeboat.',
      cause: thrown,
    })
  }
  return createFileJournal<BegunRun>(folder)
}
