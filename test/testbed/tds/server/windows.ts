import type { TdsValue } from '../backend.ts'
import { aggregate } from './aggregates.ts'
import { groupKey } from './comparison.ts'
import type { Env, WindowSlot } from './scope.ts'
import { compareValues } from './values.ts'

/** One value per row, in the rows' order. */
export function windowValues(slot: WindowSlot, envs: readonly Env[]): TdsValue[] {
  const result: TdsValue[] = new Array(envs.length).fill(null)
  const partitions = new Map<string, number[]>()
  for (const [at, env] of envs.entries()) {
    const key = groupKey(slot.partition, env)
    const members = partitions.get(key)
    if (members === undefined) partitions.set(key, [at])
    else members.push(at)
  }
  for (const members of partitions.values()) {
    if (slot.name !== 'ROW_NUMBER' && slot.name !== 'RANK') {
      const value = aggregate(
        slot.name,
        slot.args,
        slot.star,
        false,
        members.map((at) => envs[at] as Env),
      )
      for (const at of members) result[at] = value
      continue
    }
    const sorted = [...members].sort((a, b) => order(slot, envs[a] as Env, envs[b] as Env))
    let rank = 0n
    for (const [place, at] of sorted.entries()) {
      const before = sorted[place - 1]
      const tie =
        slot.name === 'RANK' &&
        before !== undefined &&
        order(slot, envs[before] as Env, envs[at] as Env) === 0
      if (!tie) rank = BigInt(place + 1)
      result[at] = rank
    }
  }
  return result
}

function order(slot: WindowSlot, a: Env, b: Env): number {
  for (const { by, descending } of slot.order) {
    const x = by.eval(a)
    const y = by.eval(b)
    const result =
      x === null ? (y === null ? 0 : -1) : y === null ? 1 : compareValues(x, y, by.type, by.collation)
    if (result !== 0) return descending ? -result : result
  }
  return 0
}
