import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Proofs } from '../../../src/app/attestation.ts'
import { copyBackup } from '../../../src/app/copy-backup.ts'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { runVerify, type VerifyRequest } from '../../../src/app/verify.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { Index, Manifest } from '../../../src/core/manifest.ts'
import { CHUNK_BYTES, type Sink } from '../../../src/core/sink.ts'
import { type Attests, createAttestingSink } from '../../testbed/attesting-sink.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { sampleBytes } from '../../testbed/sample-bytes.ts'
import { storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const job = 'shop'
const LONG = sampleBytes(CHUNK_BYTES + 10)
const accounts = { name: 'accounts', data: Buffer.from('CREATE USER') }
const parts = [{ name: 'shop', data: LONG.subarray(0, 5000) }, accounts]
/** Of several chunks, and so of several parts of an upload: the forms of checksums differ. */
const long = [{ name: 'shop', data: LONG }, accounts]
const none: Proofs = { digest: 0, checksum: 0, etag: 0, size: 0 }
const damaged = expect.objectContaining({ code: 'integrity', hint: expect.stringMatching(/\S/) })

const verify = (sink: Sink, id: string, more: Partial<VerifyRequest> = {}) =>
  runVerify({ sink, job, id, deep: false, clock: systemClock, onEvent: () => undefined, ...more }, signal)
const volumesOf = ({ id, parts: stored }: Manifest) =>
  stored.flatMap(({ volumes }) => volumes.map(({ name }) => layout.object(job, id, name)))
const journal = { opened: async () => undefined, closed: async () => undefined, left: async () => [] }

function edit(sink: MemorySink, key: string, change: (data: Buffer) => Uint8Array): void {
  const object = sink.objects.get(key)
  if (object?.data === undefined) throw new Error(`no object '${key}'`)
  const data = change(Buffer.from(object.data))
  sink.objects.set(key, { data, info: { ...object.info, bytes: data.length } })
}

const flipped = (data: Uint8Array, at: number) => {
  const other = Buffer.from(data)
  other[at] = (other[at] ?? 0) ^ 1
  return other
}

describe('verify without reading', () => {
  test('reads the manifest, the index and the contents, and no data', async () => {
    const sink = createAttestingSink(['CRC32'])
    const manifest = await storeBackup(sink, { parts })
    sink.reads.length = 0
    expect(await verify(sink, manifest.id)).toMatchObject({
      level: 'attested',
      proofs: { ...none, checksum: 2 },
      storedBytes: 0,
    })
    const small = [manifest.index, manifest.contents].map(({ name }) => layout.object(job, manifest.id, name))
    expect(sink.reads).toEqual([layout.manifest(job, manifest.id), ...small])
  })

  test('costs the same three reads for a volume of 80 GB and for 2,000 volumes', async () => {
    const sink = createAttestingSink([])
    const many = Array.from({ length: 2000 }, (_, number) => ({
      name: `t${number}`,
      data: Buffer.from('row'),
    }))
    const manifest = await storeBackup(sink, { parts: many })
    const [huge] = volumesOf(manifest)
    const bytes = 5000 * CHUNK_BYTES
    const chunks = Array.from({ length: 5000 }, () => createHash('sha256').update('chunk').digest('hex'))
    lengthen(sink, manifest, bytes, chunks)
    sink.objects.set(huge ?? '', {
      info: { key: huge ?? '', bytes, modified: new Date() },
      data: undefined,
    })
    sink.reads.length = 0
    expect((await verify(sink, manifest.id)).proofs).toEqual({ ...none, size: 2000 })
    expect(sink.reads).toHaveLength(3)
  })

  test.for([
    [['CRC32'], { checksum: 2 }],
    [['CRC32', 'ETag'], { checksum: 2 }],
    [['ETag'], { etag: 2 }],
    [['SHA256'], { digest: 2 }],
    [[], { size: 2 }],
  ] as const)('says what it compared where the place attests %j', async ([attests, proofs]) => {
    const sink = createAttestingSink(attests)
    const { id } = await storeBackup(sink, { parts: long })
    expect((await verify(sink, id)).proofs).toEqual({ ...none, ...proofs })
  })

  const overwritten: readonly (readonly [readonly Attests[], { readonly versioned: boolean }])[] = [
    [['CRC32'], { versioned: false }],
    [['ETag'], { versioned: false }],
    [['SHA256'], { versioned: true }],
  ]
  test.for(overwritten)(
    'sees what another writer put in its place, of equal length: %j',
    async ([attests, options]) => {
      const sink = createAttestingSink(attests, options)
      const manifest = await storeBackup(sink, { parts: long })
      for (const [number, key] of volumesOf(manifest).entries()) {
        const data = Buffer.from(sink.objects.get(key)?.data ?? '')
        await sink.overwrite(key, flipped(data, data.length - 1))
        await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
        await expect(verify(sink, manifest.id)).rejects.toMatchObject({
          message: expect.stringContaining(key),
        })
        await sink.overwrite(key, data)
        if (!options.versioned || number === 1) await verify(sink, manifest.id)
      }
    },
  )

  test('sees by its version that one volume was written anew, though its checksum is right', async () => {
    const sink = createAttestingSink(['CRC32'], { versioned: true })
    const manifest = await storeBackup(sink, { parts })
    expect((await verify(sink, manifest.id)).level).toBe('attested')
    const [first = '', second = ''] = volumesOf(manifest)
    await sink.overwrite(second, sink.objects.get(second)?.data ?? Buffer.alloc(0))
    await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
    // All of them anew is what a copy looks like: by then only checksums speak.
    await sink.overwrite(first, LONG.subarray(0, 5000))
    expect((await verify(sink, manifest.id)).proofs).toEqual({ ...none, checksum: 2 })
  })

  test('can not see it where the place attests the length alone, and reading does', async () => {
    const sink = createMemorySink()
    const manifest = await storeBackup(sink, { parts: long })
    const [first = ''] = volumesOf(manifest)
    edit(sink, first, (data) => flipped(data, CHUNK_BYTES + 5))
    expect((await verify(sink, manifest.id)).proofs).toEqual({ ...none, size: 2 })
    await expect(verify(sink, manifest.id, { deep: true })).rejects.toEqual(damaged)
  })

  test.for<readonly [string, (sink: MemorySink, manifest: Manifest) => void]>([
    ['a missing volume', (sink, manifest) => void sink.objects.delete(volumesOf(manifest)[1] ?? '')],
    [
      'a cut volume',
      (sink, manifest) => edit(sink, volumesOf(manifest)[0] ?? '', (data) => data.subarray(1)),
    ],
    [
      'an index of the same length',
      (sink, { id, index }) => edit(sink, layout.object(job, id, index.name), (data) => flipped(data, 5)),
    ],
    [
      'contents of the same length',
      (sink, { id, contents }) =>
        edit(sink, layout.object(job, id, contents.name), (data) => flipped(data, 5)),
    ],
    [
      'a manifest whose volume has another length than the index says',
      (sink, { id }) =>
        edit(sink, layout.manifest(job, id), (data) => {
          const manifest: Manifest = JSON.parse(data.toString())
          const [volume] = manifest.parts[1]?.volumes ?? []
          if (volume !== undefined) volume.bytes += 1
          return Buffer.from(JSON.stringify(manifest))
        }),
    ],
  ])('finds %s', async ([, tamper]) => {
    const sink = createAttestingSink(['CRC32'])
    const manifest = await storeBackup(sink, { parts })
    tamper(sink, manifest)
    await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
  })

  test('takes a copy at a place that attests otherwise, with versions of its own', async () => {
    const kinds: readonly (readonly Attests[])[] = [['CRC32'], ['ETag'], ['SHA256'], ['CRC32', 'ETag'], []]
    for (const one of kinds) {
      for (const other of kinds) {
        const [from, to] = [one, other].map((kind) => createAttestingSink(kind, { versioned: true }))
        if (from === undefined || to === undefined) throw new Error('two sinks')
        const { id } = await storeBackup(from, {
          parts: parts.slice(0, 1),
        })
        await copyBackup({ from, to, job, id, journal, onEvent: () => undefined }, signal)
        expect((await verify(to, id)).level).toBe('attested')
      }
    }
  })

  test.for([
    [
      'the ETag of a place that encrypts by KMS',
      ['ETag'],
      { ETag: `"${'0'.repeat(32)}"`, encryption: 'aws:kms' },
    ],
    ['an ETag of other parts', ['ETag'], { ETag: `"${'0'.repeat(32)}-7"` }],
    ['a checksum of other parts', ['SHA256'], { SHA256: 'abc=-7' }],
    ['another checksum', ['CRC32'], { CRC64NVME: 'abc=' }],
  ] as const)(
    '%s proves nothing: it is good where lifeboat wrote it, and not where another did',
    async ([, attests, attestation]) => {
      const sink = createAttestingSink(attests)
      const manifest = await storeBackup(sink, { parts: long })
      const saying = (facts: Readonly<Record<string, string>>): Sink => ({
        ...sink,
        async stat(key, at) {
          const info = await sink.stat(key, at)
          return info && { ...info, attestation: facts }
        },
      })
      const copied = await verify(saying({ ...attestation, write: 'another' }), manifest.id)
      expect(copied.proofs).toEqual({ ...none, size: 2 })
      await expect(verify(saying(attestation), manifest.id)).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringContaining('another program than lifeboat wrote it'),
        hint: expect.stringContaining('--deep'),
      })
      // A folder to which the backup was copied by hand: it has no marks, and nothing that could be compared.
      expect((await verify(saying({}), manifest.id)).proofs).toEqual({ ...none, size: 2 })
    },
  )

  test('any single changed byte of any volume is seen by a checksum, and an unchanged backup is good', async () => {
    const attests = fc.constantFrom<Attests>('CRC32', 'SHA256', 'ETag')
    const volumes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(attests, volumes, fc.nat(), fc.nat(), async (kind, data, which, where) => {
        const sink = createAttestingSink([kind])
        const named = data.map((bytes, number) => ({ name: `p${number}`, data: Buffer.from(bytes) }))
        const manifest = await storeBackup(sink, { parts: named })
        await verify(sink, manifest.id)
        const key = volumesOf(manifest)[which % data.length] ?? ''
        const before = sink.objects.get(key)?.data ?? Buffer.alloc(0)
        await sink.overwrite(key, flipped(before, where % before.length))
        await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
      }),
      { numRuns: 30 },
    )
  })
})

describe('verify that reads all', () => {
  test('compares what is stored, or with the decoders what is plain', async () => {
    const sink = createAttestingSink(['CRC32'])
    const { id, parts: stored } = await storeBackup(sink, { parts: long })
    const storedBytes = stored.reduce((sum, part) => sum + part.storedBytes, 0)
    expect(await verify(sink, id, { deep: true })).toMatchObject({
      level: 'stored',
      storedBytes,
      plainBytes: 0,
    })
    const unopened = await verify(sink, id, { deep: true, decoders: async () => undefined })
    expect(unopened).toMatchObject({ level: 'stored' })
    expect(await verify(sink, id, { deep: true, decoders: async () => [] })).toMatchObject({
      level: 'plain',
      storedBytes,
      plainBytes: storedBytes,
    })
  })

  test('a forged CRC does not help', async () => {
    const sink = createAttestingSink(['CRC32'])
    const manifest = await storeBackup(sink, { parts })
    const [first = ''] = volumesOf(manifest)
    const attestation = (await sink.stat(first, signal))?.attestation ?? {}
    await sink.overwrite(first, flipped(LONG.subarray(0, 5000), 7))
    const forged: Sink = {
      ...sink,
      async stat(key, at) {
        const info = await sink.stat(key, at)
        return key === first && info !== undefined ? { ...info, attestation } : info
      },
    }
    // Said in SECURITY.md: a CRC finds accidents.
    expect((await verify(forged, manifest.id)).level).toBe('attested')
    await expect(verify(forged, manifest.id, { deep: true })).rejects.toEqual(damaged)
  })
})

test('a backup that is removed while it is looked at is gone, not damaged', async () => {
  const sink = createAttestingSink(['CRC32'])
  const manifest = await storeBackup(sink, { parts })
  const events: RunEvent[] = []
  const removing: Sink = {
    ...sink,
    async stat(key, at) {
      if (key.includes('/data/') && key.includes('index')) {
        await sink.delete([layout.manifest(job, manifest.id), ...volumesOf(manifest)], at)
      }
      return sink.stat(key, at)
    },
  }
  await expect(
    verify(removing, manifest.id, { onEvent: (event) => events.push(event) }),
  ).rejects.toMatchObject({ code: 'sink-not-found', message: expect.stringContaining('removed meanwhile') })
  expect(events.filter(({ kind }) => kind === 'warning')).toEqual([])
})

/** Gives the first volume another length and other chunks, in manifest, index and digests. */
function lengthen(sink: MemorySink, manifest: Manifest, bytes: number, chunks: readonly string[]): void {
  const { id } = manifest
  const name = manifest.parts[0]?.volumes[0]?.name ?? ''
  const indexKey = layout.object(job, id, manifest.index.name)
  edit(sink, indexKey, (data) => {
    const index: Index = JSON.parse(gunzipSync(data).toString())
    index.objects[name] = { bytes, chunks: [...chunks] }
    return gzipSync(JSON.stringify(index))
  })
  const index = sink.objects.get(indexKey)?.data ?? Buffer.alloc(0)
  edit(sink, layout.manifest(job, id), (data) => {
    const changed: Manifest = JSON.parse(data.toString())
    const [volume] = changed.parts[0]?.volumes ?? []
    if (volume !== undefined) volume.bytes = bytes
    changed.index.bytes = index.length
    changed.index.sha256 = createHash('sha256').update(index).digest('hex')
    return Buffer.from(JSON.stringify(changed))
  })
}
