import { expect, test } from 'vitest'
import { createEarlySync } from '../../../../src/sinks/file/early-sync.ts'

const MIB = 1024 * 1024

test('syncs one after the other, each only when enough is written', async () => {
  const syncs: PromiseWithResolvers<void>[] = []
  const early = createEarlySync({
    datasync() {
      const sync = Promise.withResolvers<void>()
      syncs.push(sync)
      return sync.promise
    },
  })
  early.wrote(15 * MIB)
  expect(syncs).toHaveLength(0)
  early.wrote(MIB)
  early.wrote(40 * MIB)
  expect(syncs).toHaveLength(1)
  syncs[0]?.resolve()
  await early.settled()
  early.wrote(1)
  expect(syncs).toHaveLength(2)
  syncs[1]?.resolve()
  await early.settled()
})

test('a sync that failed fails what is written next, and the end', async () => {
  const full = new Error('no space left')
  const early = createEarlySync({ datasync: () => Promise.reject(full) })
  early.wrote(16 * MIB)
  await expect(early.settled()).rejects.toBe(full)
  expect(() => early.wrote(1)).toThrow(full)
  await expect(early.settled()).rejects.toBe(full)
})
