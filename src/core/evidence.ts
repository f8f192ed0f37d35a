import { z } from 'zod'
import { auditHeadSchema } from './audit-record.ts'

const ms = z.number().nonnegative()

export const DRILL_OUTCOMES = ['passed', 'failed', 'too-slow'] as const
export type DrillOutcome = (typeof DRILL_OUTCOMES)[number]

/** What a drill measured, and what was promised; null where it was not got to, or nothing was promised. */
const heldSchema = z.object({ measuredMs: ms.nullable(), promisedMs: ms.nullable() })

/**
 * What lies under `layout.evidence`: how a restore into a throwaway server went. It holds nothing from inside the database:
 * of a check its name, and what it found only where that is a number or a time.
 */
export const evidenceSchema = z.object({
  format: z.literal(1),
  /** Of the drill. */
  id: z.string(),
  job: z.string(),
  outcome: z.enum(DRILL_OUTCOMES),
  started: z.iso.datetime(),
  ended: z.iso.datetime(),
  lifeboat: z.string(),
  /** Of the machine that ran the drill. */
  host: z.string(),
  backup: z.object({
    id: z.string(),
    /** Null where the manifest could not be trusted. */
    manifestSha256: z.string().nullable(),
    started: z.iso.datetime().nullable(),
    /** Who was found to have signed it, where signers are trusted. */
    signedBy: z.string().nullable(),
    engine: z.string().nullable(),
    server: z.object({ flavour: z.string(), version: z.string() }).nullable(),
  }),
  target: z.object({
    kind: z.enum(['local', 'container', 'into']),
    /** Null where the drill did not get as far. */
    server: z.object({ flavour: z.string(), version: z.string() }).nullable(),
  }),
  /** Whose rows were counted and found equal to those at the dump. */
  tables: z.number().int().nonnegative(),
  rows: z.number().int().nonnegative(),
  counted: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      expect: z.string(),
      outcome: z.enum(['passed', 'failed', 'not-run']),
      found: z.union([z.string(), z.number()]).optional(),
    }),
  ),
  /** From the start of the drill until the last check had passed. */
  rto: heldSchema,
  /** From the start of the dump to the start of the drill: what was written since is not in the backup. */
  rpo: heldSchema,
  phases: z.object({ serverMs: ms.nullable(), restoreMs: ms.nullable(), checksMs: ms.nullable() }),
  error: z.object({ code: z.string(), during: z.string() }).optional(),
  /** Where the audit log of `host` had come to, where the drill was recorded in one. */
  audit: auditHeadSchema.optional(),
  /** Fingerprint of the key that signed this record: its signature lies beside it. */
  signer: z
    .string()
    .regex(/^[0-9A-F]{40,64}$/)
    .optional(),
})
export type Evidence = z.infer<typeof evidenceSchema>
