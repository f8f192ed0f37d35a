import { beforeAll, describe, expect, test } from 'vitest'
import { runVerifyAll, type VerifyAllRequest } from '../../../src/app/verify-all.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import type { Manifest } from '../../../src/core/manifest.ts'
import type { SignatureTrust, Signer } from '../../../src/core/signing.ts'
import type { Sink } from '../../../src/core/sink.ts'
import { createSigner, createTrust, generateKey } from '../../../src/stages/openpgp/index.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { withFaults } from '../../testbed/sink-faults.ts'
import { clockAt, storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const HOUR = 3_600_000

let signer: Signer
let trust: SignatureTrust
beforeAll(async () => {
  const key = await generateKey({ name: 'ops', algorithm: 'ecc' })
  const file = (text: string) => ({ name: 'ops', bytes: Buffer.from(text) })
  signer = await createSigner(file(key.armoredSecret), undefined)
  trust = await createTrust([file(key.armoredPublic)])
})

async function verifyAll(sink: Sink, more: Partial<VerifyAllRequest> = {}) {
  const told: LifeboatError[] = []
  const report = await runVerifyAll(
    {
      sink,
      job: undefined,
      deep: false,
      newestAgeMs: undefined,
      expectedJobs: [],
      clock: systemClock,
      onEvent: () => undefined,
      onFailure: (error) => told.push(error),
      ...more,
    },
    signal,
  )
  const outcome = report.backups.map(({ id, error }) => [id, error?.code ?? 'good'])
  return { ...report, outcome, told: told.map(({ code }) => code) }
}

/** One a day, oldest first. */
async function daily(sink: Sink, count: number, job = 'shop'): Promise<Manifest[]> {
  const made: Manifest[] = []
  for (let day = 1; day <= count; day++) {
    made.push(await storeBackup(sink, { job, signer, clock: clockAt(`2026-11-0${day}T00:00:00.000Z`) }))
  }
  return made
}

const volumeOf = ({ job, id, parts }: Manifest) => layout.object(job, id, parts[0]?.volumes[0]?.name ?? '')

describe('verify of a whole catalog', () => {
  test('goes on after a damaged, an unsigned and an incomplete backup, and names each', async () => {
    const sink = createMemorySink()
    const [good, unsigned, damaged, incomplete, last] = await daily(sink, 5)
    const other = await storeBackup(sink, { job: 'other', signer })
    if (!good || !unsigned || !damaged || !incomplete || !last) throw new Error('five backups')
    sink.objects.delete(layout.signature('shop', unsigned.id))
    overwrite(sink, layout.object('shop', damaged.id, damaged.contents.name))
    sink.objects.delete(volumeOf(incomplete))
    const { outcome, told, backups } = await verifyAll(sink, { trust })
    expect(outcome).toEqual([
      [good.id, 'good'],
      [unsigned.id, 'signature'],
      [damaged.id, 'integrity'],
      [incomplete.id, 'integrity'],
      [last.id, 'good'],
      [other.id, 'good'],
    ])
    expect(told).toEqual(['signature', 'integrity', 'integrity'])
    expect(backups.at(-1)?.job).toBe('other')
    expect((await verifyAll(sink, { trust, job: 'other' })).outcome).toEqual([[other.id, 'good']])
  })

  test('nothing at all is not "nothing is bad"', async () => {
    const sink = createMemorySink()
    await expect(verifyAll(sink)).rejects.toMatchObject({ code: 'sink-not-found' })
    await expect(verifyAll(sink, { job: 'shop' })).rejects.toMatchObject({ code: 'sink-not-found' })
    await expect(verifyAll(sink, { newestAgeMs: HOUR })).rejects.toMatchObject({ code: 'sink-not-found' })
    await storeBackup(sink, { job: 'other' })
    await expect(verifyAll(sink, { job: 'shop' })).rejects.toMatchObject({
      hint: expect.stringContaining('other'),
    })
  })

  test('a place that can only be read is told once', async () => {
    const sink = createMemorySink()
    await daily(sink, 3)
    const error = new LifeboatError('sink-denied', 'read only')
    const readOnly = withFaults(sink, [{ on: 'write', kind: 'refuse', error }])
    const warnings: string[] = []
    const { outcome } = await verifyAll(readOnly, {
      onEvent: (event) => event.kind === 'warning' && warnings.push(event.message),
    })
    expect(outcome.map(([, code]) => code)).toEqual(['good', 'good', 'good'])
    expect(warnings).toEqual([expect.stringContaining('read only')])
    // One that only fails is tried again for the next.
    const moody = withFaults(sink, [{ on: 'write', kind: 'refuse', times: 1 }])
    await verifyAll(moody)
    expect([...sink.objects.keys()].filter((key) => key.includes('/verified/'))).toHaveLength(2)
  })

  test('a backup that goes meanwhile is left out', async () => {
    const sink = createMemorySink()
    const [first, second] = await daily(sink, 2)
    if (!first || !second) throw new Error('two backups')
    const pruned: Sink = {
      ...sink,
      async stat(key, at) {
        if (key.includes(first.id)) sink.objects.delete(layout.manifest('shop', first.id))
        return sink.stat(key, at)
      },
    }
    expect(await verifyAll(pruned)).toMatchObject({ outcome: [[second.id, 'good']], told: [] })
  })

  test('a place that stops answering is not waited for again and again', async () => {
    const sink = createMemorySink()
    const backups = await daily(sink, 6)
    const silent = withFaults(sink, [
      { on: 'stat', key: (key) => !key.includes(backups[0]?.id ?? ''), kind: 'refuse' },
    ])
    const { outcome, told } = await verifyAll(silent)
    expect(outcome.map(([, code]) => code)).toEqual(['good', ...Array(5).fill('sink-unavailable')])
    expect(silent.struck).toBe(3)
    expect(told).toHaveLength(3)
  })

  test('ends when it is interrupted', async () => {
    const sink = createMemorySink()
    await daily(sink, 2)
    const stop = new AbortController()
    const request = {
      job: undefined,
      deep: false,
      newestAgeMs: undefined,
      expectedJobs: [],
      clock: systemClock,
      onEvent: () => stop.abort(new LifeboatError('interrupted', 'Ctrl-C')),
      onFailure: () => undefined,
    }
    await expect(runVerifyAll({ sink, ...request }, stop.signal)).rejects.toMatchObject({
      code: 'interrupted',
    })
  })
})

describe('the age of the newest good backup', () => {
  const NOON = clockAt('2026-11-03T12:00:00.000Z')

  test('is that of its data, and must not be more than was asked for', async () => {
    const sink = createMemorySink()
    const [, , newest] = await daily(sink, 3)
    const right = await verifyAll(sink, { newestAgeMs: 12 * HOUR, clock: NOON })
    expect(right.ages).toEqual([{ job: 'shop', newest: newest?.id, ageMs: 12 * HOUR, error: undefined }])
    const late = await verifyAll(sink, { newestAgeMs: 12 * HOUR - 1, clock: NOON })
    expect(late.told).toEqual(['too-old'])
    expect(late.ages[0]?.error).toMatchObject({
      code: 'too-old',
      message: expect.stringMatching(
        /from the last 12 h: the data of the newest, 20261103T000000Z-\w{4}, is 12 h old$/,
      ),
    })
    expect(late.outcome.map(([, code]) => code)).toEqual(['good', 'good', 'good'])
  })

  test('a bad backup does not count, however new', async () => {
    const sink = createMemorySink()
    const [, second, third] = await daily(sink, 3)
    if (!second || !third) throw new Error('three backups')
    sink.objects.delete(volumeOf(third))
    const { ages } = await verifyAll(sink, { newestAgeMs: 26 * HOUR, clock: NOON })
    expect(ages[0]).toMatchObject({ newest: second.id, ageMs: 36 * HOUR, error: { code: 'too-old' } })
  })

  test('is asked of each job, of those too that should be there and are not', async () => {
    const sink = createMemorySink()
    await daily(sink, 3)
    await daily(sink, 1, 'forgotten')
    const { ages, told } = await verifyAll(sink, {
      newestAgeMs: 26 * HOUR,
      clock: NOON,
      expectedJobs: ['shop', 'never-ran'],
    })
    expect(ages.map(({ job, error }) => [job, error?.code])).toEqual([
      ['forgotten', 'too-old'],
      ['never-ran', 'too-old'],
      ['shop', undefined],
    ])
    expect(told).toEqual(['too-old', 'too-old'])
    const none = await verifyAll(createMemorySink(), { job: 'shop', newestAgeMs: HOUR })
    expect(none.ages[0]?.error?.message).toMatch(/there is none$/)
  })

  test('a backup from the future does not stay new for as long', async () => {
    const sink = createMemorySink()
    await storeBackup(sink, { clock: clockAt('2026-11-03T12:10:00.000Z') })
    expect((await verifyAll(sink, { newestAgeMs: HOUR, clock: NOON })).told).toEqual([])
    const wrong = createMemorySink()
    await storeBackup(wrong, { clock: clockAt('2026-12-03T12:00:00.000Z') })
    const { ages } = await verifyAll(wrong, { newestAgeMs: HOUR, clock: NOON })
    expect(ages[0]?.error).toMatchObject({
      code: 'too-old',
      hint: expect.stringMatching(/is dated 30 days ahead and does not count/),
    })
  })
})

function overwrite(sink: MemorySink, key: string): void {
  const object = sink.objects.get(key)
  if (object?.data === undefined) throw new Error(`no object '${key}'`)
  sink.objects.set(key, { ...object, data: Buffer.alloc(object.data.length) })
}
