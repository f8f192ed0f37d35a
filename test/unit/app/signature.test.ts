import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listBackups } from '../../../src/app/catalog.ts'
import { copyBackup } from '../../../src/app/copy-backup.ts'
import type { BegunRun } from '../../../src/app/dead-runs.ts'
import { runDump } from '../../../src/app/dump.ts'
import { runRestore } from '../../../src/app/restore.ts'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { runVerify } from '../../../src/app/verify.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createFileJournal } from '../../../src/core/journal.ts'
import type { SignatureTrust, Signer } from '../../../src/core/signing.ts'
import type { Sink } from '../../../src/core/sink.ts'
import { createSigner, createTrust, generateKey } from '../../../src/stages/openpgp/index.ts'
import { createMemoryEngine } from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { withFaults } from '../../testbed/sink-faults.ts'

const { signal } = new AbortController()
const job = 'shop'
const file = (name: string, text: string) => ({ name, bytes: Buffer.from(text) })

let signer: Signer
let stranger: Signer
let trust: SignatureTrust
let folder: string
let events: RunEvent[]
beforeAll(async () => {
  const ours = await generateKey({ name: 'ops', algorithm: 'ecc' })
  const theirs = await generateKey({ name: 'ops', algorithm: 'ecc' })
  signer = await createSigner(file('ops', ours.armoredSecret), undefined)
  stranger = await createSigner(file('stranger', theirs.armoredSecret), undefined)
  trust = await createTrust([file('ops', ours.armoredPublic)])
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signature-test-'))
  events = []
})
afterEach(() => rm(folder, { recursive: true }))

const onEvent = (event: RunEvent) => void events.push(event)
const journal = () => createFileJournal<BegunRun>(join(folder, 'runs'))

async function dump(sink: Sink, by?: Signer): Promise<string> {
  const { manifest } = await runDump(
    {
      engine: createMemoryEngine({ parts: [{ name: 'shop', data: Buffer.from('SELECT 1') }], tables: [] }),
      sink,
      stages: [],
      job,
      counts: 'exact',
      jobs: 1,
      stallTimeoutMs: 60_000,
      ...(by !== undefined && { signer: by }),
      version: '0.0.0',
      journal: journal(),
      clock: systemClock,
      onEvent,
    },
    signal,
  )
  return manifest.id
}

const verify = (sink: Sink, id?: string) =>
  runVerify({ sink, job, id, deep: true, trust, clock: systemClock, onEvent }, signal)
const restore = (sink: Sink, id: string | undefined, trusting: SignatureTrust | undefined) => {
  const engine = createMemoryEngine({ tables: [] })
  const request = {
    engine,
    sink,
    job,
    id,
    decoders: async () => [],
    replace: false,
    alongside: false,
    sameServerOk: true,
    jobs: 1,
    ...(trusting !== undefined && { trust: trusting }),
    clock: systemClock,
    onEvent,
  }
  return runRestore(request, signal)
}
const edit = (sink: MemorySink, key: string, change: (data: Buffer) => Uint8Array) => {
  const object = sink.objects.get(key)
  if (object?.data === undefined) throw new Error(`no object '${key}'`)
  const data = change(Buffer.from(object.data))
  sink.objects.set(key, { info: { ...object.info, bytes: data.length }, data })
}

describe('a signed backup', () => {
  test('is trusted by verify, restore and list, which say who signed it', async () => {
    const sink = createMemorySink()
    const id = await dump(sink, signer)
    expect((await verify(sink)).signedBy?.fingerprint).toBe(signer.fingerprint)
    expect((await restore(sink, id, trust)).signedBy?.fingerprint).toBe(signer.fingerprint)
    const [entry] = await listBackups(sink, job, signal, trust)
    expect(entry).toMatchObject({ id, signedBy: { fingerprint: signer.fingerprint } })
  })

  test('keeps its signature in a copy', async () => {
    const [from, to] = [createMemorySink(), createMemorySink()]
    const id = await dump(from, signer)
    await copyBackup({ from, to, job, id, journal: journal(), onEvent }, signal)
    expect((await verify(to)).signedBy?.fingerprint).toBe(signer.fingerprint)
  })

  test('is stored after its signature, which a failed commit does not leave behind', async () => {
    const sink = createMemorySink()
    const keys: string[] = []
    const watched: Sink = {
      ...sink,
      write: (key, body, options) => {
        keys.push(key)
        return sink.write(key, body, options)
      },
    }
    const id = await dump(watched, signer)
    expect(keys.slice(-2)).toEqual([layout.signature(job, id), layout.manifest(job, id)])
    const refused = createMemorySink()
    const failing = withFaults(refused, [
      { on: 'write', key: (key) => key.endsWith('.json.sig'), kind: 'break', afterBytes: 10 },
    ])
    await expect(dump(failing, signer)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect([...refused.objects.keys()]).toEqual([])
    // The manifest itself fails, so a later run clears the signature away.
    const cut = withFaults(refused, [
      { on: 'write', key: (key) => key.endsWith('.json'), kind: 'refuse', times: 1 },
    ])
    await expect(dump(cut, signer)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(await listBackups(refused, job, signal)).toEqual([])
  })
})

describe('a bucket writer without the key', () => {
  const refused = expect.objectContaining({ code: 'signature', hint: expect.stringMatching(/\S/) })

  test.for([
    [
      'leaves the signature out',
      (sink: MemorySink, id: string) => void sink.objects.delete(layout.signature(job, id)),
    ],
    ['cuts it', (sink, id) => edit(sink, layout.signature(job, id), (data) => data.subarray(0, 80))],
    [
      'alters the manifest',
      (sink, id) =>
        edit(sink, layout.manifest(job, id), (data) =>
          Buffer.from(data.toString().replace('"memory"', '"mysql"')),
        ),
    ],
    [
      'adds a space',
      (sink, id) => edit(sink, layout.manifest(job, id), (data) => Buffer.concat([data, Buffer.from(' ')])),
    ],
  ] as readonly (readonly [string, (sink: MemorySink, id: string) => void])[])('%s', async ([, tamper]) => {
    const sink = createMemorySink()
    const id = await dump(sink, signer)
    tamper(sink, id)
    await expect(verify(sink, id)).rejects.toEqual(refused)
    await expect(restore(sink, id, trust)).rejects.toEqual(refused)
    const [entry] = await listBackups(sink, job, signal, trust)
    expect(entry).toMatchObject({ id, trusted: false, problem: expect.any(String) })
  })

  test('signs it with a key of the same name', async () => {
    const sink = createMemorySink()
    await dump(sink, stranger)
    await expect(verify(sink)).rejects.toEqual(refused)
  })

  test('replays an older backup under a newer id, its signature with it', async () => {
    const sink = createMemorySink()
    const id = await dump(sink, signer)
    const newer = '20991231T235959Z-zzzz'
    for (const key of [...sink.objects.keys()]) {
      const object = sink.objects.get(key)
      if (object !== undefined)
        sink.objects.set(key.replace(id, newer), {
          ...object,
          info: { ...object.info, key: key.replace(id, newer) },
        })
    }
    // The newest is the forged one, and nothing older is taken in its place.
    await expect(verify(sink)).rejects.toMatchObject({ code: 'integrity' })
    await expect(restore(sink, undefined, trust)).rejects.toMatchObject({ code: 'integrity' })
    expect((await verify(sink, id)).signedBy?.fingerprint).toBe(signer.fingerprint)
  })

  test('swaps the parts of two signed backups', async () => {
    const sink = createMemorySink()
    const [one, other] = [await dump(sink, signer), await dump(sink, signer)]
    const part = (id: string) => layout.object(job, id, '0001.sql')
    edit(sink, part(one), () => Buffer.from('SELECT 2'))
    await expect(verify(sink, one)).rejects.toMatchObject({ code: 'integrity' })
    expect((await verify(sink, other)).signedBy?.fingerprint).toBe(signer.fingerprint)
  })
})

test('where nobody demands a signature, one that is gone is told', async () => {
  const sink = createMemorySink()
  const id = await dump(sink, signer)
  events.length = 0
  await restore(sink, id, undefined)
  expect(events.filter(({ kind }) => kind === 'warning')).toEqual([])
  sink.objects.delete(layout.signature(job, id))
  await restore(sink, id, undefined)
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'warning', message: expect.stringContaining('its signature is gone') }),
  )
})

test('a key that can not sign leaves no backup', async () => {
  const sink = createMemorySink()
  const broken: Signer = {
    fingerprint: signer.fingerprint,
    async sign() {
      throw new LifeboatError('key-unusable', 'the card was pulled')
    },
  }
  await expect(dump(sink, broken)).rejects.toMatchObject({ code: 'key-unusable' })
  expect([...sink.objects.keys()]).toEqual([])
})
