import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vitest/node'

/** A string or template in the source that begins like a statement of SQL. */
export interface SqlLiteral {
  readonly file: string
  readonly text: string
  /** Matches a text that was made with it, whatever was filled in. */
  readonly madeOf: RegExp
  /** Nothing is filled in: it is sent as it stands, or is a piece of another. */
  readonly isFixed: boolean
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>

const STATEMENT =
  /^\s*(?:ALTER|BEGIN|COMMIT|CREATE|DBCC|DECLARE|DELETE|DENY|DISABLE|DROP|ENABLE|EXEC|EXECUTE|GRANT|IF|INSERT|KILL|LOCK|MERGE|PRINT|REVOKE|ROLLBACK|SELECT|SET|TRUNCATE|UPDATE|USE|WAITFOR|WITH)\s+\S/

/** Everything below a folder that looks like SQL, found by a real parser of TypeScript. */
export function readSqlLiterals(folder: string): readonly SqlLiteral[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const file = join(folder, name)
      const found: SqlLiteral[] = []
      visit(parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }), (pieces) => {
        const text = pieces.join('…')
        if (!STATEMENT.test(text)) return
        const madeOf = new RegExp(pieces.map(escaped).join('[^]*'))
        found.push({ file, text, madeOf, isFixed: pieces.length === 1 })
      })
      return found
    })
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function visit(value: unknown, see: (pieces: readonly string[]) => void): void {
  if (Array.isArray(value)) {
    for (const element of value) visit(element, see)
    return
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return
  const node = value as Node
  if (node.type === 'Literal' && typeof node.value === 'string') see([node.value])
  if (node.type === 'TemplateLiteral') {
    const quasis = node.quasis as readonly { readonly value: { readonly cooked: string } }[]
    see(quasis.map((quasi) => quasi.value.cooked))
  }
  for (const child of Object.values(node)) visit(child, see)
}

/**
 * Literals that no parsed text was made of, and that are no statements by themselves. What is never sent is named with
 * its reason: `file` → beginnings of its texts.
 */
export async function uncovered(
  literals: readonly SqlLiteral[],
  parsed: readonly string[],
  parse: (text: string) => Promise<void>,
  neverSent: Readonly<Record<string, readonly string[]>> = {},
): Promise<readonly string[]> {
  const found: string[] = []
  for (const { file, text, madeOf, isFixed } of literals) {
    if ((neverSent[file] ?? []).some((beginning) => text.startsWith(beginning))) continue
    if (parsed.some((each) => madeOf.test(each))) continue
    const reason = isFixed ? await reasonAgainst(text, parse) : 'it is in no text that was parsed'
    if (reason !== undefined) found.push(`${file}: ${text.slice(0, 100)}: ${reason}`)
  }
  return found
}

async function reasonAgainst(
  text: string,
  parse: (text: string) => Promise<void>,
): Promise<string | undefined> {
  try {
    await parse(text)
    return undefined
  } catch (thrown) {
    return String(thrown)
  }
}
