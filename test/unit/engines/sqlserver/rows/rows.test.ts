import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, once } from '../../../../../src/core/bytes.ts'
import { formatFile } from '../../../../../src/engines/sqlserver/rows/format-file.ts'
import { readRows } from '../../../../../src/engines/sqlserver/rows/row-reader.ts'
import { writeRows } from '../../../../../src/engines/sqlserver/rows/row-writer.ts'
import type { SqlColumn, SqlValue } from '../../../../../src/engines/sqlserver/session.ts'
import { readByFormatFile } from './format-file-reader.ts'
import { column, iterate, KINDS, samples } from './sample-tables.ts'

const shapeOf = (columns: readonly SqlColumn[]) => ({ name: 'dbo.zoo', columns })

async function write(columns: readonly SqlColumn[], rows: readonly (readonly SqlValue[])[]) {
  return Buffer.from(await collect(writeRows(shapeOf(columns), iterate(rows))))
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(columns: readonly SqlColumn[], bytes: AsyncIterable<Uint8Array>) {
  const rows: SqlValue[][] = []
  for await (const row of readRows(shapeOf(columns), bytes)) rows.push(row.map(plain))
  return rows
}

const plain = (value: SqlValue) => (value instanceof Uint8Array ? new Uint8Array(value) : value)

describe('rows', () => {
  it('read back as they were written, whatever the values and however the pieces fall', async () => {
    await fc.assert(
      fc.asyncProperty(samples, fc.integer({ min: 1, max: 200 }), async ({ columns, rows }, size) => {
        const bytes = await write(columns, rows)
        expect(await read(columns, inPieces(bytes, size))).toStrictEqual(rows)
      }),
      { numRuns: 150 },
    )
  })

  it('are read by a stranger who has nothing but the format file', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async ({ columns, rows }) => {
        const bytes = await write(columns, rows)
        expect(readByFormatFile(formatFile(columns), bytes)).toStrictEqual(rows)
      }),
      { numRuns: 100 },
    )
  })

  it('are not read where they are cut, at whatever byte', async () => {
    const columns = KINDS.map((kind) => kind.column)
    const rows = fc.sample(fc.tuple(...KINDS.map(({ values }) => values)), { numRuns: 2, seed: 7 })
    const bytes = await write(columns, rows)
    const whole = await write(columns, rows.slice(0, 1))
    for (let end = 1; end < bytes.length; end += 1) {
      if (end === whole.length) continue
      await expect(read(columns, once(bytes.subarray(0, end))), `cut at ${end}`).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringMatching(/in row [12] of table 'dbo\.zoo': the data ends inside it$/),
      })
    }
  })

  it('refuse a byte too many', async () => {
    const columns = [column('id', 'int'), column('name', 'nvarchar', { maxLength: 20 })]
    const bytes = Buffer.concat([await write(columns, [[1, 'a']]), Buffer.of(0)])
    await expect(read(columns, once(bytes))).rejects.toThrow(
      "unable to read column 'id' in row 2 of table 'dbo.zoo': a length of 0 before byte 10 can't be of a int",
    )
  })

  it('refuse the bytes of another table', async () => {
    const bytes = await write([column('a', 'bigint')], [[5n]])
    await expect(read([column('a', 'int')], once(bytes))).rejects.toMatchObject({ code: 'integrity' })
    const long = await write([column('a', 'nvarchar', { maxLength: 40 })], [['twenty characters ok']])
    await expect(read([column('a', 'nvarchar', { maxLength: 10 })], once(long))).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  it.each([
    ['int', 2 ** 31],
    ['int', 1.5],
    ['smallint', 40_000],
    ['tinyint', 256],
    ['tinyint', -1],
    ['real', 0.1],
    ['bit', 1],
    ['bigint', 5],
    ['bigint', 2n ** 63n],
    ['int', 5n],
    ['uniqueidentifier', 'no guid'],
    ['decimal', 1.5],
    ['varbinary', 'text'],
    ['date', 'x'.repeat(11)],
  ] as const)('refuse what is no %s: %s', async (type, value) => {
    await expect(write([column('c', type)], [[1, value].slice(1)])).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining("column 'c' in row 1 of table 'dbo.zoo'"),
    })
  })

  it('keep NULL and empty apart in every type that has both', async () => {
    const columns = [
      column('a', 'nvarchar', { maxLength: 20 }),
      column('b', 'nvarchar', { maxLength: -1 }),
      column('c', 'varbinary', { maxLength: -1 }),
    ]
    const rows = [
      [null, null, null],
      ['', '', new Uint8Array()],
    ]
    const bytes = await write(columns, rows)
    expect(bytes.toString('hex')).toBe(`ffff${'ff'.repeat(16)}0000${'00'.repeat(16)}`)
    expect(await read(columns, once(bytes))).toStrictEqual(rows)
  })

  it('come in pieces of bounded size, a large value as its own', async () => {
    const columns = [column('a', 'nvarchar', { maxLength: -1 }), column('b', 'varbinary', { maxLength: -1 })]
    const rows: SqlValue[][] = [
      ['x'.repeat(1_000_000), new Uint8Array(3_000_000).fill(7)],
      ...Array.from({ length: 20_000 }, (_, index): SqlValue[] => [`row ${index}`, null]),
    ]
    const sizes: number[] = []
    const pieces: Uint8Array[] = []
    for await (const piece of writeRows(shapeOf(columns), iterate(rows))) {
      sizes.push(piece.length)
      pieces.push(piece)
    }
    expect(sizes.filter((size) => size > 256 * 1024)).toEqual([2_000_000, 3_000_000])
    expect(await read(columns, iterate(pieces))).toStrictEqual(rows)
  })

  it('refuse a length that no memory could hold', async () => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(2n ** 40n)
    await expect(read([column('a', 'nvarchar', { maxLength: -1 })], once(bytes))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('it has 1099511627776 bytes'),
    })
  })

  it('close their source when nobody reads on', async () => {
    let closed = false
    async function* source() {
      try {
        yield await write([column('a', 'int')], [[1], [2]])
        yield await write([column('a', 'int')], [[3]])
      } finally {
        closed = true
      }
    }
    for await (const _row of readRows(shapeOf([column('a', 'int')]), source())) break
    expect(closed).toBe(true)
  })

  it('tell how many they were', async () => {
    let count = -1
    const rows = writeRows(shapeOf([column('a', 'int')]), iterate([[1], [null]]), (rows) => {
      count = rows
    })
    await collect(rows)
    expect(count).toBe(2)
  })
})
