import type { Journal } from './journal.ts'

/** A multipart upload that is under way: where an agent dies, a later run on the same machine can still abort it. */
export interface RememberedUpload {
  readonly sink: string
  readonly key: string
  readonly uploadId: string
}

export type UploadJournal = Journal<RememberedUpload>
