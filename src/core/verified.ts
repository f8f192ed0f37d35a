import { z } from 'zod'

/** What was proven of a backup, the least first. */
export const VERIFIED_LEVELS = ['attested', 'stored', 'plain', 'restored'] as const
export type VerifiedLevel = (typeof VERIFIED_LEVELS)[number]

/** What lies under `layout.verified`: that a backup was proven good, how far, and when. */
export const verifiedSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  job: z.string(),
  level: z.enum(VERIFIED_LEVELS),
  /** By the clock of the machine that proved it. */
  at: z.iso.datetime(),
  lifeboat: z.string(),
})
export type Verified = z.infer<typeof verifiedSchema>

/** Negative where `a` proves less than `b`. */
export function compareLevels(a: VerifiedLevel, b: VerifiedLevel): number {
  return VERIFIED_LEVELS.indexOf(a) - VERIFIED_LEVELS.indexOf(b)
}
