import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEncodeStages } from '../../src/app/registry.ts'
import { runRestore } from '../../src/app/restore.ts'
import { runVerify } from '../../src/app/verify.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { SignatureTrust } from '../../src/core/signing.ts'
import { CHUNK_BYTES } from '../../src/core/sink.ts'
import { type ChaosKeys, makeKeys } from '../chaos/keys.ts'
import { createRecordingEngine } from '../chaos/recording-engine.ts'
import { newFolder } from '../chaos/roots.ts'
import type { MemoryPart } from '../testbed/memory-engine.ts'
import { createMemorySink, type StoredObject } from '../testbed/memory-sink.ts'
import { sampleBytes } from '../testbed/sample-bytes.ts'
import { clockAt, storeBackup } from '../testbed/stored-backup.ts'

const job = 'shop'
const { signal } = new AbortController()

interface Variant {
  readonly name: string
  readonly codec: string
  readonly encrypted: boolean
  readonly parts: (seed: string) => readonly MemoryPart[]
  /** Stored objects by what they are: a pattern of their name, and of a volume the chunk that is struck. */
  readonly objects: readonly (readonly [string, string, number | undefined])[]
}

const VARIANTS: readonly Variant[] = [
  {
    name: 'of several chunks and volumes',
    codec: 'none',
    encrypted: false,
    parts: (seed) => [
      { name: 'large', data: sampleBytes(3 * CHUNK_BYTES - 7, seed) },
      { name: 'small', data: sampleBytes(1_000, `${seed} small`) },
    ],
    objects: [
      ['the first chunk', '0001.sql.000', 0],
      ['a middle chunk', '0001.sql.000', 1],
      ['the last chunk, in a volume of its own', '0001.sql.001', 2],
      ['another part', '0002.sql.000', undefined],
    ],
  },
  {
    name: 'compressed and encrypted',
    codec: 'gzip',
    encrypted: true,
    parts: (seed) => [
      { name: 'large', data: sampleBytes(50_000, seed) },
      { name: 'small', data: Buffer.from(`of ${seed}`) },
    ],
    objects: [
      ['a part', '0001.sql.gz.pgp', undefined],
      ['another part', '0002.sql.gz.pgp', undefined],
    ],
  },
]

const SMALL = ['contents.json', 'index.json.gz'] as const

describe.each(VARIANTS)('a signed backup $name', ({ codec, encrypted, parts, objects }) => {
  let folder: Awaited<ReturnType<typeof newFolder>>
  let keys: ChaosKeys
  const whole = new Map<string, StoredObject>()
  const ids: string[] = []
  const truth = parts('second')

  beforeAll(async () => {
    folder = await newFolder('tampering')
    keys = await makeKeys(folder.path)
    const sink = createMemorySink({ traits: { maxChunks: 2 } })
    const stages = await createEncodeStages({
      codec,
      level: undefined,
      recipients: encrypted ? [keys.recipient] : [],
    })
    for (const [seed, day] of [
      ['first', 1],
      ['second', 2],
    ] as const) {
      const clock = clockAt(`2026-11-0${day}T00:00:00.000Z`)
      ids.push((await storeBackup(sink, { job, parts: parts(seed), stages, signer: keys.signer, clock })).id)
    }
    for (const [key, object] of sink.objects) whole.set(key, object)
  })
  afterAll(() => folder?.[Symbol.asyncDispose]())

  const id = () => ids[1] as string
  const dataKey = (name: string, of = id()) => {
    const found = [...whole.keys()].filter((key) => key.startsWith(`${layout.dataOf(job, of)}${name}`))
    if (found.length !== 1) throw new Error(`${found.length} objects are like ${name}`)
    return found[0] as string
  }
  const bytesOf = (key: string) => Buffer.from(whole.get(key)?.data ?? [])

  /** A place of its own with these objects changed; undefined takes one away. */
  function placeWith(changes: Readonly<Record<string, Uint8Array | undefined>>) {
    const sink = createMemorySink({ traits: { maxChunks: 2 } })
    for (const [key, object] of whole) sink.objects.set(key, object)
    for (const [key, data] of Object.entries(changes)) {
      if (data === undefined) sink.objects.delete(key)
      else sink.objects.set(key, { info: { key, bytes: data.length, modified: new Date() }, data })
    }
    return sink
  }

  /** Verify and restore must refuse it with one of the codes; resolves with how many true bytes of each part were fed. */
  async function expectRefused(
    changes: Readonly<Record<string, Uint8Array | undefined>>,
    codes: readonly string[],
    { asked = id(), trust }: { readonly asked?: string; readonly trust?: SignatureTrust } = {},
  ): Promise<ReadonlyMap<string, number>> {
    const sink = placeWith(changes)
    const engine = createRecordingEngine()
    const onEvent = () => undefined
    const request = { sink, job, id: asked, decoders: keys.decoders, clock: systemClock, onEvent }
    const trusting = { ...request, ...(trust !== undefined && { trust }) }
    const restore = { engine, replace: true, alongside: false, sameServerOk: true, jobs: 1 }
    const coded = { code: expect.toBeOneOf([...codes]), hint: expect.stringMatching(/\S/) }
    await expect(runVerify({ ...trusting, deep: true }, signal)).rejects.toMatchObject(coded)
    await expect(runRestore({ ...trusting, ...restore }, signal)).rejects.toMatchObject(coded)
    for (const [name, fed] of engine.fed) {
      const data = truth.find((part) => part.name === name)?.data as Buffer
      expect(data.subarray(0, fed.length).equals(fed)).toBe(true)
    }
    return new Map([...engine.fed].map(([name, fed]) => [name, fed.length]))
  }
  const NOTHING = new Map()

  test('restores as it is', async () => {
    const engine = createRecordingEngine()
    const request = { sink: placeWith({}), job, id: undefined, decoders: keys.decoders, engine }
    const how = { replace: false, alongside: false, sameServerOk: true, jobs: 1, trust: keys.trust }
    await runRestore({ ...request, ...how, clock: systemClock, onEvent: () => undefined }, signal)
    for (const { name, data } of truth) expect(engine.fed.get(name)?.equals(data as Buffer)).toBe(true)
  })

  describe.each(objects)('%s', (_, name, chunk) => {
    const isLarge = name.startsWith('0001')
    test.each(['first', 'middle', 'last'])('its %s byte flipped: not a byte of it is fed', async (which) => {
      const key = dataKey(name)
      const bytes = bytesOf(key)
      const from = chunk === undefined ? 0 : (chunk % 2) * CHUNK_BYTES
      const to = Math.min(bytes.length, from + CHUNK_BYTES)
      const at = { first: from, middle: (from + to) >> 1, last: to - 1 }[which] as number
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const fed = await expectRefused({ [key]: bytes }, ['integrity'])
      if (isLarge) expect(fed.get('large')).toBe((chunk ?? 0) * CHUNK_BYTES)
      else expect(fed.get('small')).toBe(0)
    })

    test('the same of another backup: not a byte of it is fed', async () => {
      const other = bytesOf(dataKey(name, ids[0]))
      const fed = await expectRefused({ [dataKey(name)]: other }, ['integrity'])
      // Two encrypted messages are seldom of one length, and then it shows before anything is fed.
      const least = name.endsWith('.001') ? 2 * CHUNK_BYTES : 0
      if (isLarge) expect(fed.get('large') ?? 0).toBe(least)
      else expect(fed.get('small') ?? 0).toBe(0)
    })

    test.each([
      ['cut to nothing', () => Buffer.alloc(0)],
      ['cut in half', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
      ['cut by a byte', (bytes: Buffer) => bytes.subarray(0, -1)],
      ['longer by a byte', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
      ['gone', () => undefined],
    ] as const)('%s: nothing is fed', async (_how, change) => {
      const key = dataKey(name)
      expect(await expectRefused({ [key]: change(bytesOf(key)) }, ['integrity'])).toEqual(NOTHING)
    })
  })

  test('two volumes or parts that have changed places: nothing is fed', async () => {
    const [one, other] = [dataKey(objects[0]?.[1] ?? ''), dataKey(objects.at(-1)?.[1] ?? '')]
    const changes = { [one]: bytesOf(other), [other]: bytesOf(one) }
    expect(await expectRefused(changes, ['integrity'])).toEqual(NOTHING)
  })

  test('a volume under another name: nothing is fed', async () => {
    const key = dataKey(objects[0]?.[1] ?? '')
    const changes = { [key]: undefined, [`${key}.009`]: bytesOf(key) }
    expect(await expectRefused(changes, ['integrity'])).toEqual(NOTHING)
  })

  const changed: readonly (readonly [string, (bytes: Buffer, other: Buffer) => Uint8Array | undefined])[] = [
    ['flipped at its beginning', (bytes) => flipped(bytes, 0)],
    ['flipped in its middle', (bytes) => flipped(bytes, bytes.length >> 1)],
    ['flipped at its end', (bytes) => flipped(bytes, bytes.length - 1)],
    ['cut to nothing', () => Buffer.alloc(0)],
    ['cut in half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['longer by a space', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])],
    ['of the other backup', (_, other) => other],
    ['gone', () => undefined],
  ]
  describe.each(SMALL)('%s', (name) => {
    test.each(changed)('%s: nothing is fed', async (_, change) => {
      const key = dataKey(name)
      const replacement = change(bytesOf(key), bytesOf(dataKey(name, ids[0])))
      expect(await expectRefused({ [key]: replacement }, ['integrity'])).toEqual(NOTHING)
    })
  })

  describe.each([
    ['the manifest', layout.manifest],
    ['the signature', layout.signature],
  ])('%s, where signers are trusted', (what, keyOf) => {
    // Whitespace around an armoured signature is no part of it.
    const those =
      what === 'the signature' ? changed.filter(([how]) => !/space|beginning|end/.test(how)) : changed
    test.each(those)('%s: nothing is fed', async (how, change) => {
      const [key, other] = [keyOf(job, id()), keyOf(job, ids[0] as string)]
      const codes = how === 'gone' && what === 'the manifest' ? ['sink-not-found'] : ['signature']
      const changes = { [key]: change(bytesOf(key), bytesOf(other)) }
      expect(await expectRefused(changes, codes, { trust: keys.trust })).toEqual(NOTHING)
    })
  })

  test('every single byte of the manifest counts', async () => {
    const key = layout.manifest(job, id())
    const bytes = bytesOf(key)
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
      const fed = await expectRefused({ [key]: flipped(bytes, at) }, ['signature'], { trust: keys.trust })
      expect(fed).toEqual(NOTHING)
    }
  })

  test('manifest and signature of the other backup: nothing is fed', async () => {
    const changes = Object.fromEntries(
      [layout.manifest, layout.signature].map((keyOf) => [
        keyOf(job, id()),
        bytesOf(keyOf(job, ids[0] as string)),
      ]),
    )
    expect(await expectRefused(changes, ['integrity'], { trust: keys.trust })).toEqual(NOTHING)
  })

  test('the older backup replayed whole under a newer id: nothing is fed', async () => {
    const newer = '20991231T235959Z-zzzz'
    const old = ids[0] as string
    const changes = Object.fromEntries(
      [...whole].flatMap(([key, { data }]) =>
        key.includes(old) && data !== undefined ? [[key.replace(old, newer), data]] : [],
      ),
    )
    for (const asked of ['latest', newer]) {
      const fed = await expectRefused(changes, ['integrity'], { asked, trust: keys.trust })
      expect(fed).toEqual(NOTHING)
    }
  })

  test('the data of the older backup with its index and contents under this manifest: nothing is fed', async () => {
    const old = ids[0] as string
    const prefix = layout.dataOf(job, old)
    const changes = Object.fromEntries(
      [...whole].flatMap(([key, { data }]) =>
        key.startsWith(prefix) && data !== undefined ? [[key.replace(old, id()), data]] : [],
      ),
    )
    expect(await expectRefused(changes, ['integrity'], { trust: keys.trust })).toEqual(NOTHING)
  })
})

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
