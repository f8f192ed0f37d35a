import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { createLine, KEY_PASSPHRASE, type Line } from '../testbed/line.ts'
import {
  type LinePlace,
  type LineRoot,
  startFilePlace,
  startS3Place,
  startSshPlace,
} from '../testbed/line-places.ts'
import { type LineServer, startLineMariadb, startLinePostgres } from '../testbed/line-servers.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'

interface Whole {
  readonly name: string
  readonly requires: readonly Requirement[]
  readonly start: () => Promise<LineServer>
  readonly startPlace: () => Promise<LinePlace>
  /** Where the objects beside the parts, and the key, are tried too: what is done with them is the same everywhere. */
  readonly thorough?: true
}

const LINES: readonly Whole[] = [
  {
    name: 'MariaDB in a folder',
    requires: ['mariadb'],
    start: startLineMariadb,
    startPlace: startFilePlace,
    thorough: true,
  },
  { name: 'MariaDB in S3', requires: ['mariadb', 's3'], start: startLineMariadb, startPlace: startS3Place },
  {
    name: 'MariaDB over SSH',
    requires: ['mariadb', 'ssh'],
    start: startLineMariadb,
    startPlace: startSshPlace,
  },
  {
    name: 'PostgreSQL in a folder',
    requires: ['postgres'],
    start: startLinePostgres,
    startPlace: startFilePlace,
  },
]
const ROWS = 200

describe.each(LINES)(
  'a backup of $name that was tampered with',
  ({ requires, start, startPlace, thorough }) => {
    if (lacks(...requires)) return test.skip(`needs ${requires.join(', ')}`, () => undefined)
    let line: Line
    let source: LineServer
    let target: LineServer
    let place: LinePlace
    let root: LineRoot
    let at: string
    let older: string
    let id: string
    /** Everything at the place, as it was before it was tampered with. */
    const whole = new Map<string, Buffer>()

    beforeAll(async () => {
      ;[line, source, target, place] = await Promise.all([createLine(), start(), start(), startPlace()])
      await source.seed(ROWS)
      root = await place.newRoot()
      at = await root.url()
      const dump = () => line.dump(source, source.url, at, { env: place.env })
      older = await dump()
      id = await dump()
      for (const name of await root.names()) whole.set(name, await root.read(name))
    })
    afterAll(async () => {
      await Promise.all([line, source, target, place].map((each) => each?.[Symbol.asyncDispose]()))
    })

    const object = (of: string, pattern: RegExp) => {
      const found = [...whole.keys()].find((name) => name.includes(`/${of}`) && pattern.test(name))
      if (found === undefined) throw new Error(`no object of ${of} is like ${pattern}`)
      return found
    }
    const bytesOf = (pattern: RegExp, of = id) => whole.get(object(of, pattern)) ?? Buffer.alloc(0)

    type Tamper = (name: string, pattern: RegExp) => Promise<void>
    const flipped: Tamper = async (name, pattern) => {
      const bytes = Buffer.from(bytesOf(pattern))
      const middle = bytes.length >> 1
      bytes[middle] = (bytes[middle] ?? 0) ^ 1
      await root.replace(name, bytes)
    }
    const truncated: Tamper = (name, pattern) => {
      const bytes = bytesOf(pattern)
      return root.replace(name, bytes.subarray(0, bytes.length >> 1))
    }
    const missing: Tamper = (name) => root.remove(name)
    const swapped: Tamper = (name, pattern) => root.replace(name, bytesOf(pattern, older))

    async function restoreTampered(tamper: Tamper, pattern: RegExp, args: readonly string[] = []) {
      const name = object(id, pattern)
      await tamper(name, pattern)
      try {
        const run = line.startRestore(target, at, target.url, { args: [id, ...args], env: place.env })
        const failure = await line.failureOf(run, 'integrity')
        expect(failure.message).toContain(name)
        return failure
      } finally {
        await root.replace(name, bytesOf(pattern))
      }
    }

    const CONTENTS = /\/contents\./
    const INDEX = /\/index\./
    const MANIFEST = /\/backups\//
    const refused = '%s: refused before the target holds anything'
    test.each<[string, 'fedFirst' | 'fedLast', Tamper]>([
      ['a flipped byte of the part that is fed first', 'fedFirst', flipped],
      ['the part of another backup', 'fedFirst', swapped],
      ['a truncated part', 'fedLast', truncated],
      ['a missing part', 'fedLast', missing],
    ])(refused, async (_, part, tamper) => {
      await restoreTampered(tamper, target[part])
      expect(await target.holds()).toEqual([])
    })

    if (thorough === true) {
      test.each<[string, RegExp, Tamper]>([
        ['the contents of another backup', CONTENTS, swapped],
        ['a flipped byte of the index', INDEX, flipped],
        ['the manifest of another backup', MANIFEST, swapped],
        ['a truncated manifest', MANIFEST, truncated],
      ])(refused, async (_, pattern, tamper) => {
        await restoreTampered(tamper, pattern)
        expect(await target.holds()).toEqual([])
      })

      test('a missing manifest: there is no such backup', async () => {
        const name = object(id, MANIFEST)
        await root.remove(name)
        try {
          const run = line.startRestore(target, at, target.url, { args: [id], env: place.env })
          await line.failureOf(run, 'sink-not-found')
          expect(await target.holds()).toEqual([])
        } finally {
          await root.replace(name, bytesOf(MANIFEST))
        }
      })

      test('a wrong key and a wrong passphrase: refused before the target holds anything', async () => {
        const out = join(line.home, 'other-keys')
        const keygen = ['keygen', '--name', 'other', '--out', out, '--passphrase', 'env:KEY_PASSPHRASE']
        expect(await runLifeboat(keygen, { home: line.home, env: { KEY_PASSPHRASE } })).toMatchObject({
          exitCode: 0,
        })
        const args = ['--key', join(out, 'other.sec.asc'), '--passphrase', 'env:KEY_PASSPHRASE']
        const stranger = line.startRestore(target, at, target.url, {
          args,
          env: { ...place.env, KEY_PASSPHRASE },
        })
        await line.failureOf(stranger, 'key-unusable')
        const forgotten = line.startRestore(target, at, target.url, {
          env: { ...place.env, KEY_PASSPHRASE: 'no' },
        })
        await line.failureOf(forgotten, 'key-unusable')
        expect(await target.holds()).toEqual([])
      })
    }

    test('a flipped byte of the part that is fed last: nothing of that part is in the target', async () => {
      const failure = await restoreTampered(flipped, target.fedLast)
      expect(failure.hint).toMatch(/Fed whole to .*; not or only in part: '.*--replace/s)
      expect(await target.holds()).toEqual(['clerk'])
    })

    test('mended, it restores with --replace', async () => {
      await line.restore(target, at, target.url, { args: [id, '--replace'], env: place.env })
      expect(await target.rows()).toBe(ROWS)
      expect([...(await target.holds())].sort()).toEqual(['clerk', 'shop'])
    })
  },
)
