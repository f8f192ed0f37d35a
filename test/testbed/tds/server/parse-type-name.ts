import type { TypeName } from './ast.ts'
import type { Cursor } from './cursor.ts'

export function parseTypeName(c: Cursor): TypeName {
  if (c.accept('NATIONAL')) {
    const base = c.accept('CHARACTER') || c.accept('CHAR') ? 'char' : c.name()
    return typeArguments(c, [c.accept('VARYING') ? `nvar${base}` : `n${base}`])
  }
  const parts = c.names()
  if (parts.length === 1 && parts[0]?.toLowerCase() === 'double' && c.accept('PRECISION'))
    return { parts: ['float'], args: [] }
  if (/^(char|character|binary)$/i.test(parts[0] ?? '') && c.accept('VARYING'))
    return typeArguments(c, [/^binary$/i.test(parts[0] ?? '') ? 'varbinary' : 'varchar'])
  return typeArguments(c, parts)
}

function typeArguments(c: Cursor, parts: readonly string[]): TypeName {
  if (!c.op('(')) return { parts, args: [] }
  const args = c.parenthesized((): number | 'max' => {
    if (c.accept('MAX')) return 'max'
    const token = c.next()
    if (token.kind !== 'number') throw c.fail()
    return Number(token.value)
  })
  return { parts, args }
}
