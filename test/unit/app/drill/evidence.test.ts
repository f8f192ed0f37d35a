import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listNames } from '../../../../src/app/catalog.ts'
import { readDrillReport } from '../../../../src/app/drill/drill-report.ts'
import { writeEvidence } from '../../../../src/app/drill/evidence-store.ts'
import { lastDrill } from '../../../../src/app/drill/last-drill.ts'
import { takeStock } from '../../../../src/app/stock.ts'
import { layout } from '../../../../src/core/backup-layout.ts'
import { once } from '../../../../src/core/bytes.ts'
import type { Evidence } from '../../../../src/core/evidence.ts'
import type { SignatureTrust, Signer } from '../../../../src/core/signing.ts'
import { createSigner, createTrust, generateKey } from '../../../../src/stages/openpgp/index.ts'
import { createMemorySink, type MemorySink } from '../../../testbed/memory-sink.ts'

const { signal } = new AbortController()
const file = (name: string, text: string) => ({ name, bytes: Buffer.from(text) })
const IDS = ['20261101T000000Z-aaaa', '20261102T000000Z-bbbb', '20261103T000000Z-cccc'] as const

let signer: Signer
let stranger: Signer
let trust: SignatureTrust
let sink: MemorySink
beforeAll(async () => {
  const ours = await generateKey({ name: 'ops', algorithm: 'ecc' })
  const theirs = await generateKey({ name: 'ops', algorithm: 'ecc' })
  signer = await createSigner(file('ops', ours.armoredSecret), undefined)
  stranger = await createSigner(file('stranger', theirs.armoredSecret), undefined)
  trust = await createTrust([file('ops', ours.armoredPublic)])
})
beforeEach(() => {
  sink = createMemorySink()
})

function evidence(id: string, outcome: Evidence['outcome'] = 'passed', job = 'shop'): Evidence {
  const started = id.replace(/^(\d{4})(\d\d)(\d\d).*/, '$1-$2-$3T00:00:00.000Z')
  return {
    ...{ format: 1, id, job, outcome, started, ended: started, lifeboat: '0.0.0', host: 'bastion' },
    backup: { id: IDS[0], manifestSha256: null, started: null, signedBy: null, engine: null, server: null },
    target: { kind: 'local', server: null },
    ...{ tables: 0, rows: 0, counted: false, checks: [] },
    rto: { measuredMs: null, promisedMs: null },
    rpo: { measuredMs: null, promisedMs: null },
    phases: { serverMs: null, restoreMs: null, checksMs: null },
  } as Evidence
}

async function move(from: string, to: string): Promise<void> {
  for (const suffix of ['', '.sig']) {
    const info = await sink.stat(`${from}${suffix}`, signal)
    const bytes = await sink.read(`${from}${suffix}`, { offset: 0, bytes: info?.bytes ?? 0 }, signal)
    await sink.write(`${to}${suffix}`, once(bytes), { signal })
  }
}

describe('records of drills', () => {
  test('the last that passed counts; where none did, the last', async () => {
    expect(await lastDrill(sink, 'shop', signal)).toBeUndefined()
    await writeEvidence(sink, evidence(IDS[0], 'failed'), signer, signal)
    expect(await lastDrill(sink, 'shop', signal, trust)).toEqual({
      at: new Date('2026-11-01T00:00:00Z'),
      outcome: 'failed',
    })
    await writeEvidence(sink, evidence(IDS[1]), signer, signal)
    await writeEvidence(sink, evidence(IDS[2], 'too-slow'), signer, signal)
    const passed = { at: new Date('2026-11-02T00:00:00Z'), outcome: 'passed' }
    expect(await lastDrill(sink, 'shop', signal, trust)).toEqual(passed)
    expect(await lastDrill(sink, 'other', signal, trust)).toBeUndefined()
  })

  test('are neither backups nor leftovers of any', async () => {
    await writeEvidence(sink, evidence(IDS[0]), signer, signal)
    expect(await listNames(sink, undefined, signal)).toEqual([])
    expect(await takeStock(sink, 'shop', signal)).toEqual({ backups: [], leftovers: [] })
  })

  test.for([
    ['is not signed', () => writeEvidence(sink, evidence(IDS[0]), undefined, signal)],
    ['is signed by a stranger', () => writeEvidence(sink, evidence(IDS[0]), stranger, signal)],
    [
      'was altered',
      async () => {
        await writeEvidence(sink, evidence(IDS[0], 'failed'), signer, signal)
        const key = layout.evidence('shop', IDS[0])
        const info = await sink.stat(key, signal)
        const bytes = await sink.read(key, { offset: 0, bytes: info?.bytes ?? 0 }, signal)
        const text = Buffer.from(bytes).toString().replace('"failed"', '"passed"')
        await sink.write(key, once(Buffer.from(text)), { signal })
      },
    ],
    [
      'is that of another job',
      async () => {
        const elsewhere = evidence(IDS[0], 'passed', 'other')
        await writeEvidence(sink, elsewhere, signer, signal)
        await move(layout.evidence('other', IDS[0]), layout.evidence('shop', IDS[0]))
      },
    ],
    [
      'is an older one under a newer name',
      async () => {
        await writeEvidence(sink, evidence(IDS[0]), signer, signal)
        await move(layout.evidence('shop', IDS[0]), layout.evidence('shop', IDS[1]))
        await sink.delete([layout.evidence('shop', IDS[0])], signal)
      },
    ],
    [
      'is no record',
      async () => {
        const key = layout.evidence('shop', IDS[0])
        await sink.write(key, once(Buffer.from('{}')), { signal })
        await sink.write(`${key}.sig`, once(await signer.sign(Buffer.from('{}'), signal)), { signal })
      },
    ],
  ] as const)('one that %s counts for nothing where signers are trusted', async ([_, forge]) => {
    await forge()
    expect(await lastDrill(sink, 'shop', signal, trust)).toBeUndefined()
    const { drills, unusable } = await readDrillReport({ sink, job: 'shop', most: 10, trust }, signal)
    expect(drills).toEqual([])
    expect(unusable).toHaveLength(1)
    expect(['signature', 'integrity']).toContain(unusable[0]?.error.code)
  })

  test('a report has the newest of each job', async () => {
    for (const id of IDS) await writeEvidence(sink, evidence(id), signer, signal)
    await writeEvidence(sink, evidence(IDS[0], 'failed', 'other'), undefined, signal)
    const { drills } = await readDrillReport({ sink, job: undefined, most: 1 }, signal)
    expect(drills.map(({ evidence: { job, id } }) => [job, id])).toEqual([
      ['shop', IDS[2]],
      ['other', IDS[0]],
    ])
    const all = await readDrillReport({ sink, job: 'shop', most: 10 }, signal)
    expect(all.drills).toHaveLength(3)
  })
})
