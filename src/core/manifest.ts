import { z } from 'zod'
import { auditHeadSchema } from './audit-record.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** A stored name: relative to the data folder of its own backup, so a manifest can't point anywhere else. */
const objectName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
const count = z.number().int().nonnegative()

/** Opaque facts that tell one server from another. Names and addresses are hashed, never plain. */
export const serverIdentitySchema = z.record(z.string(), z.string())
export type ServerIdentity = z.infer<typeof serverIdentitySchema>

export const toolVersionSchema = z.object({ name: z.string(), vendor: z.string(), version: z.string() })
export type ToolVersion = z.infer<typeof toolVersionSchema>

export const notCapturedSchema = z.object({
  /** Kinds, not names: `role passwords`, `non-transactional tables (outside the snapshot)`. */
  what: z.string(),
  count: count.optional(),
  reason: z.string(),
})
export type NotCaptured = z.infer<typeof notCapturedSchema>

export const logPositionSchema = z.object({
  before: z.string().optional(),
  after: z.string().optional(),
  /** True only where the position is exactly that of the dump's snapshot. */
  exact: z.boolean(),
  meaning: z.string(),
})
export type LogPosition = z.infer<typeof logPositionSchema>

const volumeSchema = z.object({
  name: objectName,
  bytes: count,
  attestation: z.record(z.string(), z.string()).optional(),
})
export type Volume = z.infer<typeof volumeSchema>

const storedPartSchema = z.object({
  number: z.number().int().positive(),
  format: z.string(),
  volumes: z.array(volumeSchema).min(1),
  plainBytes: count,
  storedBytes: count,
})
export type StoredPart = z.infer<typeof storedPartSchema>

const storedObjectSchema = z.object({ name: objectName, bytes: count, sha256 })

/**
 * The public half of a backup, written last: its presence is the commit. It holds nothing from inside the database.
 * docs/format.md describes each field.
 */
export const manifestSchema = z.object({
  format: z.literal(1),
  lifeboat: z.string(),
  id: z.string(),
  job: z.string(),
  engine: z.string(),
  server: z.object({ flavour: z.string(), version: z.string(), identity: serverIdentitySchema }),
  tools: z.array(toolVersionSchema),
  started: z.iso.datetime(),
  ended: z.iso.datetime(),
  consistency: z.string(),
  counts: z.enum(['exact', 'off']),
  notCaptured: z.array(notCapturedSchema),
  position: logPositionSchema.optional(),
  /** In the order in which they were applied: compression, then encryption. */
  stages: z.array(
    z.object({ name: z.string(), suffix: z.string(), facts: z.record(z.string(), z.unknown()) }),
  ),
  parts: z.array(storedPartSchema),
  contents: storedObjectSchema,
  index: storedObjectSchema,
  /** Fingerprint of the key that signed this manifest: its signature lies beside it, and must be there. */
  signer: z
    .string()
    .regex(/^[0-9A-F]{40,64}$/)
    .optional(),
  /** How it was guarded: docs/policy.md. Absent where no class was given. */
  classification: z.string().optional(),
  /** Where its class demands drills and none had passed: since when there have been backups. */
  undrilledSince: z.iso.datetime().optional(),
  /** The operator said that it was one: what of the guardrails the run went without. */
  emergency: z.object({ overridden: z.array(z.string()) }).optional(),
  /** How far the audit log of the run had come when it started: that much must still be there. */
  audit: auditHeadSchema.optional(),
  /** Shell lines that undo the storage of each part and print it plain. What then reads it is in the contents. */
  byHand: z.array(z.string()),
})
export type Manifest = z.infer<typeof manifestSchema>

/** SHA-256 of every chunk of every stored volume, by stored name. */
export const indexSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  chunkBytes: z.number().int().positive(),
  objects: z.record(objectName, z.object({ bytes: count, chunks: z.array(sha256) })),
})
export type Index = z.infer<typeof indexSchema>
