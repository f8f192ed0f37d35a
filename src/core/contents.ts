import { z } from 'zod'

/** Exact rows of one table at the dump's own snapshot. */
export const tableCountSchema = z.object({
  database: z.string(),
  /** Where the engine knows schemas inside a database: PostgreSQL, SQL Server, Oracle. */
  schema: z.string().optional(),
  table: z.string(),
  /** Absent where counting was off or the kind of table has no rows of its own. */
  rows: z.number().int().nonnegative().optional(),
})
export type TableCount = z.infer<typeof tableCountSchema>

/**
 * What is inside a backup: as secret as the data, so it is stored compressed and encrypted like the data.
 * `engine` holds whatever only the engine understands (tablespaces, accounts, non-transactional tables).
 */
export const contentsSchema = z.object({
  format: z.literal(1),
  databases: z.array(z.object({ name: z.string() }).loose()),
  tables: z.array(tableCountSchema),
  /** Position in the list + 1 is the number in the stored name. */
  parts: z.array(
    z.object({
      number: z.number().int().positive(),
      name: z.string(),
      format: z.string(),
      /** Here and not in the manifest: a short part (an account's password hash) could be guessed by its plain digest. */
      plainSha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  /** The plain-tool command lines, one per part, that restore it by hand. */
  byHand: z.array(z.string()),
  engine: z.record(z.string(), z.unknown()),
})
export type Contents = z.infer<typeof contentsSchema>
