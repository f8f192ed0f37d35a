import { z } from 'zod'

/** Longer ones are no lease: a forged record must not keep everybody out for years. */
export const MOST_LEASE_MS = 24 * 3_600_000

/** What lies under `layout.lease`: who dumps a job to this place. Only its owner rewrites it. */
export const leaseSchema = z.object({
  format: z.literal(1),
  job: z.string(),
  /** The id that its backup will have. */
  run: z.string(),
  state: z.enum(['held', 'released']),
  holder: z.object({
    host: z.string().max(255),
    boot: z.string().max(100),
    pidNamespace: z.string().max(100),
    pid: z.number().int(),
    startTime: z.number().nullable(),
  }),
  lifeboat: z.string().max(100),
  /** By the holder's own clock, for people; what is judged is the object's time of modification. */
  since: z.iso.datetime(),
  /** How long it was held when this was written: with the object's own time, a start in the sink's clock. */
  heldMs: z.number().nonnegative(),
  /** Without being rewritten for so long it has expired. */
  ttlMs: z.number().positive().max(MOST_LEASE_MS),
})
export type LeaseRecord = z.infer<typeof leaseSchema>

/** Every record has this length, so that who listed it before it was rewritten still reads it whole. */
const RECORD_BYTES = 2048

export function encodeLease(record: LeaseRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record).padEnd(RECORD_BYTES - 1)}\n`)
}

/** Undefined for what is no record of a lease, whoever put it there. */
export function decodeLease(bytes: Uint8Array): LeaseRecord | undefined {
  try {
    return leaseSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
