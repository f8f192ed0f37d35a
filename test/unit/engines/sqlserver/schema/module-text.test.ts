import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quoteName } from '../../../../../src/engines/sqlserver/catalog/quote.ts'
import { closureOf, sortModules } from '../../../../../src/engines/sqlserver/schema/module-order.ts'
import { moduleText } from '../../../../../src/engines/sqlserver/schema/module-text.ts'
import { module } from './sample-catalog.ts'

const view = (definition: string, schema = 'dbo', name = 'v') =>
  moduleText(module(1, 'view', name, definition, { schema }))

describe('the text of a module', () => {
  it.each([
    'CREATE VIEW dbo.v AS SELECT 1',
    'create view v as select 1',
    '-- CREATE VIEW x\n/* CREATE /* VIEW */ y */ CREATE OR ALTER /**/ VIEW [dbo] . "v" AS SELECT 1',
    '\r\n\tCREATE VIEW [DBO].[v](a) AS SELECT 1',
  ])('is left as it is: %j', (definition) => {
    expect(view(definition)).toBe(definition)
  })

  it('gets the name that sp_rename gave the object', () => {
    expect(view('/* old */ CREATE VIEW [dbo].[old] AS SELECT 1 -- old')).toBe(
      '/* old */ CREATE VIEW [dbo].[v] AS SELECT 1 -- old',
    )
    expect(view('CREATE VIEW V AS SELECT 1')).toBe('CREATE VIEW [dbo].[v] AS SELECT 1')
  })

  it('gets the schema of the object where it names none', () => {
    expect(view('CREATE VIEW v AS SELECT 1', 'sales')).toBe('CREATE VIEW [sales].[v] AS SELECT 1')
    expect(view('CREATE VIEW dbo.v AS SELECT 1', 'sales')).toBe('CREATE VIEW [sales].[v] AS SELECT 1')
  })

  it.each([
    ['procedure', 'CREATE PROC dbo.old;2 AS SELECT 1', 'CREATE PROC [dbo].[v];2 AS SELECT 1'],
    ['function', 'CREATE FUNCTION old() RETURNS int AS BEGIN RETURN 1 END', undefined],
    ['default', 'CREATE DEFAULT old AS 1', undefined],
    ['rule', 'CREATE RULE old AS @v > 1', undefined],
  ] as const)('of a %s is put right as well', (kind, definition, expected) => {
    expect(moduleText(module(1, kind, 'v', definition))).toBe(
      expected ?? definition.replace('old', '[dbo].[v]'),
    )
  })

  it('of a trigger names its table as it is called now', () => {
    const trigger = (definition: string) =>
      moduleText(
        module(1, 'trigger', 'tr', definition, {
          schema: 'sales',
          trigger: { parent: { schema: 'sales', name: 'orders' }, disabled: false, order: [] },
        }),
      )
    expect(trigger('CREATE TRIGGER old ON [was] AFTER INSERT AS RETURN')).toBe(
      'CREATE TRIGGER [sales].[tr] ON [sales].[orders] AFTER INSERT AS RETURN',
    )
    const right = 'CREATE TRIGGER sales.tr ON sales.orders AFTER INSERT AS RETURN'
    expect(trigger(right)).toBe(right)
  })

  it('of a trigger on the database has no schema', () => {
    const guard = (definition: string) =>
      moduleText(
        module(1, 'database trigger', 'guard', definition, {
          schema: '',
          trigger: { disabled: false, order: [] },
        }),
      )
    const right = 'CREATE TRIGGER guard ON DATABASE FOR DROP_TABLE AS RETURN'
    expect(guard(right)).toBe(right)
    expect(guard(right.replace('guard', 'was'))).toBe(right.replace('guard', '[guard]'))
  })

  it('is not guessed where no name is found', () => {
    for (const definition of [
      '',
      'SELECT 1',
      'CREATE TABLE t (a int)',
      'CREATE VIEW',
      'CREATE VIEW [x',
      '/* open',
    ]) {
      expect(view(definition)).toBeUndefined()
    }
  })

  it('names the object, whatever its name and what stands before it', () => {
    const blank = fc.array(fc.constantFrom(' ', '\n', '\t', '-- CREATE VIEW a.b\n', '/* x /* y */ AS */'), {
      minLength: 1,
    })
    const name = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(blank, blank, name, name, (before, between, was, is) => {
        const definition = `${before.join('')}CREATE${between.join('')}VIEW ${quoteName(was)} AS SELECT 1`
        const expected = was === is ? quoteName(was) : `[dbo].${quoteName(is)}`
        expect(view(definition, 'dbo', is)).toBe(definition.replace(quoteName(was), () => expected))
      }),
    )
  })
})

describe('the order of modules', () => {
  const chain = (length: number) =>
    Array.from({ length }, (_each, at) =>
      module(at + 1, 'view', `v${at}`, '', { dependsOn: at + 1 < length ? [at + 2] : [] }),
    )

  it('puts what a module refers to before it, however deep', () => {
    const sorted = sortModules(chain(20_000)).map(({ objectId }) => objectId)
    expect(sorted).toEqual(Array.from({ length: 20_000 }, (_each, at) => 20_000 - at))
  })

  it('takes each once, also in a circle, and what is not there is left out', () => {
    const modules = [
      module(1, 'procedure', 'a', '', { dependsOn: [2, 99] }),
      module(2, 'procedure', 'b', '', { dependsOn: [1, 2] }),
      module(3, 'function', 'c', ''),
    ]
    expect(sortModules(modules).map(({ name }) => name)).toEqual(['c', 'b', 'a'])
  })

  it('knows all that a module needs', () => {
    expect(closureOf(chain(5), [3])).toEqual(new Set([3, 4, 5]))
  })
})
