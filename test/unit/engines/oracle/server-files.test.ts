import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../../src/core/bytes.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { RAW_BYTES } from '../../../../src/engines/oracle/connection.ts'
import {
  choosePieceBytes,
  isRun,
  MOST_PIECES,
  newRun,
  pieceName,
} from '../../../../src/engines/oracle/pieces.ts'
import {
  fileBytes,
  inRows,
  readServerFile,
  writeServerFile,
} from '../../../../src/engines/oracle/server-files.ts'
import { PASSWORD } from '../../../testbed/oracle/engine-for.ts'
import { ScriptedOracle } from '../../../testbed/oracle/server.ts'
import { sampleBytes } from '../../../testbed/sample-bytes.ts'

const never = new AbortController().signal

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

describe('files of the server', () => {
  test('rows are of 32767 bytes but for the last, and hold the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200_000 }),
        fc.integer({ min: 1, max: 90_000 }),
        async (bytes, size) => {
          const data = sampleBytes(bytes)
          const rows: Uint8Array[] = []
          for await (const row of inRows(pieces(data, size))) rows.push(row)
          expect(rows.slice(0, -1).every(({ length }) => length === RAW_BYTES)).toBe(true)
          expect(rows.every(({ length }) => length > 0 && length <= RAW_BYTES)).toBe(true)
          expect(Buffer.concat(rows).equals(data)).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('what was written is what is read, in few round trips', async () => {
    const oracle = new ScriptedOracle()
    const source = oracle.source({ user: 'SYSTEM', password: async () => new Secret(PASSWORD) })
    await using connection = await source.open(never)
    const file = { directory: 'DATA_PUMP_DIR', name: 'X' }
    const data = sampleBytes(5_000_000)
    expect(await writeServerFile(connection, file, pieces(data, 100_000), never)).toBe(data.length)
    expect(await fileBytes(connection, file.directory, 'Y', never)).toBeUndefined()
    oracle.calls.length = 0
    const read = await collect(readServerFile(connection, { ...file, bytes: data.length }, never))
    expect(Buffer.from(read).equals(data)).toBe(true)
    expect(oracle.calls.filter((name) => name === 'OPEN_FILE')).toHaveLength(3)
  })
})

describe('names and sizes of pieces', () => {
  test('a run is known again by its name, which Oracle 12.1 takes', () => {
    const names = newRun(new Date())
    expect(isRun(names.run)).toBe(true)
    expect(Math.max(names.run.length, names.job.length)).toBeLessThanOrEqual(30)
    expect(pieceName(names, 7)).toBe(`${names.run}_07.dmp`)
    for (const other of ['LIFEBOAT_', 'LIFEBOAT_MINE', names.job, 'ORDERS']) expect(isRun(other)).toBe(false)
  })

  test('runs sort by time', () => {
    const early = newRun(new Date('2026-01-01')).run
    expect(early < newRun(new Date('2026-06-01')).run).toBe(true)
  })

  test('pieces grow where there would be too many of them', () => {
    const gib = 1024 ** 3
    expect(choosePieceBytes(2 * gib, undefined)).toBe(2 * gib)
    expect(choosePieceBytes(2 * gib, 50 * gib)).toBe(2 * gib)
    expect(choosePieceBytes(2 * gib, 4096 * gib) * MOST_PIECES).toBeGreaterThan(1.5 * 4096 * gib)
  })
})
