import { readFile } from 'node:fs/promises'
import { describe, it } from 'vitest'
import { statementsOf } from '../../testbed/containers/oracle.ts'
import { parsePlsql } from './plsql.ts'

const shop = statementsOf(await readFile('test/fixtures/oracle/shop.sql', 'utf8'))

/** Fixtures for servers that can't be had everywhere are at least of the right language. */
describe("Oracle's fixture", () => {
  it.each(shop)('%s', async (text) => {
    await parsePlsql(text)
  })
})
