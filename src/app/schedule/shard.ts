import { createHash } from 'node:crypto'
import { LifeboatError } from '../../core/errors.ts'

/** One of several agents that divide the jobs of a configuration between them. */
export interface Shard {
  /** From 0, as JOB_COMPLETION_INDEX of Kubernetes. */
  readonly index: number
  readonly count: number
}

const MOST_SHARDS = 10_000

/** `3/8`: the fourth of eight. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []
  const shard = { index: Number(index), count: Number(count) }
  if (shard.count >= 1 && shard.count <= MOST_SHARDS && shard.index < shard.count) return shard
  throw new LifeboatError('usage', `unable to read the shard '${text}'`, {
    hint: 'Write it as i/n, i from 0 to n-1: with four agents --shard 0/4, 1/4, 2/4 and 3/4.',
  })
}

/** A job stays with its shard whatever other jobs come and go: only its name and the number of shards count. */
export function isInShard(job: string, { index, count }: Shard): boolean {
  return createHash('sha256').update(job).digest().readUInt32BE(0) % count === index
}
