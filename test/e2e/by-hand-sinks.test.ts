import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runDump } from '../../src/app/dump.ts'
import { openRunJournal } from '../../src/app/journals.ts'
import { systemClock } from '../../src/core/clock.ts'
import { CHUNK_BYTES, type Sink } from '../../src/core/sink.ts'
import type { Stage } from '../../src/core/stage.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { createGzip } from '../../src/stages/gzip.ts'
import { createOpenpgp, generateKey, readRecipients } from '../../src/stages/openpgp/index.ts'
import { createZstd } from '../../src/stages/zstd.ts'
import { createGpgHome, type GpgHome } from '../testbed/gpg-home.ts'
import { createMemoryEngine, sha256 } from '../testbed/memory-engine.ts'
import { lacks } from '../testbed/requirement.ts'
import { startS3Server } from '../testbed/s3-server.ts'
import { sampleBytes } from '../testbed/sample-bytes.ts'
import { openSshSink } from '../testbed/ssh-sink.ts'
import { startSshd } from '../testbed/sshd.ts'
import { blockNames, carefulWay, runByHand } from './by-hand-page.ts'

const PARTS = [
  // More than a chunk after compression, so that digests and volumes are of several.
  { name: 'databases', data: sampleBytes(CHUNK_BYTES + 100_000) },
  { name: 'accounts', data: Buffer.from('CREATE USER ö;\n') },
]

let folder: string
let gpg: GpgHome
let encryption: Stage

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'by-hand-'))
  gpg = await createGpgHome()
  const key = await generateKey({ name: 'By Hand', algorithm: 'ecc' })
  await writeFile(join(folder, 'key.sec.asc'), key.armoredSecret)
  encryption = createOpenpgp({
    recipients: await readRecipients([{ name: 'key', bytes: Buffer.from(key.armoredPublic) }]),
  })
})

afterAll(async () => {
  await gpg[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function dump(sink: Sink, stages: readonly Stage[]): Promise<string> {
  const { manifest } = await runDump(
    {
      engine: createMemoryEngine({ parts: PARTS }),
      sink,
      stages,
      job: 'shop',
      counts: 'off',
      jobs: 1,
      stallTimeoutMs: 60_000,
      version: '0.0.0',
      journal: await openRunJournal(join(folder, 'state')),
      clock: systemClock,
      onEvent: () => undefined,
    },
    new AbortController().signal,
  )
  return manifest.id
}

async function scratch(): Promise<string> {
  return mkdtemp(join(folder, 'run-'))
}

function environment(id: string, more: Readonly<Record<string, string>>): Record<string, string> {
  return { JOB: 'shop', ID: id, KEY: join(folder, 'key.sec.asc'), GNUPGHOME: gpg.path, ...more }
}

/** What the page prints where all is well, and the bytes that it gives. */
async function expectWhole(printed: string, cwd: string, stored: readonly string[]): Promise<void> {
  const lines = printed.split('\n')
  for (const name of ['index', ...stored, 'part 0001', 'part 0002']) expect(lines).toContain(`${name}: good`)
  expect(printed).not.toContain('DAMAGED')
  expect(printed).toContain('"name":"accounts"')
  expect(JSON.parse(await readFile(join(cwd, 'contents.json'), 'utf8'))).toMatchObject({
    format: 1,
    byHand: ['memload', 'memload'],
  })
}

test('the page has the blocks that are run here', () => {
  for (const sink of ['file', 's3', 'ssh'] as const)
    expect(blockNames).toEqual(expect.arrayContaining([...carefulWay(sink)]))
})

describe.skipIf(lacks('gpg'))('docs/format.md over a folder', () => {
  test.each([
    ['gzip, encrypted', '.gz.pgp', () => [createGzip(), encryption]],
    ['zstd, encrypted', '.zst.pgp', () => [createZstd(), encryption]],
    ['gzip', '.gz', () => [createGzip()]],
    ['neither', '', () => []],
  ] as const)('%s', async (_, suffixes, stages) => {
    const place = await scratch()
    const id = await dump(createFileSink({ folder: place }), stages())
    const cwd = await scratch()
    const env = environment(id, { BACKUP: place })
    const printed = await runByHand(carefulWay('file'), { folder: cwd, env })
    await expectWhole(printed, cwd, [`0001.sql${suffixes}`, `0002.sql${suffixes}`])
  })

  test('the functions of the page give the very bytes of the dump', async () => {
    const place = await scratch()
    const id = await dump(createFileSink({ folder: place }), [createGzip(), encryption])
    const cwd = await scratch()
    const env = environment(id, { BACKUP: place })
    await runByHand(['fetch-file', 'manifest', 'key', 'plain', 'part-to-file'], { folder: cwd, env })
    expect(sha256(await readFile(join(cwd, '0001.plain')))).toBe(sha256(PARTS[0]?.data ?? Buffer.alloc(0)))
  })

  test('it notices a byte that was changed, a part that was cut, and one that is gone', async () => {
    const place = await scratch()
    const id = await dump(createFileSink({ folder: place }), [createGzip()])
    const data = join(place, 'shop/data', id)
    const first = await readFile(join(data, '0001.sql.gz'))
    const env = environment(id, { BACKUP: place })
    const check = async () =>
      runByHand(['fetch-file', 'manifest', 'chunks'], { folder: await scratch(), env })

    first.writeUInt8(first.readUInt8(CHUNK_BYTES + 7) ^ 1, CHUNK_BYTES + 7)
    await writeFile(join(data, '0001.sql.gz'), first)
    expect(await check()).toMatch(/index: good\n0001\.sql\.gz: DAMAGED\n0002\.sql\.gz: good/)
    await writeFile(join(data, '0001.sql.gz'), first.subarray(0, CHUNK_BYTES))
    expect(await check()).toContain('0001.sql.gz: DAMAGED')
    await rm(join(data, '0001.sql.gz'))
    expect(await check()).toContain('0001.sql.gz: DAMAGED')

    const index = await readFile(join(data, 'index.json.gz'))
    index.writeUInt8(index.readUInt8(20) ^ 1, 20)
    await writeFile(join(data, 'index.json.gz'), index)
    const printed = await runByHand(['fetch-file', 'manifest'], { folder: await scratch(), env })
    expect(printed).toContain('index: DAMAGED')
  })

  test('the lines in the manifest work as they stand', async () => {
    const place = await scratch()
    const id = await dump(createFileSink({ folder: place }), [createZstd(), encryption])
    const cwd = await scratch()
    const env = environment(id, { BACKUP: place })
    await runByHand(['fetch-file', 'manifest', 'key'], { folder: cwd, env })
    const { byHand } = JSON.parse(await readFile(join(cwd, 'manifest.json'), 'utf8'))
    const { execa } = await import('execa')
    const run = (line: string) => execa('sh', ['-c', line], { cwd, env, encoding: 'buffer' })
    expect(byHand).toHaveLength(3)
    expect(JSON.parse(Buffer.from((await run(byHand[0])).stdout).toString())).toHaveProperty('byHand')
    expect(sha256((await run(byHand[1])).stdout)).toBe(sha256(PARTS[0]?.data ?? Buffer.alloc(0)))
  })
})

describe.skipIf(lacks('gpg', 'ssh'))('docs/format.md over SSH', () => {
  test('gzip, encrypted', async () => {
    await using server = await startSshd()
    const place = join(server.objects, "a folder's")
    await using sink = openSshSink(server, encodeURI(place))
    const id = await dump(sink, [createGzip(), encryption])
    const cwd = await scratch()
    const programs = join(cwd, 'bin')
    await mkdir(programs)
    const options = `-p ${server.port} -i ${server.identity} -o UserKnownHostsFile=${server.knownHosts} -o BatchMode=yes`
    await writeFile(join(programs, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F /dev/null ${options} "$@"\n`)
    await chmod(join(programs, 'ssh'), 0o755)
    const env = environment(id, {
      BACKUP: place.replaceAll("'", "'\\''"),
      HOST: `${server.user}@${server.host}`,
      PATH: `${programs}${delimiter}${process.env.PATH}`,
    })
    const printed = await runByHand(carefulWay('ssh'), { folder: cwd, env })
    await expectWhole(printed, cwd, ['0001.sql.gz.pgp', '0002.sql.gz.pgp'])
  })
})

describe.skipIf(lacks('gpg', 's3'))('docs/format.md over S3', () => {
  test('zstd, encrypted, in volumes', async () => {
    await using server = await startS3Server()
    if (server.aws === undefined) throw new Error('the image has no AWS command line')
    const bucket = await server.newBucket()
    await using sink = createS3Sink({
      bucket,
      prefix: 'deep/er',
      endpoint: server.endpoint,
      region: server.region,
      pathStyle: true,
      maxParts: 1,
    })
    const id = await dump(sink, [createZstd(), encryption])
    expect((await server.names(bucket)).filter((name) => name.includes('0001.'))).toHaveLength(2)
    const cwd = await scratch()
    const programs = join(cwd, 'bin')
    await mkdir(programs)
    // The scratch folder is in the container too: with it on PATH this would find itself there.
    await writeFile(
      join(programs, 'aws'),
      `#!/bin/sh\nPATH=/usr/bin:/bin exec ${server.aws.join(' ')} "$@"\n`,
    )
    await chmod(join(programs, 'aws'), 0o755)
    const env = environment(id, {
      ...server.env,
      BACKUP: `s3://${bucket}/deep/er`,
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_DEFAULT_REGION: server.region,
      PATH: `${programs}${delimiter}${process.env.PATH}`,
    })
    const printed = await runByHand(carefulWay('s3'), { folder: cwd, env })
    await expectWhole(printed, cwd, ['0001.sql.zst.pgp.000', '0001.sql.zst.pgp.001', '0002.sql.zst.pgp.000'])
    expect((await readdir(cwd)).sort()).toContain('contents.json')
  })
})
