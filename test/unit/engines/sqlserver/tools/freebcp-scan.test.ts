import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../../../src/core/bytes.ts'
import { scanRows } from '../../../../../src/engines/sqlserver/tools/freebcp-scan.ts'
import { column, table } from '../rows/sample-tables.ts'

const words = table([
  column('a', 'nvarchar', { maxLength: 100 }),
  column('b', 'varchar', { maxLength: 100 }),
  column('c', 'nvarchar', { maxLength: -1 }),
])

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function scan(bytes: Buffer, size: number): Promise<{ rows: number; bytes: Buffer }> {
  let rows = -1
  const passed = scanRows(words, inPieces(bytes, size), (count) => {
    rows = count
  })
  const all = Buffer.from(await collect(passed))
  return { rows, bytes: all }
}

const file = (rows: readonly (readonly string[])[]) =>
  Buffer.from(rows.map((row) => `${row.join('\x1f\x1e')}\x1e\x1f\n`).join(''))

const TERMINATORS = ['\x1f\x1e', '\x1e\x1f\n'] as const

/** Much of what terminators are made of, but never a whole one, and nothing that would be damaged. */
const field = fc
  .array(fc.constantFrom('a', 'ü', '\x1f', '\n', '\x1e', ' x', '\x1f\n'), { maxLength: 6 })
  .map((parts) => parts.join(''))
  // A piece of a terminator at an end of it could become one with what is next to it.
  .filter((text) => !TERMINATORS.some((each) => text.includes(each)))
  .filter((text) => !'\x1e\x1f\n'.includes(text.at(0) ?? 'a') && !'\x1e\x1f'.includes(text.at(-1) ?? 'a'))

const row = fc.tuple(field, field, field)

describe('scanRows', () => {
  it('counts rows and passes on their bytes, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        async (rows, size) => {
          const bytes = file(rows)
          const scanned = await scan(bytes, size)
          expect(scanned.rows).toBe(rows.length)
          expect(scanned.bytes.equals(bytes)).toBe(true)
        },
      ),
    )
  })

  it('takes no value for two, nor two for one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.constantFrom(...TERMINATORS),
        fc.integer({ min: 1, max: 9 }),
        async (rows, at, terminator, size) => {
          const index = at % (rows.length * 3)
          const spoiled = rows.map((each, number) =>
            each.map((text, place) => (number * 3 + place === index ? `x${terminator}y` : text)),
          )
          await expect(scan(file(spoiled), size)).rejects.toMatchObject({ code: 'unsupported' })
        },
      ),
    )
  })

  it('sees that the last row is cut', async () => {
    const bytes = file([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ])
    for (let end = bytes.length / 2 + 1; end < bytes.length; end += 1) {
      await expect(scan(bytes.subarray(0, end), 4)).rejects.toThrow(
        "unable to carry row 2 of table 'dbo.zoo' by freebcp: the data ends inside it",
      )
    }
  })

  it('takes time by the length of a large value, not by its square', { timeout: 10_000 }, async () => {
    const piece = Buffer.alloc(64 * 1024, 0x61)
    async function* large() {
      yield Buffer.from('a\x1f\x1eb\x1f\x1e')
      // As SQL Server sends 64 MiB of varbinary(max).
      for (let count = 0; count < 2048; count++) yield piece
      yield Buffer.from('\x1e\x1f\n')
    }
    let rows = 0
    let bytes = 0
    const passed = scanRows(words, large(), (count) => {
      rows = count
    })
    for await (const each of passed) bytes += each.length
    expect([rows, bytes]).toEqual([1, 2048 * piece.length + 9])
  })
})
