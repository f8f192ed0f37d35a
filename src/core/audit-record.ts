import { z } from 'zod'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const names = z.array(z.string())

/** What the first record follows. */
export const NO_RECORD = '0'.repeat(64)

/** A place in an audit log, for a manifest to vouch for: all that the log held up to there. */
export const auditHeadSchema = z.object({
  /** Number of the record, from 1. */
  records: z.number().int().positive(),
  /** SHA-256 of its line, without the line's end. */
  head: sha256,
})
export type AuditHead = z.infer<typeof auditHeadSchema>

/** Who ran it. Names are what the system says: whoever may change those may change them here. */
const whoSchema = z.object({
  user: z.string(),
  /** Who logged in, before any sudo or su, where the kernel remembers it. */
  loginUid: z.number().int().nonnegative().optional(),
  host: z.string(),
  pid: z.number().int().positive(),
})
export type AuditWho = z.infer<typeof whoSchema>

/** What a run is about. It holds no secrets, and nothing from inside a database. */
const factsSchema = z.object({
  verb: z.string(),
  job: z.string().optional(),
  backup: z.string().optional(),
  source: z.string().optional(),
  target: z.string().optional(),
  sinks: names.optional(),
  /** Fingerprints of the keys that can open the backup, and of the one that signs it. */
  recipients: names.optional(),
  signer: z.string().optional(),
  /** Fingerprints of the keys that were given to open a backup, or `gpg`. */
  keys: names.optional(),
  /** Further options that say how far-reaching it is. */
  options: names.optional(),
  /** Of `migrate` and `cutover`: which, the id of its own journal, and dangers taken by name. */
  way: z.string().optional(),
  runbook: z.string().optional(),
  accepted: names.optional(),
  /** What the operator took upon themselves: rules that would have stopped the run. */
  emergency: z.object({ overridden: names }).optional(),
})
export type AuditFacts = z.infer<typeof factsSchema>

const chained = {
  format: z.literal(1),
  record: z.number().int().positive(),
  /** SHA-256 of the line of the record before, without its end. */
  previous: sha256,
  at: z.iso.datetime(),
}

const startSchema = z.object({
  ...chained,
  event: z.literal('start'),
  /** Names the run within this log. */
  run: z.string(),
  lifeboat: z.string(),
  who: whoSchema,
  ...factsSchema.shape,
})

/** What came of a run, as far as it got. */
const outcomeSchema = z.object({
  /** What it made, read or marked. */
  backup: z.string().optional(),
  /** What it removed. */
  removed: names.optional(),
})
export type AuditOutcome = z.infer<typeof outcomeSchema>

const endSchema = z.object({
  ...chained,
  event: z.literal('end'),
  run: z.string(),
  verb: z.string(),
  exitCode: z.number().int(),
  /** Where it failed. */
  code: z.string().optional(),
  ...outcomeSchema.shape,
  durationMs: z.number().nonnegative(),
})

/** Accounts for bytes that a writer left which was cut off: they stand between this record and the one before. */
const tornSchema = z.object({
  ...chained,
  event: z.literal('torn'),
  bytes: z.number().int().positive(),
  sha256,
})

/** One line of an audit log. docs/audit.md describes each field. */
export const auditRecordSchema = z.discriminatedUnion('event', [startSchema, endSchema, tornSchema])
export type AuditRecord = z.infer<typeof auditRecordSchema>

type Entry<T> = Omit<T, keyof typeof chained>
export type AuditEntry =
  | Entry<z.infer<typeof startSchema>>
  | Entry<z.infer<typeof endSchema>>
  | Entry<z.infer<typeof tornSchema>>
