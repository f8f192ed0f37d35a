import type { Given } from './dispatch.ts'
import { NjsError, OraError } from './ora-error.ts'

/** NJS-097, NJS-098: what stands in the text and what is bound must be the same, and of a size that PL/SQL takes. */
export function checkBinds(text: string, given: Given, outs: readonly string[]): void {
  const bare = text.replace(/'(?:[^']|'')*'/g, "''")
  const placeholders = new Set([...bare.matchAll(/:(\w+)/g)].map((match) => match[1] ?? ''))
  const bound = new Set([...Object.keys(given), ...outs])
  const wrong = [...placeholders].filter((name) => !bound.has(name))
  const unused = [...bound].filter((name) => !placeholders.has(name))
  if (wrong.length > 0 || unused.length > 0) {
    throw new NjsError(
      '097',
      `no bind placeholder named: ${[...wrong, ...unused].join(', ')} was found in the SQL text`,
    )
  }
  for (const [name, value] of Object.entries(given)) {
    const bytes =
      typeof value === 'string' ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.length : 0
    if (bytes > 32767)
      throw new OraError(1460, `unimplemented or unreasonable conversion requested (${name})`)
  }
}
