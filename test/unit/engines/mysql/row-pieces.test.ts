import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TableInfo } from '../../../../src/engines/mysql/inventory.ts'
import { cutIntoPieces, type Piece } from '../../../../src/engines/mysql/row-pieces.ts'

const MIB = 1024 * 1024

function table(database: string, name: string, bytes: number): TableInfo {
  return {
    database,
    table: name,
    bytes,
    kind: 'table',
    engine: 'InnoDB',
    created: '',
    versioned: false,
    broken: false,
  }
}

/** Cuts tables whose name begins with `cut`. */
async function cut({ table: name }: TableInfo, count: number): Promise<readonly string[] | undefined> {
  return name.startsWith('cut') ? Array.from({ length: count }, (_, at) => `range ${at}`) : undefined
}

async function pieces(tables: readonly TableInfo[], jobs: number): Promise<readonly Piece[]> {
  const databases = [...new Set(tables.map(({ database }) => database)), 'without tables']
  return await cutIntoPieces({ databases, tables, jobs, cut })
}

describe('pieces of rows', () => {
  test('one large table becomes two ranges for each job', async () => {
    const found = await pieces([table('shop', 'cut', 1000 * MIB), table('shop', 'small', 1)], 2)
    expect(found.filter(({ kind }) => kind === 'range')).toHaveLength(4)
    expect(found.filter(({ kind }) => kind === 'tables')).toMatchObject([{ tables: ['small'] }])
  })

  test('small databases go together, whole, and first', async () => {
    const small = Array.from({ length: 50 }, (_, at) => table(`db ${at}`, 't', MIB / 100))
    const found = await pieces([...small, table('shop', 'whole', 300 * MIB)], 3)
    expect(found[0]).toMatchObject({ kind: 'databases', databases: small.map(({ database }) => database) })
    expect(found).toHaveLength(2)
  })

  test('hold every table exactly once, and are few', async () => {
    const any = fc.record({
      database: fc.constantFrom('a', 'b', 'c', 'd'),
      name: fc.stringMatching(/^(?:cut|whole) [a-z]{1,6}$/),
      bytes: fc.oneof(fc.nat({ max: 1000 }), fc.nat({ max: 1000 * MIB })),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(any, { selector: ({ database, name }) => `${database}.${name}`, maxLength: 40 }),
        fc.integer({ min: 2, max: 16 }),
        async (all, jobs) => {
          const tables = all.map(({ database, name, bytes }) => table(database, name, bytes))
          const found = await pieces(tables, jobs)
          const seen = new Map<string, number>()
          const see = (database: string, name: string, share: number) =>
            seen.set(`${database}.${name}`, (seen.get(`${database}.${name}`) ?? 0) + share)
          for (const piece of found) {
            if (piece.kind === 'databases') {
              for (const each of tables.filter(({ database }) => piece.databases.includes(database)))
                see(each.database, each.table, 1)
            } else if (piece.kind === 'tables') {
              for (const name of piece.tables) see(piece.database, name, 1)
            } else {
              const ranges = found.filter(
                (other) =>
                  other.kind === 'range' && other.database === piece.database && other.table === piece.table,
              )
              see(piece.database, piece.table, 1 / ranges.length)
            }
          }
          expect([...seen.keys()].sort()).toEqual(
            tables.map((each) => `${each.database}.${each.table}`).sort(),
          )
          for (const share of seen.values()) expect(share).toBeCloseTo(1)
          // Each of the four databases may leave a rest, and each cut table one piece more than it would take.
          expect(found.length).toBeLessThanOrEqual(4 * jobs + 8)
        },
      ),
    )
  })
})
