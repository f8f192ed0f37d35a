import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { quoteList } from '../../../../src/engines/oracle/quote.ts'
import { readService, readUrlOptions } from '../../../../src/engines/oracle/url-options.ts'

const read = (options: string) => readUrlOptions(parseDatabaseUrl(`oracle://u@h/PDB1${options}`))

describe('options of an Oracle URL', () => {
  test('the usual ones', () => {
    expect(read('')).toMatchObject({
      schemas: undefined,
      tables: undefined,
      directory: 'DATA_PUMP_DIR',
      pieceBytes: 2 * 1024 ** 3,
      via: 'sql',
      version: 'COMPATIBLE',
      tableExistsAction: 'SKIP',
    })
  })

  test('sizes', () => {
    expect(read('?piece=64M&room=400GiB&storage=2t')).toMatchObject({
      pieceBytes: 64 * 1024 ** 2,
      roomBytes: 400 * 1024 ** 3,
      storageBytes: 2 * 1024 ** 4,
    })
    expect(read('')).toMatchObject({ roomBytes: undefined, storageBytes: undefined })
  })

  test('names are in upper case unless quoted', () => {
    expect(read('?schemas=shop,"Odd, name",a$1').schemas).toEqual(['SHOP', 'Odd, name', 'A$1'])
    expect(read('?tables=shop.orders,shop."a.b"').tables).toEqual([
      { schema: 'SHOP', table: 'ORDERS' },
      { schema: 'SHOP', table: 'a.b' },
    ])
    expect([...read('?remap-schema=a:b,"C:D":e').remapSchemas]).toEqual([
      ['A', 'B'],
      ['C:D', 'E'],
    ])
  })

  test.each([
    ['?schemas=A&tables=A.B', 'exclude'],
    ['?tables=A', 'SCHEMA.TABLE'],
    ['?tables=A.B,C.D', 'several schemas'],
    ['?schemas=', 'not a name'],
    ['?schemas=A"B', 'not a name'],
    ['?remap-schema=A', 'OLD:NEW'],
    ['?piece=2T', 'size'],
    ['?piece=1K', 'size'],
    ['?room=plenty', 'room=plenty is not a size'],
    ['?storage=0G', 'storage=0G is not a size'],
    ['?tolerate=39127', 'ORA-39127'],
    ['?table-exists-action=drop', 'one of'],
    ['?via=ftp', 'one of'],
    ['?sid=ORCL', 'both'],
    ['?version=12)(X=', 'no such name'],
    ['?shcemas=A', 'no option'],
  ])('%s is refused', (options, reason) => {
    expect(() => read(options)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(reason),
        hint: expect.stringMatching(/\S/),
      }) as LifeboatError,
    )
  })

  test('a service that would close the descriptor is refused', () => {
    expect(() => readService(parseDatabaseUrl('oracle://u@h/X)(SECURITY=(A=B'))).toThrow(LifeboatError)
  })
})

describe('a list of literals', () => {
  test('says no more than the names, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1, maxLength: 20 }),
        (names) => {
          const list = quoteList(names)
          // Read as SQL does: literals between commas, nothing outside.
          const literals = [...list.matchAll(/'((?:[^']|'')*)'(,|$)/gy)].map((match) =>
            match[1]?.replaceAll("''", "'"),
          )
          expect(literals).toEqual(names)
          expect(list.replace(/'(?:[^']|'')*'/g, '')).toBe(','.repeat(names.length - 1))
        },
      ),
    )
  })

  test('that is too long for PL/SQL is refused', () => {
    expect(() =>
      quoteList(Array.from({ length: 1000 }, (_, index) => `SCHEMA_${'X'.repeat(30)}${index}`)),
    ).toThrow(expect.objectContaining({ code: 'unsupported' }) as LifeboatError)
  })
})
