import { describe, expect, test } from 'vitest'
import { collect } from '../../../../../src/core/bytes.ts'
import type { PartSource } from '../../../../../src/core/engine.ts'
import type { OracleConnection } from '../../../../../src/engines/oracle/connection.ts'
import { clientVersion } from '../../../../../src/engines/oracle/expdp/client-access.ts'
import { createClientRunner } from '../../../../../src/engines/oracle/expdp/data-pump-job.ts'
import { createExpDump } from '../../../../../src/engines/oracle/expdp/exp-dump.ts'
import { restoreImp } from '../../../../../src/engines/oracle/expdp/imp-restore.ts'
import { namesOfRun } from '../../../../../src/engines/oracle/pieces.ts'
import { type ClientBed, createClientBed } from '../../../../testbed/oracle-client.ts'

const { signal } = new AbortController()
const USERS = ['HR', 'HR2']
/** The tools have their own. */
const NO_CONNECTION = {} as OracleConnection
const JOB = {
  names: namesOfRun('LIFEBOAT_0123456789'),
  directory: 'DATA_PUMP_DIR',
  schemas: ['HR'],
  mode: 'SCHEMA' as const,
  tables: [],
  scn: '4711',
  pieceBytes: 2 ** 31,
  parallel: 1,
  version: 'COMPATIBLE',
  tolerated: new Set<number>(),
}
const backupOf = (bytes: Uint8Array): PartSource => ({
  contents: {
    format: 1,
    databases: [{ name: 'HR' }],
    tables: [],
    parts: [],
    byHand: [],
    engine: { layout: 'exp' },
  },
  server: { flavour: 'Oracle', version: '11.2' },
  parts: [{ name: 'export', format: 'exp', plainBytes: bytes.length }],
  open: async function* () {
    yield bytes
  },
})

/** That the account is in a file for us alone, and nowhere else. */
async function expectSecretKept(bed: ClientBed, password: string): Promise<void> {
  expect(await bed.note('arguments')).not.toContain(password)
  expect(await bed.note('parameters')).toContain(`userid=backup/"${password}"@LIFEBOAT\n`)
  expect(await bed.note('mode')).toBe('600\n')
  expect(await bed.note('language')).toBe('AMERICAN_AMERICA.AL32UTF8\n')
}

describe("Oracle's client tools", () => {
  test('expdp runs a job, its account in a private file', async () => {
    await using bed = await createClientBed('expdp', 'completes', { password: 'p@ss/w #1' })
    await createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, signal)
    await expectSecretKept(bed, 'p@ss/w #1')
    expect(await bed.note('arguments')).toMatch(/^parfile=\/\S+\n$/)
    expect(await bed.note('tnsnames.ora')).toContain('(SERVICE_NAME=SHOP)')
    expect(await bed.note('parameters')).toContain('flashback_scn=4711\n')
  })

  test('a wallet needs neither password nor address', async () => {
    const url = 'oracle://db.test/SHOP?schemas=HR&alias=shop_db'
    await using bed = await createClientBed('expdp', 'completes', { url })
    await createClientRunner(bed.setting).export(NO_CONNECTION, JOB, undefined, signal)
    expect(await bed.note('parameters')).toContain('userid=/@shop_db\n')
    expect(await bed.notes()).not.toContain('tnsnames.ora')
  })

  test('exp is streamed while it writes, and its log counts the rows', async () => {
    await using bed = await createClientBed('exp', 'exports', { password: 'p@ss/w #1' })
    await using dump = createExpDump(bed.setting, { counts: 'exact' })
    for await (const part of dump.parts) {
      expect(part).toMatchObject({ name: 'export', format: 'exp' })
      expect(Buffer.alloc(300_000, 'e').equals(await collect(part.open(signal)))).toBe(true)
    }
    const { contents, consistency } = await dump.finish(signal)
    expect(contents.databases).toEqual([{ name: 'HR' }])
    expect(contents.tables).toEqual([
      { database: 'HR', table: 'EMP', rows: 14 },
      { database: 'HR', table: 'SALES', rows: 11 },
    ])
    expect(consistency).toContain('CONSISTENT=Y')
    await expectSecretKept(bed, 'p@ss/w #1')
    expect(await bed.note('parameters')).toContain('owner=(HR)\n')
  })

  test('exp wants to be told what to take', async () => {
    await using bed = await createClientBed('exp', 'exports', { url: 'oracle://u@h/S?tls=disable' })
    expect(() => createExpDump(bed.setting, { counts: 'exact' })).toThrow('no schemas were named')
  })

  test('imp reads the stream', async () => {
    const url = 'oracle://backup@db.test/SHOP?tls=disable&remap-schema=HR:HR2'
    await using bed = await createClientBed('imp', 'imports', { url })
    const bytes = Buffer.alloc(1_000_000, 'dump')
    const result = await restoreImp(bed.setting, backupOf(bytes), { replace: false }, USERS, signal)
    expect(result).toEqual({ restored: ['HR2'], notRestored: [], warnings: [] })
    expect((await bed.note('read')).length).toBe(bytes.length)
    expect(await bed.note('parameters')).toContain('fromuser=(HR)\ntouser=(HR2)\n')
  })

  test('imp tells what does not compile', async () => {
    await using bed = await createClientBed('imp', 'imports-with-invalid-objects')
    const result = await restoreImp(
      bed.setting,
      backupOf(Buffer.from('dump')),
      { replace: false },
      USERS,
      signal,
    )
    expect(result.warnings).toEqual(['IMP-00041: Warning: object created with compilation warnings'])
  })

  test('their version is in their heading', async () => {
    await using bed = await createClientBed('exp', 'completes')
    expect(await clientVersion('exp', bed.setting.context, signal)).toBe('19.0.0.0.0')
  })
})
