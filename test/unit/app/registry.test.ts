import { expect, test } from 'vitest'
import { openEngine } from '../../../src/app/registry.ts'

test.each([
  ['mysql://u@h', 'mysql'],
  ['mariadb://u@h', 'mysql'],
  ['postgres://u@h', 'postgres'],
  ['postgresql://u@h', 'postgres'],
  ['sqlserver://u@h', 'sqlserver'],
  ['mssql://u@h', 'sqlserver'],
  ['oracle://u@h/S', 'oracle'],
])('%s is for %s', async (url, name) => {
  await using engine = await openEngine(url, { searchPath: '' })
  expect(engine.name).toBe(name)
})

test('an unknown kind of database is refused with the known ones', async () => {
  await expect(openEngine('sqlsever://u@h', { searchPath: '' })).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('Did you mean sqlserver://?'),
  })
})
