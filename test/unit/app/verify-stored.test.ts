import { describe, expect, test } from 'vitest'
import { verifyStored } from '../../../src/app/verify-stored.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import type { Sink } from '../../../src/core/sink.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { storeBackup } from '../../testbed/stored-backup.ts'

const parts = [{ name: 'shop', data: Buffer.from('CREATE TABLE') }]
const look = (sink: Sink, id: string) =>
  verifyStored(
    { sink, job: 'shop', id, clock: systemClock, onEvent: () => undefined },
    new AbortController().signal,
  )

describe('a backup that was just stored', () => {
  test('is verified without reading its data, and that is noted', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink, { parts })
    expect(await look(sink, id)).toMatchObject({ level: 'attested', noted: true, storedBytes: 0 })
    expect(sink.objects.has(layout.verified('shop', id))).toBe(true)
  })

  test('and damaged says what there is, and not to rely on it', async () => {
    const sink = createMemorySink()
    const { id, parts: stored } = await storeBackup(sink, { parts })
    sink.objects.delete(layout.object('shop', id, stored[0]?.volumes[0]?.name ?? ''))
    await expect(look(sink, id)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(
        `^unable to verify backup '${id}' of job 'shop', which was just stored at `,
      ),
      hint: expect.stringMatching(/^Do not rely on this backup/),
    })
  })

  test('at a place that says no more may well be good', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink, { parts })
    const gone: Sink = {
      ...sink,
      stat: () => Promise.reject(new LifeboatError('sink-unavailable', 'no answer')),
    }
    await expect(look(gone, id)).rejects.toMatchObject({
      code: 'sink-unavailable',
      hint: expect.stringMatching(`lifeboat verify ${id} --job shop`),
    })
  })
})
