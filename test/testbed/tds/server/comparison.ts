import type { TdsType, TdsValue } from '../backend.ts'
import { literally } from './pattern.ts'
import type { Compiled, Env } from './scope.ts'
import { SqlError } from './sql-error.ts'
import { INT } from './types.ts'
import { castValue, commonType, compareValues, keyOf } from './values.ts'

export const HOLDS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
}

export function unify(arms: readonly Compiled[]): TdsType {
  const typed = arms.filter((arm) => arm.isNull !== true)
  return typed.map((arm) => arm.type).reduce((left, right) => commonType(left, right), typed[0]?.type ?? INT)
}

/** Compares two values as their expressions' types want it; null is unknown. */
export function comparer(left: Compiled, right: Compiled): (a: TdsValue, b: TdsValue) => number | null {
  const type = commonType(left.type, right.type)
  if (
    ['text', 'ntext', 'image', 'xml'].includes(left.type.name) ||
    ['text', 'ntext', 'image', 'xml'].includes(right.type.name)
  )
    if (left.isNull !== true && right.isNull !== true)
      throw new SqlError(
        402,
        `The data types ${left.type.name} and ${right.type.name} are incompatible in the equal to operator.`,
        { endsBatch: true },
      )
  const collation = left.collation ?? right.collation
  const same = (from: TdsType) => from.name === type.name
  return (a, b) => {
    if (a === null || b === null) return null
    const x = same(left.type) ? a : castValue(a, left.type, type)
    const y = same(right.type) ? b : castValue(b, right.type, type)
    return x === null || y === null ? null : compareValues(x, y, type, collation)
  }
}

export function groupKey(keys: readonly Compiled[], env: Env): string {
  return keys.map((key) => keyOf(key.eval(env), key.type, key.collation)).join('\u0001')
}

export function likePattern(pattern: string, mark: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] as string
    if (mark !== '' && char === mark) {
      at += 1
      source += literally(pattern[at] ?? '')
    } else if (char === '%') source += '[\\s\\S]*'
    else if (char === '_') source += '[\\s\\S]'
    else if (char === '[') {
      const close = pattern.indexOf(']', at + 1)
      const body = close < 0 ? '' : pattern.slice(at + 1, close)
      if (close < 0) return /(?!)/
      source += `[${body.startsWith('^') ? '^' : ''}${body.replace(/^\^/, '').replace(/[\\[\]^]/g, '\\$&')}]`
      at = close
    } else source += literally(char)
  }
  return new RegExp(`^${source}$`, 'i')
}
