import { beforeAll, describe, expect, test } from 'vitest'
import { listBackups } from '../../../src/app/catalog.ts'
import type { Inventory } from '../../../src/app/inventory/record.ts'
import { inventoryKind } from '../../../src/app/inventory/store.ts'
import { takeInventory } from '../../../src/app/inventory/take-inventory.ts'
import {
  findRecord,
  listRecords,
  openRecord,
  type RecordAccess,
  sealRecord,
  storeSealed,
} from '../../../src/app/sealed-record.ts'
import { once } from '../../../src/core/bytes.ts'
import type { SignatureTrust, Signer } from '../../../src/core/signing.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import { createWorld } from '../../../src/simulation/world.ts'
import { createGzip } from '../../../src/stages/gzip.ts'
import {
  createOpenpgp,
  createSigner,
  createTrust,
  generateKey,
  readRecipients,
} from '../../../src/stages/openpgp/index.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { prune } from '../../testbed/prune-runs.ts'
import { clockAt, storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const OLD = '20261121T210500Z-aaaa'
const NEW = '20261122T210500Z-bbbb'

describe('sealed records', () => {
  let inventory: Inventory
  let keys: { readonly name: string; readonly public: string; readonly secret: string }[]
  let signer: Signer
  let trust: SignatureTrust
  let access: RecordAccess

  beforeAll(async () => {
    const world = createWorld()
    furnish(world, { source: 'eu-west-1', target: 'eu-central-1', db: 'shop', kind: 'instance' })
    inventory = await takeInventory(
      {
        ports: simulatedPorts(world, 'eu-west-1', 'eu-central-1'),
        ...{ both: true, databases: undefined, id: NEW, job: 'shop', clock: world.time.clock },
        timeoutMs: 60_000,
      },
      signal,
    )
    keys = await Promise.all(
      ['ops', 'signer', 'stranger'].map(async (name) => {
        const key = await generateKey({ name, algorithm: 'ecc' })
        return { name, public: key.armoredPublic, secret: key.armoredSecret }
      }),
    )
    const [, own] = keys
    if (own === undefined) throw new Error('no key')
    signer = await createSigner({ name: 'signer', bytes: Buffer.from(own.secret) }, undefined)
    trust = await createTrust([{ name: 'signer', bytes: Buffer.from(own.public) }])
    access = { trust, decoders: async (names) => names.map(decoder) }
  })

  function decoder(name: string) {
    if (name === 'gzip') return createGzip({})
    return createOpenpgp({
      decryption: { secretKeys: [{ name: 'ops', bytes: Buffer.from(keys[0]?.secret ?? '') }] },
    })
  }
  async function store(sink: MemorySink, record: Inventory, by: Signer | null = signer): Promise<string> {
    const recipients = await readRecipients([{ name: 'ops', bytes: Buffer.from(keys[0]?.public ?? '') }])
    const stages = [createGzip({}), createOpenpgp({ recipients })]
    const sealed = await sealRecord(inventoryKind, record, { stages, signer: by ?? undefined }, signal)
    await storeSealed(sink, sealed, signal)
    return sealed.key
  }
  const open = async (sink: MemorySink, id?: string, job?: string, by = access) =>
    openRecord(sink, inventoryKind, await findRecord(sink, inventoryKind, { job, id }, signal), by, signal)

  test('come back as they were, and say who signed them', async () => {
    const sink = createMemorySink()
    expect(await store(sink, inventory)).toBe(`shop/inventory/${NEW}.json.gz.pgp`)
    expect([...sink.objects.keys()].sort()).toEqual([
      `shop/inventory/${NEW}.json.gz.pgp`,
      `shop/inventory/${NEW}.json.gz.pgp.sig`,
    ])
    const found = await open(sink)
    expect(found.record).toEqual(inventory)
    expect(found.signedBy?.fingerprint).toBe(signer.fingerprint)
  })

  test('show nothing of what is in them', async () => {
    const sink = createMemorySink()
    const key = await store(sink, inventory)
    const stored = Buffer.from(sink.objects.get(key)?.data ?? [])
    expect(stored.includes('eu-west-1')).toBe(false)
  })

  test('are found by id, or the newest; of one job, or of all', async () => {
    const sink = createMemorySink()
    await store(sink, { ...inventory, id: OLD })
    await store(sink, inventory)
    await store(sink, { ...inventory, job: 'ledger' })
    expect((await listRecords(sink, inventoryKind, 'shop', signal)).map(({ id }) => id)).toEqual([OLD, NEW])
    expect((await open(sink, OLD)).id).toBe(OLD)
    expect((await open(sink, 'latest', 'shop')).id).toBe(NEW)
    expect((await open(sink, undefined, 'ledger')).job).toBe('ledger')
    await expect(open(sink, undefined, 'nobody')).rejects.toMatchObject({
      ...{ code: 'sink-not-found', hint: expect.stringContaining('ledger, shop') },
    })
    await expect(open(sink, '20261123T000000Z-cccc')).rejects.toMatchObject({ code: 'sink-not-found' })
    await expect(open(sink, '../../etc')).rejects.toMatchObject({ code: 'usage' })
  })

  test('that are altered, unsigned, signed by a stranger or renamed are not believed', async () => {
    const sink = createMemorySink()
    const key = await store(sink, inventory)
    const { data } = sink.objects.get(key) ?? {}
    const altered = Buffer.from(data ?? [])
    altered[altered.length - 30] = (altered[altered.length - 30] ?? 0) ^ 1
    await sink.write(key, once(altered), { signal })
    await expect(open(sink)).rejects.toMatchObject({ code: 'signature' })
    await expect(open(sink, NEW, 'shop', { ...access, trust: undefined })).rejects.toMatchObject({
      code: expect.stringMatching(/integrity|key-unusable/),
    })
    const unsigned = createMemorySink()
    await store(unsigned, inventory, null)
    await expect(open(unsigned)).rejects.toMatchObject({
      code: 'signature',
      message: expect.stringContaining('not signed'),
    })
    const foreign = createMemorySink()
    const stranger = await createSigner(
      { name: 'stranger', bytes: Buffer.from(keys[2]?.secret ?? '') },
      undefined,
    )
    await store(foreign, inventory, stranger)
    await expect(open(foreign)).rejects.toMatchObject({ code: 'signature' })
    const renamed = createMemorySink()
    await store(renamed, inventory)
    for (const [name, { data: bytes }] of [...renamed.objects])
      await renamed.write(name.replace(NEW, OLD), once(bytes ?? Buffer.alloc(0)), { signal })
    await expect(open(renamed, OLD)).rejects.toMatchObject({
      ...{ code: 'integrity', message: expect.stringContaining(`'shop/${NEW}'`) },
    })
  })

  test('of a newer format are left alone', async () => {
    const sink = createMemorySink()
    await store(sink, { ...inventory, format: 2 as 1 })
    await expect(open(sink)).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('are no backups: not listed, and never pruned or swept', async () => {
    const sink = createMemorySink()
    for (const day of [19, 20]) await storeBackup(sink, { clock: clockAt(`2026-11-${day}T06:00:00Z`) })
    await store(sink, { ...inventory, id: OLD })
    await store(sink, inventory)
    const before = [...sink.objects.keys()].filter((key) => key.includes('/inventory/'))
    expect(before).toHaveLength(4)
    expect(await listBackups(sink, undefined, signal)).toHaveLength(2)
    const report = await prune(sink, { retention: { last: 1 }, sweepOlderThanMs: 0, damaged: true })
    expect(report.gone).toHaveLength(1)
    expect([...sink.objects.keys()].filter((key) => key.includes('/inventory/'))).toEqual(before)
  })
})
