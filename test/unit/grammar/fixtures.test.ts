import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { statementsOf } from '../../testbed/containers/oracle.ts'
import { DEFINITIONS } from '../../testbed/sqlserver-real-objects.ts'
import { parsePlsql } from './plsql.ts'
import { parseTsql } from './tsql.ts'

const FOLDER = 'test/fixtures/sqlserver'
const oracle = statementsOf(await readFile('test/fixtures/oracle/shop.sql', 'utf8'))
const scripts = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql'))

/** Texts for servers that can't be had everywhere are at least of the right language. */
describe("Oracle's fixture", { timeout: 240_000 }, () => {
  it.each(oracle)('%s', async (text) => {
    await parsePlsql(text)
  })
})

describe("SQL Server's fixtures", { timeout: 240_000 }, () => {
  it.each(scripts)('%s', async (name) => {
    const batches = (await readFile(`${FOLDER}/${name}`, 'utf8')).split(/^[ \t]*GO[ \t]*\r?$/im)
    expect(batches.length).toBeGreaterThan(1)
    for (const batch of batches) if (batch.trim() !== '') await parseTsql(batch)
  })
})

describe('what is compared of a real SQL Server', () => {
  it.each(Object.entries(DEFINITIONS))('%s', async (_what, text) => {
    await parseTsql(text)
  })
})
