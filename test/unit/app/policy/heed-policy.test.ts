import { describe, expect, test } from 'vitest'
import {
  type ClassifiedDump,
  type DumpPolicy,
  heedDumpPolicy,
} from '../../../../src/app/policy/heed-policy.ts'
import type { RunEvent } from '../../../../src/app/run-event.ts'
import type { Classification } from '../../../../src/core/classification.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { createMemorySink } from '../../../testbed/memory-sink.ts'
import { storeBackup } from '../../../testbed/stored-backup.ts'

const HOUR_MS = 3_600_000

/** Counts what the places are asked. */
function dumpOf(classification: Classification, but: Partial<ClassifiedDump> = {}) {
  const asked: string[] = []
  const sink = createMemorySink()
  const dump: ClassifiedDump = {
    classification,
    classified: true,
    job: 'shop',
    source: 'postgres://db.example.com?tls=verify-full',
    fingerprints: async () => ['A', 'B'],
    signed: true,
    sinks: ['file:///x'],
    staging: undefined,
    audit: true,
    verify: true,
    rtoMs: HOUR_MS,
    rpoMs: HOUR_MS,
    drillMaxAgeMs: HOUR_MS,
    clock: systemClock,
    ask: {
      sinks: [sink],
      lastDrill: async (place) => {
        asked.push(place.name)
        return undefined
      },
    },
    ...but,
  }
  return { dump, sink, asked }
}

async function heed(dump: ClassifiedDump | undefined, emergency?: DumpPolicy['emergency']) {
  const events: RunEvent[] = []
  const policy = { dump, emergency, onEvent: (event: RunEvent) => void events.push(event) }
  return { record: await heedDumpPolicy(policy, new AbortController().signal), events }
}

describe('heeding the policy of a dump', () => {
  test.each(['development', 'business-critical'] as const)('%s asks no place', async (classification) => {
    const { dump, asked } = dumpOf(classification)
    expect(await heed(dump)).toEqual({ record: { classification }, events: [] })
    expect(asked).toEqual([])
  })

  test('without a class nothing is demanded, and nothing recorded', async () => {
    expect(await heed(undefined)).toEqual({ record: {}, events: [] })
  })

  test('regulated asks, and carries on since when no drill has passed', async () => {
    const { dump, sink, asked } = dumpOf('regulated')
    await storeBackup(sink, { parts: [{ name: 'shop', data: Buffer.from('x') }] })
    const { record } = await heed({ ...dump, drillMaxAgeMs: 1000 * 365 * 24 * HOUR_MS })
    expect(asked).toHaveLength(1)
    expect(record).toEqual({ classification: 'regulated', undrilledSince: expect.stringMatching(/Z$/) })
    await expect(heed({ ...dump, signed: false, audit: false })).rejects.toMatchObject({
      code: 'policy',
      message: expect.stringMatching(/\nsigning: [\s\S]*\naudit: /),
    })
  })

  test('an emergency asks no place, says what it overrides, and throws for nothing', async () => {
    const { dump, asked } = dumpOf('regulated', { signed: false, sinks: ['s3://bucket'] })
    const { record, events } = await heed(dump, { without: ['lease'] })
    expect(asked).toEqual([])
    expect(record).toEqual({
      classification: 'regulated',
      emergency: { overridden: ['signing', 'sse-kms', 'drill', 'lease'] },
    })
    expect(events).toMatchObject([
      { kind: 'warning', message: expect.stringMatching(/^emergency: .*signing/) },
    ])
  })

  test('one without a class, or with nothing to override, is recorded too', async () => {
    expect((await heed(undefined, { without: ['lease'] })).record).toEqual({
      emergency: { overridden: ['lease'] },
    })
    const { dump } = dumpOf('development')
    const { record, events } = await heed(dump, { without: [] })
    expect(record).toEqual({ classification: 'development', emergency: { overridden: [] } })
    expect(events).toMatchObject([{ message: 'emergency: nothing had to be overridden' }])
  })
})
