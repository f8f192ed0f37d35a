import type { Expr } from './ast.ts'
import { notPlayed } from './sql-error.ts'

export const bracket = (name: string) => `[${name.replaceAll(']', ']]')}]`

/** The form in which the server keeps the definition of a default, check, filter or computed column. */
export function printDefinition(expr: Expr): string {
  return `(${print(expr, 0)})`
}

const LEVEL: Readonly<Record<string, number>> = {
  '*': 7,
  '/': 7,
  '%': 7,
  '+': 6,
  '-': 6,
  '&': 6,
  '|': 6,
  '^': 6,
}

function print(expr: Expr, outer: number): string {
  const wrap = (level: number, text: string) => (level < outer ? `(${text})` : text)
  switch (expr.kind) {
    case 'literal':
      return /^[\d.]/.test(expr.text) && !expr.text.startsWith('0x') ? `(${expr.text})` : expr.text
    case 'name':
      return expr.parts.map(bracket).join('.')
    case 'variable':
      return expr.name
    case 'unary':
      if (expr.operand.kind === 'literal' && /^[\d.]/.test(expr.operand.text))
        return `(${expr.op}${expr.operand.text})`
      return `${expr.op}${print(expr.operand, 8)}`
    case 'binary': {
      const level = LEVEL[expr.op] ?? 6
      return wrap(level, `${print(expr.left, level)}${expr.op}${print(expr.right, level + 1)}`)
    }
    case 'compare':
      return wrap(4, `${print(expr.left, 5)}${expr.op}${print(expr.right, 5)}`)
    case 'logic': {
      const level = expr.op === 'AND' ? 2 : 1
      return wrap(level, `${print(expr.left, level)} ${expr.op} ${print(expr.right, level + 1)}`)
    }
    case 'not':
      return wrap(3, `NOT ${print(expr.operand, 4)}`)
    case 'is-null':
      return wrap(4, `${print(expr.operand, 5)} IS ${expr.negated ? 'NOT ' : ''}NULL`)
    case 'in': {
      if (!Array.isArray(expr.list)) throw notPlayed('a subquery in a definition')
      // The server keeps IN as a chain of ORs, last first.
      const chain = [...expr.list]
        .reverse()
        .map((item: Expr) => `${print(expr.operand, 5)}=${print(item, 5)}`)
      const text = chain.join(' OR ')
      if (expr.negated) return wrap(3, `NOT (${text})`)
      return wrap(chain.length > 1 ? 1 : 4, text)
    }
    case 'like': {
      const escaped = expr.escape === undefined ? '' : ` escape ${print(expr.escape, 5)}`
      const not = expr.negated ? 'NOT ' : ''
      return wrap(
        expr.negated ? 3 : 4,
        `${not}${print(expr.operand, 5)} like ${print(expr.pattern, 5)}${escaped}`,
      )
    }
    case 'case': {
      const operand = expr.operand === undefined ? '' : ` ${print(expr.operand, 0)}`
      const whens = expr.whens
        .map(({ when, result }) => ` when ${print(when, 0)} then ${print(result, 0)}`)
        .join('')
      const otherwise = expr.otherwise === undefined ? '' : ` else ${print(expr.otherwise, 0)}`
      return `case${operand}${whens}${otherwise} end`
    }
    case 'convert': {
      const args = expr.type.args.length === 0 ? '' : `(${expr.type.args.join(',')})`
      const style = expr.style !== undefined ? `,${print(expr.style, 0)}` : expr.asCast ? ',(0)' : ''
      const name = expr.attempt ? 'TRY_CONVERT' : 'CONVERT'
      const lower = expr.type.parts.map((part, index) =>
        bracket(
          index === expr.type.parts.length - 1 && expr.type.parts.length === 1 ? part.toLowerCase() : part,
        ),
      )
      return `${name}(${lower.join('.')}${args},${print(expr.operand, 0)}${style})`
    }
    case 'call': {
      const name =
        expr.name.length === 1 ? (expr.name[0] ?? '').toLowerCase() : expr.name.map(bracket).join('.')
      return `${name}(${expr.star ? '*' : expr.args.map((arg) => print(arg, 0)).join(',')})`
    }
    case 'collate':
      return `${print(expr.operand, 8)} COLLATE ${expr.collation}`
    case 'next-value':
      return `NEXT VALUE FOR ${expr.name.map(bracket).join('.')}`
    case 'exists':
    case 'subquery':
      throw notPlayed('a subquery in a definition')
  }
}
