import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { audited } from '../../../../src/app/audit/audited.ts'
import { digestOf } from '../../../../src/app/audit/line.ts'
import { createAuditLog } from '../../../../src/app/audit/log.ts'
import { verifyAudit } from '../../../../src/app/audit/verify.ts'
import type { BegunRun } from '../../../../src/app/dead-runs.ts'
import { writeEvidence } from '../../../../src/app/drill/evidence-store.ts'
import { runDump } from '../../../../src/app/dump.ts'
import type { RunEvent } from '../../../../src/app/run-event.ts'
import { type AuditHead, NO_RECORD } from '../../../../src/core/audit-record.ts'
import { layout, newBackupId } from '../../../../src/core/backup-layout.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import type { Evidence } from '../../../../src/core/evidence.ts'
import { createFileJournal } from '../../../../src/core/journal.ts'
import type { SignatureTrust, Signer } from '../../../../src/core/signing.ts'
import { createSigner, createTrust, generateKey } from '../../../../src/stages/openpgp/index.ts'
import { createMemoryEngine } from '../../../testbed/memory-engine.ts'
import { createMemorySink } from '../../../testbed/memory-sink.ts'

const { signal } = new AbortController()
const job = 'shop'
const sink = createMemorySink()
const ids: string[] = []
let folder: string
let file: string
let genuine: string
let signer: Signer
let trust: SignatureTrust
const events: RunEvent[] = []
const onEvent = (event: RunEvent) => void events.push(event)

async function dump(log: string | undefined, to = sink, by: Signer | undefined = signer): Promise<string> {
  const { manifest } = await audited(
    {
      log: log === undefined ? undefined : createAuditLog(log, systemClock),
      facts: { verb: 'dump', job },
      clock: systemClock,
      onUnrecorded: (error) => {
        throw error
      },
    },
    ({ head: audit }) =>
      runDump(
        {
          engine: createMemoryEngine({ parts: [{ name: 'shop', data: Buffer.from('SELECT 1') }] }),
          sink: to,
          stages: [],
          job,
          counts: 'exact',
          jobs: 1,
          stallTimeoutMs: 60_000,
          ...(by !== undefined && { signer: by }),
          ...(audit !== undefined && { audit }),
          version: '0.0.0',
          journal: createFileJournal<BegunRun>(join(folder, 'runs')),
          clock: systemClock,
          onEvent,
        },
        signal,
      ),
    signal,
  )
  return manifest.id
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-verify-test-'))
  file = join(folder, 'audit.jsonl')
  const ours = await generateKey({ name: 'ops', algorithm: 'ecc' })
  signer = await createSigner({ name: 'ops', bytes: Buffer.from(ours.armoredSecret) }, undefined)
  trust = await createTrust([{ name: 'ops', bytes: Buffer.from(ours.armoredPublic) }])
  // Records 1 and 2, 3 and 4, 5 and 6: a start and an end each.
  for (let n = 0; n < 3; n++) ids.push(await dump(file))
  genuine = await readFile(file, 'utf8')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  events.length = 0
  await writeFile(file, genuine)
})

function evidenceOf(host: string, audit: AuditHead | undefined, old: boolean): Evidence {
  const at = old ? new Date('2020-01-01T00:00:00Z') : new Date()
  const none = { measuredMs: null, promisedMs: null }
  return {
    ...{ format: 1, id: newBackupId(at), job, outcome: 'passed', lifeboat: '0.0.0', host },
    ...{ started: at.toISOString(), ended: at.toISOString() },
    backup: {
      id: ids[0] ?? '',
      manifestSha256: null,
      started: null,
      signedBy: null,
      engine: null,
      server: null,
    },
    target: { kind: 'local', server: null },
    ...{ tables: 0, rows: 0, counted: false, checks: [], rto: none, rpo: none },
    phases: { serverMs: null, restoreMs: null, checksMs: null },
    ...(audit !== undefined && { audit }),
  }
}

const check = (at = true, files: readonly string[] = [file]) =>
  verifyAudit({ files, ...(at && { sink }), job, trust, onEvent }, signal)
const tampered = (change: (lines: string[]) => readonly string[]) =>
  writeFile(
    file,
    change(genuine.trimEnd().split('\n'))
      .map((line) => `${line}\n`)
      .join(''),
  )
/** As its writer would have chained them. */
const rechained = (lines: readonly string[]) => {
  let previous = NO_RECORD
  return lines.map((line, position) => {
    const forged = JSON.stringify({ ...JSON.parse(line), record: position + 1, previous })
    previous = digestOf(Buffer.from(forged))
    return forged
  })
}

describe('an audit log that nobody touched', () => {
  test('is what the backups vouch for', async () => {
    const { logs, backups } = await check()
    expect(logs).toMatchObject([{ records: 6, vouched: 5, problems: [], unfinished: [], torn: 0 }])
    expect(backups).toEqual({ vouching: 3, silent: [], unusable: [] })
    expect(events).toEqual([])
  })

  test('is what drills of its machine vouch for too, and those of another are told', async () => {
    const drilled = createMemorySink()
    await dump(file, drilled)
    const log = createAuditLog(file, systemClock)
    const facts = { verb: 'drill', job }
    const onUnrecorded = (error: unknown) => Promise.reject(error)
    const drill = (host: string, head: AuditHead | undefined, old = false) =>
      writeEvidence(drilled, evidenceOf(host, head, old), signer, signal)
    await audited(
      { log, facts, clock: systemClock, onUnrecorded },
      ({ head }) => drill(hostname(), head),
      signal,
    )
    await drill('elsewhere', { records: 1, head: 'f'.repeat(64) })
    // From before the oldest backup: its log may be gone.
    await drill(hostname(), { records: 1, head: 'e'.repeat(64) }, true)
    const request = { files: [file], sink: drilled, job, trust, onEvent }
    events.length = 0
    const { logs, drills } = await verifyAudit(request, signal)
    expect(logs).toMatchObject([{ records: 10, vouched: 9 }])
    expect(drills).toMatchObject({ vouching: 1, elsewhere: [expect.stringMatching(/^shop\//)], unusable: [] })
    expect(events).toMatchObject([{ message: expect.stringMatching(/other machines ran/) }])

    // Without the drill's word this is a log whose last run was the dump.
    await writeFile(file, (await readFile(file, 'utf8')).split('\n').slice(0, 8).join('\n').concat('\n'))
    await expect(verifyAudit(request, signal)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(/drill shop\/\S+ vouches for 9 records, and there are only 8/),
    })
  })

  test('goes on while it is looked at, and a record that is being written is told', async () => {
    await writeFile(file, `${genuine}{"format":1,"record":7,"prev`)
    expect((await check()).logs).toMatchObject([{ records: 6, cutOffBytes: 28 }])
    expect(events).toMatchObject([{ kind: 'warning', message: expect.stringMatching(/ends in the midst/) }])
  })

  test('one of several', async () => {
    const other = join(folder, 'other.jsonl')
    const both = createMemorySink()
    await dump(file, both)
    await dump(other, both)
    const request = { sink: both, job, trust, onEvent }
    await expect(verifyAudit({ ...request, files: [file] }, signal)).rejects.toMatchObject({
      code: 'integrity',
    })
    const { backups } = await verifyAudit({ ...request, files: [file, other] }, signal)
    expect(backups).toMatchObject({ vouching: 2 })
  })

  test('backups without one, and forged ones, vouch for nothing and are told', async () => {
    const mixed = createMemorySink()
    const silent = await dump(undefined, mixed)
    const unsigned = await dump(join(folder, 'forged.jsonl'), mixed, undefined)
    mixed.objects.delete(layout.signature(job, unsigned))
    const { backups } = await verifyAudit({ files: [file], sink: mixed, job, trust, onEvent }, signal)
    expect(backups?.vouching).toBe(0)
    expect(backups?.silent).toEqual([`shop/${silent}`])
    expect(events.map((event) => ('message' in event ? event.message : ''))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/no backup .* vouches/),
        expect.stringMatching(/without an audit log/),
      ]),
    )
  })
})

describe('an audit log that somebody changed', () => {
  const refused = async (at: boolean, reason: RegExp) => {
    await expect(check(at)).rejects.toMatchObject({
      code: 'integrity',
      exitCode: 31,
      message: expect.stringMatching(reason),
    })
  }

  test('a line altered', async () => {
    await tampered((lines) =>
      lines.map((line, n) => (n === 1 ? line.replace('"exitCode":0', '"exitCode":1') : line)),
    )
    await refused(false, /line 3: record 3 does not follow/)
  })

  test('a line removed', async () => {
    await tampered((lines) => lines.toSpliced(2, 1))
    await refused(false, /line 3: record 3 is expected, not 4/)
  })

  test('lines reordered', async () => {
    await tampered(([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest])
    await refused(false, /line 2: record 2 is expected, not 3/)
  })

  test('a line put in', async () => {
    await tampered((lines) => lines.toSpliced(3, 0, lines[1] ?? ''))
    await refused(false, /record/)
    await tampered((lines) => lines.toSpliced(3, 0, 'anything'))
    await refused(false, /line 4: it is no record, and nothing accounts for it/)
  })

  test('its end cut off, at a line', async () => {
    await tampered((lines) => lines.slice(0, 4))
    await expect(check(false)).resolves.toBeDefined()
    await refused(true, /vouches for 5 records, and there are only 4: the end was cut off/)
  })

  test('its end cut off and written anew by later runs', async () => {
    await tampered((lines) => lines.slice(0, 2))
    const elsewhere = createMemorySink()
    await dump(file, elsewhere)
    await dump(file, elsewhere)
    await dump(file, elsewhere)
    await expect(check(false)).resolves.toBeDefined()
    await refused(true, /vouches for another record 3/)
  })

  test('rewritten as a whole, in a chain without a gap', async () => {
    await tampered((lines) => rechained(lines.map((line) => line.replace('"job":"shop"', '"job":"hops"'))))
    await expect(check(false)).resolves.toBeDefined()
    await refused(true, /(vouches for another record [135]:[\s\S]*){3}/)
  })

  test('a run taken out, and the rest chained anew', async () => {
    await tampered((lines) => rechained(lines.toSpliced(2, 2)))
    await expect(check(false)).resolves.toBeDefined()
    await refused(true, /(?=[\s\S]*another record 3)[\s\S]*only 4: the end was cut off/)
  })

  test('emptied', async () => {
    await writeFile(file, '')
    await refused(true, /vouches for 5 records, and there are only 0/)
  })

  test('gone', async () => {
    await rm(file)
    await expect(check()).rejects.toMatchObject({ code: 'config', message: expect.stringMatching(/ENOENT/) })
  })

  test('in any byte up to the last that a backup vouches for', async () => {
    const bytes = Buffer.from(genuine)
    const vouched = genuine.trimEnd().split('\n').slice(0, 5).join('\n').length
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: vouched - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const changed = Buffer.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ flip
          await writeFile(file, changed)
          await expect(check()).rejects.toMatchObject({ code: 'integrity' })
        },
      ),
      { numRuns: 40 },
    )
  })

  test('whoever has no signing key can not have the manifests vouch for another past', async () => {
    await tampered((lines) => rechained(lines.map((line) => line.replace('"job":"shop"', '"job":"hops"'))))
    const forged = createMemorySink()
    for (const [key, object] of sink.objects) forged.objects.set(key, object)
    const digests = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => digestOf(Buffer.from(line)))
    for (const id of ids) {
      const key = layout.manifest(job, id)
      const object = forged.objects.get(key)
      if (object?.data === undefined) throw new Error('no manifest')
      const manifest = JSON.parse(Buffer.from(object.data).toString())
      manifest.audit.head = digests[manifest.audit.records - 1]
      const data = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
      forged.objects.set(key, { info: { ...object.info, bytes: data.length }, data })
    }
    const request = { files: [file], sink: forged, job, onEvent }
    const { backups } = await verifyAudit({ ...request, trust }, signal)
    expect(backups).toMatchObject({ vouching: 0, unusable: ids.map((id) => `shop/${id}`).toSorted() })
    // Without signers they would be believed: that is told.
    events.length = 0
    expect((await verifyAudit(request, signal)).backups).toMatchObject({ vouching: 3 })
    expect(events).toMatchObject([{ message: expect.stringMatching(/no signer is trusted/) }])
  })
})
