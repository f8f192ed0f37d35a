import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { failureOf, sourceOf, type Taken, take } from './engine-suite.ts'

const TOOL = join(import.meta.dirname, '../fixtures/tools/oracle-client')
const { signal } = new AbortController()

/** tool=exp: the source is asked by the original Export alone, the target by the driver and the original Import. */
describe('oracle, by exp and imp', () => {
  let notes: string
  let taken: Taken
  const commandsFor = (exp: string, imp: string) => ({
    exp: [TOOL, exp, notes] as const,
    imp: [TOOL, imp, notes] as const,
  })
  const engine = (oracle: ScriptedOracle, options: string, imp = 'imports') =>
    engineFor(oracle, options, { commands: commandsFor('exports', imp) })

  beforeAll(async () => {
    notes = await mkdtemp(join(tmpdir(), 'lifeboat-exp-'))
    const source = new ScriptedOracle()
    // Too old for the driver: nobody may ask it.
    source.fault({ on: 'LOGIN', kind: 'outage' })
    await using from = engine(source, '&schemas=HR&layout=expdp&tool=exp')
    taken = await take(from)
    expect(source.calls).toEqual([])
  })
  afterAll(() => rm(notes, { recursive: true, force: true }))

  const target = (...users: readonly string[]) => {
    const oracle = new ScriptedOracle()
    for (const user of users) oracle.database.addSchema(user, {})
    return oracle
  }

  test('one part, with the rows that the log counts, and what is not in it', () => {
    expect([...taken.parts].map(([name, { format, bytes }]) => [name, format, bytes.length])).toEqual([
      ['export', 'exp', 300_000],
    ])
    expect(taken.result.contents.tables).toEqual([
      { database: 'HR', table: 'EMP', rows: 14 },
      { database: 'HR', table: 'SALES', rows: 11 },
    ])
    expect(taken.probe.tools).toEqual([{ name: 'exp', vendor: 'Oracle', version: '19.0.0.0.0' }])
    expect(taken.result.notCaptured).not.toEqual([])
    expect(JSON.stringify(taken.result.notCaptured)).not.toContain('HR')
    expect(taken.result.contents.byHand).toEqual([expect.stringContaining('imp system file=')])
  })

  test('is loaded by imp, whatever the layout of the target', async () => {
    await using into = engine(target('HR'), '')
    expect(await into.occupied(sourceOf(taken).contents, signal)).toEqual({ conflicts: [], others: [] })
    const result = await into.restore(sourceOf(taken), { replace: false }, signal)
    expect(result.restored).toEqual(['HR'])
    expect((await readFile(join(notes, 'read'))).length).toBe(300_000)
  })

  test('into a schema that holds something is a conflict', async () => {
    const oracle = target('HR')
    oracle.database.write('HR', 'EMP', ['one'])
    await using into = engine(oracle, '')
    expect((await into.occupied(sourceOf(taken).contents, signal)).conflicts).toEqual(['HR'])
  })

  test('without its users names them', async () => {
    await using into = engine(target(), '&remap-schema=HR:STAFF')
    const failure = await failureOf(into.restore(sourceOf(taken), { replace: false }, signal))
    expect(failure).toMatchObject({ code: 'unsupported', hint: expect.stringContaining('CREATE USER STAFF') })
  })

  test('is a failure where imp found objects there', async () => {
    await using into = engine(target('HR'), '', 'finds-objects')
    const failure = await failureOf(into.restore(sourceOf(taken), { replace: false }, signal))
    expect(failure).toMatchObject({ code: 'tool-failed', message: expect.stringContaining('IMP-00015') })
  })

  test('is never taken for the server that it came from, nor for another', async () => {
    await using into = engine(target('HR'), '')
    const probe = await into.probe('target', signal)
    expect(into.compareIdentity(taken.probe.identity, probe).verdict).toBe('unsure')
  })

  test('layout=expdp says which tools it has, and that it lacks one', async () => {
    await using none = engineFor(target('HR'), '&layout=expdp')
    const { findings } = await none.probe('source', signal)
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'failure', topic: 'tools', code: 'tool-missing' }),
    )
    await using some = engineFor(target('HR'), '&layout=expdp', {
      commands: { expdp: [TOOL, 'completes', notes] },
    })
    expect((await some.probe('source', signal)).tools).toContainEqual({
      name: 'expdp',
      vendor: 'Oracle',
      version: '19.0.0.0.0',
    })
  })

  test('tool= and alias= belong to layout=expdp', () => {
    expect(() => engineFor(target(), '&tool=exp')).toThrow("no option 'tool'")
    expect(() => engineFor(target(), '&alias=x')).toThrow("no option 'alias'")
  })
})
