import { describe, expect, test } from 'vitest'
import { type DatabaseFacts, selectDatabases } from '../../../../src/engines/sqlserver/databases.ts'
import { readsSnapshot } from '../../../../src/engines/sqlserver/dump.ts'
import { describeConsistency } from '../../../../src/engines/sqlserver/dump-result.ts'
import type { Consistency } from '../../../../src/engines/sqlserver/read-database.ts'

const database = (name: string, facts: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  name,
  state: 'ONLINE',
  accessible: true,
  snapshotIsolation: true,
  readCommittedSnapshot: false,
  collation: undefined,
  compatibilityLevel: 160,
  ...facts,
})

describe('the databases of a dump', () => {
  const all = [
    database('shop'),
    database('closed', { accessible: false }),
    database('gone', { state: 'RESTORING' }),
  ]

  test('are those that are online and open to the login; the others are named', () => {
    const { taken, denied, left } = selectDatabases(all, undefined)
    expect(taken.map(({ name }) => name)).toEqual(['shop'])
    expect(denied).toEqual(['closed'])
    expect(left.map(({ name }) => name)).toEqual(['gone'])
  })

  test('are only that of the URL', () => {
    expect(selectDatabases(all, 'shop')).toEqual({ taken: [all[0]], denied: [], left: [] })
  })

  test('must hold that of the URL', () => {
    expect(() => selectDatabases(all, 'shopp')).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining("'shop'") }),
    )
  })
})

describe('whether a database is read in one transaction', () => {
  const options = { snapshot: 'auto', tool: 'auto' } as const
  test.each([
    ['where it allows that', true, options, 1, true],
    ['not where it does not', false, options, 1, false],
    ['not with several parts at once', true, options, 4, false],
    [
      'with several parts at once where it is required',
      true,
      { ...options, snapshot: 'require' } as const,
      4,
      true,
    ],
    ['not where it is off', true, { ...options, snapshot: 'off' } as const, 1, false],
    ['not by a program', true, { ...options, tool: 'bcp' } as const, 1, false],
  ])('%s', (_name, snapshotIsolation, chosen, jobs, expected) => {
    expect(readsSnapshot({ snapshotIsolation }, chosen, { jobs })).toBe(expected)
  })
})

describe('the sentence about consistency', () => {
  const of = (...each: Consistency[]) => describeConsistency(each.map((consistency) => ({ consistency })))

  test('says what holds', () => {
    expect(of('database', 'database')).toBe('one SNAPSHOT transaction over all tables of a database')
    expect(of('row')).toContain('missing or doubled')
  })

  test('says the worst of several', () => {
    expect(of('database', 'table', 'row')).toBe(
      'in 1 of 3 databases one SNAPSHOT transaction over all tables of a database, otherwise each table at its own time; rows that moved while it was read may be missing or doubled',
    )
  })
})
