import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listBackups } from '../../../src/app/catalog.ts'
import type { BegunRun } from '../../../src/app/dead-runs.ts'
import { type DumpRequest, runDump } from '../../../src/app/dump.ts'
import { type RestoreRequest, runRestore } from '../../../src/app/restore.ts'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { runVerify } from '../../../src/app/verify.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { Part } from '../../../src/core/engine.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createFileJournal } from '../../../src/core/journal.ts'
import { CHUNK_BYTES, type Sink } from '../../../src/core/sink.ts'
import type { Stage } from '../../../src/core/stage.ts'
import { orAborted } from '../../../src/core/until-aborted.ts'
import {
  createMemoryEngine,
  type MemoryEngine,
  type MemoryEngineOptions,
} from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { sampleBytes } from '../../testbed/sample-bytes.ts'
import { withFaults } from '../../testbed/sink-faults.ts'

const { signal } = new AbortController()
const tables = [
  { database: 'shop', table: 'orders', rows: 3 },
  { database: 'shop', table: 'lines', rows: 0 },
]
const parts = [
  { name: 'shop', data: sampleBytes(CHUNK_BYTES + 1000) },
  { name: 'accounts', data: Buffer.from('CREATE USER') },
]

/** A stage that any damage of its input shows through. */
const flip: Stage = {
  name: 'flip',
  suffix: '.flip',
  byHand: 'flip -d',
  facts: {},
  async *encode(input) {
    for await (const piece of input) yield piece.map((byte) => byte ^ 0x55)
  },
  decode: (input, inner) => flip.encode(input, inner),
}

let folder: string
let events: RunEvent[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dump-test-'))
  events = []
})
afterEach(() => rm(folder, { recursive: true }))

const journal = () => createFileJournal<BegunRun>(join(folder, 'runs'))

function dump(engine: MemoryEngine, sink: Sink, more: Partial<DumpRequest> = {}, inner = signal) {
  return runDump(
    {
      engine,
      sink,
      stages: [flip],
      job: 'default',
      counts: 'exact',
      jobs: 1,
      stallTimeoutMs: 60_000,
      version: '0.0.0',
      journal: journal(),
      clock: systemClock,
      onEvent: (event) => events.push(event),
      ...more,
    },
    inner,
  )
}

function restore(engine: MemoryEngine, sink: Sink, more: Partial<RestoreRequest> = {}) {
  return runRestore(
    {
      engine,
      sink,
      job: 'default',
      id: undefined,
      decoders: async () => [flip],
      replace: false,
      alongside: false,
      sameServerOk: false,
      jobs: 1,
      clock: systemClock,
      onEvent: (event) => events.push(event),
      ...more,
    },
    signal,
  )
}

const source = (more: MemoryEngineOptions = {}) => createMemoryEngine({ parts, tables, ...more })
const target = (more: MemoryEngineOptions = {}) => createMemoryEngine({ tables, ...more })

async function backup(): Promise<{ sink: MemorySink; id: string }> {
  const sink = createMemorySink()
  return { sink, id: (await dump(source(), sink)).manifest.id }
}

function edit(sink: MemorySink, key: string, change: (data: Buffer) => Uint8Array): void {
  const object = sink.objects.get(key)
  if (object?.data === undefined) throw new Error(`no object '${key}'`)
  const data = change(Buffer.from(object.data))
  sink.objects.set(key, { data, info: { ...object.info, bytes: data.length } })
}

describe('dump', () => {
  test('what was dumped is listed, verifies, and restores byte for byte', async () => {
    const { sink, id } = await backup()
    expect([...sink.objects.keys()].sort()).toEqual([
      `default/backups/${id}.json`,
      `default/data/${id}/0001.sql.flip`,
      `default/data/${id}/0002.sql.flip`,
      `default/data/${id}/contents.json.flip`,
      `default/data/${id}/index.json.gz`,
    ])
    expect((await listBackups(sink, undefined, signal)).map((entry) => entry.id)).toEqual([id])
    const request = { sink, job: 'default', id, deep: true, clock: systemClock, onEvent: () => undefined }
    expect(await runVerify(request, signal)).toMatchObject({ level: 'stored' })
    expect(await runVerify({ ...request, decoders: async () => [flip] }, signal)).toMatchObject({
      level: 'plain',
    })
    const engine = target()
    const report = await restore(engine, sink)
    expect(report).toMatchObject({ verified: true, tables: 2, rows: 3 })
    for (const part of parts) expect(engine.restored.get(part.name)?.equals(part.data)).toBe(true)
  })

  test('the engine hears of the commit once the manifest is there, and before it is disposed of', async () => {
    const sink = createMemorySink()
    const seen: string[] = []
    const note = (what: string) =>
      seen.push(
        `${what}, manifests: ${[...sink.objects.keys()].filter((key) => key.endsWith('.json')).length}`,
      )
    const engine = source({
      finish: () => note('finish'),
      committed: async () => void note('committed'),
      disposed: () => note('disposed'),
    })
    await dump(engine, sink)
    expect(seen).toEqual(['finish, manifests: 0', 'committed, manifests: 1', 'disposed, manifests: 1'])
  })

  test('an engine that fails after the commit costs a warning, not the backup', async () => {
    const sink = createMemorySink()
    const committed = async () => {
      throw new LifeboatError('engine-unreachable', 'unable to remove a file', { hint: 'Remove it by hand.' })
    }
    const { manifest } = await dump(source({ committed }), sink)
    expect((await listBackups(sink, undefined, signal)).map(({ id }) => id)).toEqual([manifest.id])
    expect(events).toContainEqual({
      kind: 'warning',
      message: expect.stringContaining('unable to remove a file'),
      hint: 'Remove it by hand.',
    })
  })

  test('an engine never hears of a commit that did not happen', async () => {
    const seen: string[] = []
    const sink = withFaults(createMemorySink(), [
      { on: 'write', key: (key) => key.includes('/backups/'), kind: 'refuse', error: new Error('gone') },
    ])
    const engine = source({
      committed: async () => void seen.push('committed'),
      disposed: () => seen.push('disposed'),
    })
    await expect(dump(engine, sink)).rejects.toThrow('gone')
    expect(seen).toEqual(['disposed'])
  })

  test('the manifest is written last and holds no name from inside', async () => {
    const sink = createMemorySink()
    const { manifest } = await dump(source(), sink)
    expect([...sink.objects.keys()].at(-1)).toBe(`default/backups/${manifest.id}.json`)
    const text = JSON.stringify(manifest)
    for (const name of ['shop', 'orders', 'secret_name', 'memory://server']) expect(text).not.toContain(name)
    expect(manifest.byHand).toHaveLength(3)
  })

  test('a place with few chunks gets volumes', async () => {
    const sink = createMemorySink({ traits: { maxChunks: 1 } })
    const { manifest } = await dump(source(), sink)
    expect(manifest.parts[0]?.volumes.map((volume) => volume.name)).toEqual([
      '0001.sql.flip.000',
      '0001.sql.flip.001',
    ])
    const engine = target()
    await restore(engine, sink)
    expect(engine.restored.get('shop')?.equals(parts[0]?.data as Buffer)).toBe(true)
  })

  test('several parts at once are the same backup', async () => {
    const sink = createMemorySink()
    await dump(source(), sink, { jobs: 4 })
    const engine = target()
    await restore(engine, sink)
    expect(engine.restored.get('accounts')?.toString()).toBe('CREATE USER')
  })

  test.each([
    [
      'a tool that fails after its last byte',
      { parts: [parts[0] as never, { name: 'late', data: () => failing() }] },
    ],
    ['an engine that can not vouch for the whole', { finish: () => fail() }],
  ])('%s leaves no manifest and no object', async (_, options: MemoryEngineOptions) => {
    const sink = createMemorySink()
    const engine = source(options)
    await expect(dump(engine, sink)).rejects.toMatchObject({ code: 'tool-failed' })
    expect(sink.objects.size).toBe(0)
    expect(await journal().left(sink.name)).toEqual([])
    expect(engine.released).toHaveLength(2)
  })

  function fail(): never {
    throw new LifeboatError('tool-failed', 'exit code 1')
  }
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(50_000)
    fail()
  }

  test('a failed part stops those beside it', async () => {
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (true) yield Buffer.alloc(1000)
      } finally {
        closed = true
      }
    }
    const engine = source({
      parts: [
        { name: 'endless', data: endless },
        { name: 'late', data: failing },
      ],
    })
    const sink = createMemorySink({ keepBytes: 0 })
    await expect(dump(engine, sink, { jobs: 2 })).rejects.toMatchObject({ code: 'tool-failed' })
    expect(closed).toBe(true)
  })

  test('a tool that hangs is given up after the stall timeout', async () => {
    const sink = createMemorySink()
    let aborted = false
    const hang = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          aborted = true
          return { done: true as const, value: undefined }
        },
      }),
    })
    await expect(
      dump(source({ parts: [{ name: 'hang', data: hang }] }), sink, { stallTimeoutMs: 20 }),
    ).rejects.toMatchObject({
      code: 'timed-out',
      hint: expect.stringContaining('--stall-timeout'),
    })
    expect(aborted).toBe(true)
    expect(sink.objects.size).toBe(0)
  })

  test('failures of the probe stop the run before anything is written, all in one error', async () => {
    const sink = createMemorySink()
    const findings = [
      {
        level: 'failure',
        topic: 'mysqldump',
        message: 'not found',
        hint: 'Install it.',
        code: 'tool-missing',
      },
      { level: 'failure', topic: 'TLS', message: 'refused' },
    ] as const
    await expect(dump(source({ findings }), sink)).rejects.toMatchObject({
      code: 'tool-missing',
      message: expect.stringMatching(/mysqldump: not found; TLS: refused/),
      hint: 'Install it.',
    })
    expect(sink.objects.size).toBe(0)
  })

  test('a lost answer to the manifest is settled by asking the sink', async () => {
    const sink = createMemorySink()
    const lost: Sink = {
      ...sink,
      async write(key, body, options) {
        const info = await sink.write(key, body, options)
        if (key.includes('/backups/')) throw new LifeboatError('sink-unavailable', 'connection reset')
        return info
      },
    }
    const { manifest } = await dump(source(), lost)
    expect((await listBackups(sink, undefined, signal)).map((entry) => entry.id)).toEqual([manifest.id])
  })

  test('a manifest that may still land keeps its data; a later run clears it if it never did', async () => {
    const sink = createMemorySink()
    const refusing = withFaults(sink, [
      { on: 'write', kind: 'refuse', key: (key) => key.includes('/backups/') },
    ])
    await expect(dump(source(), refusing)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(sink.objects.size).toBe(4)
    const id = [...sink.objects.keys()][0]?.split('/')[2] as string
    // The journal knows the run; as its process (this one) lives, only a dead one's are swept.
    const left = { ...journal(), left: async () => [{ sink: sink.name, job: 'default', id }] }
    const { manifest } = await dump(source(), sink, { journal: left })
    expect([...sink.objects.keys()].filter((key) => key.includes(id))).toEqual([])
    expect((await listBackups(sink, undefined, signal)).map((entry) => entry.id)).toEqual([manifest.id])
  })

  test('a dead run that did commit loses its journal entry, not its data', async () => {
    const { sink, id } = await backup()
    const left = { ...journal(), left: async () => [{ sink: sink.name, job: 'default', id }] }
    await dump(source(), sink, { journal: left })
    await restore(target(), sink, { id })
  })

  test('when even the clean-up fails, the error of the run is the one that is thrown, and the rest is said', async () => {
    const sink = createMemorySink()
    const dead = withFaults(sink, [
      { on: 'write', kind: 'break', key: (key) => key.includes('/0002'), afterBytes: 3 },
      { on: 'list', kind: 'refuse', error: new LifeboatError('sink-denied', 'no more') },
    ])
    await expect(dump(source(), dead)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining('no more') }),
    )
  })

  test('a place that could not even be made leaves nothing to say but why', async () => {
    const missing = new LifeboatError('sink-not-found', 'no such folder')
    const denied = new LifeboatError('sink-denied', 'read-only')
    const place = withFaults(createMemorySink(), [
      { on: 'write', kind: 'refuse', error: denied },
      { on: 'list', kind: 'refuse', error: missing },
    ])
    const left = {
      ...journal(),
      left: async () => [{ sink: place.name, job: 'default', id: '20200101T000000Z-aaaa' }],
    }
    await expect(dump(source(), place, { journal: left })).rejects.toBe(denied)
    expect(events.filter((event) => event.kind === 'warning')).toEqual([])
    expect(await readdir(join(folder, 'runs'))).toEqual([])
  })

  /** Parts whose streams say nothing until they are aborted; `open` holds those that are under way. */
  function silent(open: Set<string>, names: readonly string[], then?: Error): MemoryEngine {
    const engine = source()
    const part = (name: string): Part => ({
      name,
      format: 'sql',
      async *open(inner) {
        open.add(name)
        try {
          await orAborted(new Promise<never>(() => undefined), inner)
        } finally {
          open.delete(name)
        }
        yield Buffer.alloc(0)
      },
      release: async () => undefined,
    })
    async function* list() {
      for (const name of names) yield part(name)
      if (then !== undefined) throw then
    }
    return { ...engine, dump: (...args) => ({ ...engine.dump(...args), parts: list() }) }
  }

  test('a part that cannot be found ends those under way before the run ends', async () => {
    const open = new Set<string>()
    const lost = new LifeboatError('engine-unreachable', 'connection lost')
    await expect(dump(silent(open, ['a'], lost), createMemorySink())).rejects.toBe(lost)
    expect([...open]).toEqual([])
  })

  test('a sink that fails while the source is silent ends the run at once, without waiting for the source', async () => {
    const open = new Set<string>()
    const sink = createMemorySink()
    const denied = new LifeboatError('sink-denied', 'credentials expired')
    const failing: Sink = {
      ...sink,
      async write(_key, body) {
        body[Symbol.asyncIterator]()
          .next()
          .catch(() => undefined)
        throw denied
      },
    }
    await expect(dump(silent(open, ['a']), failing)).rejects.toBe(denied)
    expect([...open]).toEqual([])
  })

  test('a sink that lets nobody in is found out before anything is read from the source, and said once', async () => {
    const denied = new LifeboatError('sink-denied', 'no key')
    const place = withFaults(createMemorySink(), [
      { on: 'stat', kind: 'refuse', error: denied },
      { on: 'list', kind: 'refuse', error: denied },
    ])
    const open = new Set<string>()
    await expect(dump(silent(open, ['a']), place)).rejects.toBe(denied)
    expect(events.filter((event) => event.kind === 'warning')).toEqual([])
    expect(await journal().left(place.name)).toEqual([])
  })

  test('what somebody removed during the run is not vouched for', async () => {
    const sink = createMemorySink()
    const engine = source({
      finish: () => {
        for (const key of sink.objects.keys()) if (key.includes('/0001.')) sink.objects.delete(key)
      },
    })
    await expect(dump(engine, sink)).rejects.toMatchObject({ code: 'integrity' })
    expect(await listBackups(sink, undefined, signal)).toEqual([])
  })

  test('what a finding has told is not told again at the end', async () => {
    const findings = [
      { level: 'warning', topic: 'accounts', message: 'may not be read', notCaptured: 'accounts' },
    ] as const
    await dump(source({ findings }), createMemorySink())
    await dump(source(), createMemorySink())
    const told = events.flatMap((event) => (event.kind === 'warning' ? event.message : []))
    expect(told).toEqual([
      'accounts: may not be read',
      "table 'secret_name' is MyISAM",
      "table 'secret_name' is MyISAM",
      'not captured: accounts: test',
    ])
  })

  test('an interrupt in the middle leaves nothing', async () => {
    const sink = createMemorySink()
    const controller = new AbortController()
    const stalling = withFaults(sink, [
      { on: 'write', kind: 'stall', key: (key) => key.includes('/0002'), afterBytes: 3 },
    ])
    const struck = stalling.nextStrike()
    const running = dump(source(), stalling, {}, controller.signal)
    running.catch(() => undefined)
    await struck
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(running).rejects.toMatchObject({ code: 'interrupted' })
    expect(sink.objects.size).toBe(0)
  })
})

describe('restore', () => {
  test('refuses the server that the dump came from, unless told', async () => {
    const { sink } = await backup()
    for (const sameness of ['same', 'unsure'] as const) {
      const engine = target({ sameness })
      await expect(restore(engine, sink)).rejects.toMatchObject({
        code: 'source-protected',
        hint: expect.stringContaining('--same-server-ok'),
      })
      expect(engine.restores).toEqual([])
      await restore(engine, sink, { sameServerOk: true })
    }
  })

  test('refuses a target that holds user data, unless told', async () => {
    const { sink } = await backup()
    const conflict = target({ occupied: { conflicts: ['shop'], others: [] } })
    await expect(restore(conflict, sink)).rejects.toMatchObject({
      code: 'confirmation-required',
      hint: expect.stringContaining('--replace'),
    })
    await expect(restore(conflict, sink, { alongside: true })).rejects.toMatchObject({
      code: 'confirmation-required',
    })
    expect(conflict.restores).toEqual([])
    await restore(conflict, sink, { replace: true })
    expect(conflict.restores).toEqual([{ replace: true }])
    const other = target({ occupied: { conflicts: [], others: ['crm'] } })
    await expect(restore(other, sink)).rejects.toMatchObject({
      code: 'confirmation-required',
      hint: expect.stringContaining('--alongside'),
    })
    await restore(other, sink, { alongside: true })
    expect(other.restores).toEqual([{ replace: false }])
  })

  test('rows that differ fail, naming the tables', async () => {
    const { sink } = await backup()
    const counted = [
      { database: 'shop', table: 'orders', rows: 2 },
      { database: 'shop', table: 'lines' },
    ]
    await expect(restore(target({ counted }), sink)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(
        /shop\.orders: 3 dumped, 2 now[\s\S]*shop\.lines: 0 dumped, no such table/,
      ),
    })
  })

  test('without counts it says so and does not claim to be verified', async () => {
    const sink = createMemorySink()
    await dump(source(), sink, { counts: 'off' })
    expect(await restore(target(), sink)).toMatchObject({ verified: false, tables: 0 })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining('not counted') }),
    )
  })

  test('a failure names what was and what was not restored', async () => {
    const { sink } = await backup()
    const engine = target({
      restoreFails: { after: 1, error: new LifeboatError('tool-failed', 'ERROR 1064', { hint: 'Mend it.' }) },
    })
    await expect(restore(engine, sink)).rejects.toMatchObject({
      code: 'tool-failed',
      hint: expect.stringMatching(/Mend it\..*'shop'.*not or only in part: 'accounts'.*--replace/),
      details: { restored: ['shop'], notRestored: ['accounts'] },
    })
  })

  test('what the engine refuses before it reads anything is not told as a target that is half restored', async () => {
    const { sink } = await backup()
    const refusal = new LifeboatError('usage', 'unable to restore there', { hint: 'Leave it out.' })
    const engine = target({ restoreFails: { after: 0, error: refusal } })
    await expect(restore(engine, sink)).rejects.toBe(refusal)
  })

  test('the newest is taken; an unknown id, job or place is said with what is there', async () => {
    const { sink } = await backup()
    await dump(source({ parts: [{ name: 'newer', data: Buffer.from('n') }] }), sink, {
      clock: { ...systemClock, now: () => new Date('2099-01-01T00:00:00Z') },
    })
    const engine = target()
    await restore(engine, sink)
    expect([...engine.restored.keys()]).toEqual(['newer'])
    await expect(restore(target(), sink, { id: '20200101T000000Z-aaaa' })).rejects.toMatchObject({
      code: 'sink-not-found',
    })
    await expect(restore(target(), sink, { id: 'yesterday' })).rejects.toMatchObject({ code: 'usage' })
    await expect(restore(target(), sink, { job: 'nightly' })).rejects.toMatchObject({
      hint: expect.stringContaining('default'),
    })
    await expect(restore(target(), createMemorySink())).rejects.toMatchObject({ code: 'sink-not-found' })
  })
})

describe('tampering is found before anything reaches the database', () => {
  const cases: [string, (sink: MemorySink, id: string) => void][] = [
    [
      'a flipped byte of a part',
      (sink, id) => edit(sink, `default/data/${id}/0002.sql.flip`, (data) => data.fill(0, 0, 1)),
    ],
    [
      'a truncated part',
      (sink, id) => edit(sink, `default/data/${id}/0001.sql.flip`, (data) => data.subarray(0, -1)),
    ],
    [
      'a part that has grown',
      (sink, id) => edit(sink, `default/data/${id}/0001.sql.flip`, (data) => Buffer.concat([data, data])),
    ],
    ['a missing part', (sink, id) => sink.objects.delete(`default/data/${id}/0002.sql.flip`)],
    [
      'a flipped byte of the contents',
      (sink, id) => edit(sink, `default/data/${id}/contents.json.flip`, (data) => data.fill(1, 9, 10)),
    ],
    [
      'another index',
      (sink, id) =>
        edit(sink, `default/data/${id}/index.json.gz`, (data) => gzipSync(gunzipSync(data), { level: 1 })),
    ],
    ['a missing index', (sink, id) => sink.objects.delete(`default/data/${id}/index.json.gz`)],
    [
      'a cut manifest',
      (sink, id) => edit(sink, `default/backups/${id}.json`, (data) => data.subarray(0, 200)),
    ],
    ['an empty manifest', (sink, id) => edit(sink, `default/backups/${id}.json`, () => Buffer.alloc(0))],
    [
      'a manifest of another id',
      (sink, id) =>
        edit(sink, `default/backups/${id}.json`, (data) =>
          Buffer.from(data.toString().replaceAll(id, '20200101T000000Z-aaaa')),
        ),
    ],
    [
      'a manifest that points elsewhere',
      (sink, id) =>
        edit(sink, `default/backups/${id}.json`, (data) =>
          Buffer.from(data.toString().replace('0001.sql.flip', '../0001.sql')),
        ),
    ],
  ]
  test.each(cases)('%s', async (_, tamper) => {
    const { sink, id } = await backup()
    tamper(sink, id)
    const engine = target()
    await expect(restore(engine, sink)).rejects.toMatchObject({ code: 'integrity' })
    expect(engine.restored.get('accounts')).toBeUndefined()
    await expect(
      runVerify(
        { sink, job: 'default', id, deep: true, clock: systemClock, onEvent: () => undefined },
        signal,
      ),
    ).rejects.toMatchObject({ code: 'integrity' })
  })

  test('a part swapped between backups', async () => {
    const { sink, id } = await backup()
    const other = await dump(
      source({
        parts: [{ name: 'shop', data: sampleBytes(CHUNK_BYTES + 1000, 'other') }, parts[1] as never],
      }),
      sink,
    )
    const key = (of: string) => `default/data/${of}/0001.sql.flip`
    sink.objects.set(key(id), sink.objects.get(key(other.manifest.id)) as never)
    await expect(restore(target(), sink, { id })).rejects.toMatchObject({ code: 'integrity' })
  })

  test('a damaged manifest is listed as damaged, the others as they are', async () => {
    const { sink, id } = await backup()
    const other = await dump(source(), sink)
    edit(sink, `default/backups/${id}.json`, (data) => data.subarray(0, 99))
    const entries = await listBackups(sink, 'default', signal)
    expect(entries.find((entry) => entry.id === id)?.problem).toContain('not JSON')
    expect(entries.find((entry) => entry.id === other.manifest.id)?.manifest?.id).toBe(other.manifest.id)
  })
})
