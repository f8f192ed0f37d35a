import { z } from 'zod'

/** What lies under `layout.keep`: that a backup must not be removed. */
export const keptSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  job: z.string(),
  reason: z.string().optional(),
  /** By the clock of the machine that marked it. */
  at: z.iso.datetime(),
  lifeboat: z.string(),
})
export type Kept = z.infer<typeof keptSchema>
