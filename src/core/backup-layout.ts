import { randomInt } from 'node:crypto'
import { LifeboatError } from './errors.ts'

/** Where the objects of a backup lie, below the sink's root. docs/format.md shows the same for people. */
export const layout = {
  backups: (job: string) => `${job}/backups/`,
  data: (job: string) => `${job}/data/`,
  manifest: (job: string, id: string) => `${job}/backups/${id}.json`,
  /** Detached OpenPGP signature of the manifest's very bytes. */
  signature: (job: string, id: string) => `${job}/backups/${id}.json.sig`,
  object: (job: string, id: string, name: string) => `${job}/data/${id}/${name}`,
  dataOf: (job: string, id: string) => `${job}/data/${id}/`,
  /** What was last proven of a backup, and when. Not part of it: a copy elsewhere has its own. */
  verified: (job: string, id: string) => `${job}/verified/${id}.json`,
  verifiedOf: (job: string) => `${job}/verified/`,
  /** Who dumps the job now: taking over is the exclusive create of the next number. */
  lease: (job: string, number: number) => `${job}/lease/${String(number).padStart(6, '0')}.json`,
  leaseOf: (job: string) => `${job}/lease/`,
  /** How a drill went. Not part of any backup: it outlives the one that was restored. */
  evidence: (job: string, id: string) => `${job}/evidence/${id}.json`,
  evidenceSignature: (job: string, id: string) => `${job}/evidence/${id}.json.sig`,
  evidenceOf: (job: string) => `${job}/evidence/`,
  /** Says that a backup must not be removed, and why. */
  keep: (job: string, id: string) => `${job}/keep/${id}.json`,
  keepOf: (job: string) => `${job}/keep/`,
  /**
   * What a rebuild needs of the control plane, of no backup either. `suffixes` say how to undo what was done: `.gz.pgp`.
   */
  inventory: (job: string, id: string, suffixes: string) => `${job}/inventory/${id}.json${suffixes}`,
  inventoryOf: (job: string) => `${job}/inventory/`,
  /** Detached OpenPGP signature of the stored bytes of such an object. */
  sealed: (key: string) => `${key}.sig`,
  /** Journal and report of a way out that was run: of no job. */
  runbook: (run: string, name: string) => `runbooks/${run}/${name}`,
}

const ID = /^\d{8}T\d{6}Z-[a-z0-9]{4}$/
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'

/** Sorts by time: `20261122T210500Z-k3f9`. */
export function newBackupId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  return `${time}-${Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`
}

export function isBackupId(text: string): boolean {
  return ID.test(text)
}

export function backupIdFromKey(key: string): string | undefined {
  const id = /([^/]+)\.json$/.exec(key)?.[1]
  return id !== undefined && isBackupId(id) ? id : undefined
}

export function checkJobName(job: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(job)) return job
  throw new LifeboatError(
    'usage',
    `unable to use job name '${job}': it may hold letters, digits, '.', '_' and '-' only`,
  )
}
