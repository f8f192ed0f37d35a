import { createHash } from 'node:crypto'
import { type AuditRecord, auditRecordSchema } from '../../core/audit-record.ts'

/** Longer lines are none of ours. */
export const MOST_LINE_BYTES = 4 * 1024 * 1024

/** What the next record carries as `previous`: of the line's very bytes, so that sha256sum finds the same. */
export function digestOf(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex')
}

/** Undefined for what is no record. */
export function parseLine(line: Uint8Array): AuditRecord | undefined {
  try {
    const parsed = auditRecordSchema.safeParse(JSON.parse(Buffer.from(line).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
