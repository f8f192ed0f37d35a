import { createRequire } from 'node:module'
import oracledb from 'oracledb'
import { beforeEach, describe, expect, test } from 'vitest'
import { RAW_BYTES } from '../../../../src/engines/oracle/connection.ts'
import { READ_JOB_STATUS } from '../../../../src/engines/oracle/datapump-statements.ts'
import { READ_DIRECTORY } from '../../../../src/engines/oracle/dictionary-statements.ts'
import { APPEND_TO_FILE, READ_FILE_LENGTH } from '../../../../src/engines/oracle/file-statements.ts'
import { narrow } from '../../../../src/engines/oracle/thin-connection.ts'

const never = new AbortController().signal

interface DriverBind {
  readonly name: string
  readonly type: { readonly name: string }
  readonly dir: number
  readonly maxSize: number
  readonly values: readonly unknown[]
}

interface Sent {
  readonly numIters: number
  readonly binds: readonly DriverBind[]
}

const load = createRequire(import.meta.url)
const driver = load('oracledb') as { readonly Connection: new () => { _impl: unknown } }
const Inner = load('oracledb/lib/impl/connection.js') as new () => object

/** The driver's own session down to where it would talk to the server: all that it checks and converts is done. */
describe('what the driver makes of our binds', () => {
  const sent: Sent[] = []
  let answer: Record<string, unknown>
  class Recorder extends Inner {
    async execute(_sql: string, numIters: number, binds: DriverBind[]) {
      sent.push({ numIters, binds })
      return answer
    }
  }
  const session = () => {
    const made = new driver.Connection()
    made._impl = new Recorder()
    return narrow(made as unknown as oracledb.Connection)
  }
  beforeEach(() => {
    sent.length = 0
    answer = { outBinds: {} }
  })
  const bindsOf = (index = 0) =>
    Object.fromEntries(
      (sent[index]?.binds ?? []).map(({ name, type, dir, maxSize, values }) => [
        name,
        { type: type.name, out: dir === oracledb.BIND_OUT, maxSize, values },
      ]),
    )

  test('IN and OUT binds of a block', async () => {
    answer = { outBinds: { p_state: ['COMPLETED'], p_percent: [100], p_errors: [null], p_text: ['x'] } }
    const outs = {
      p_state: { type: 'string' },
      p_percent: { type: 'number' },
      p_errors: { type: 'number' },
      p_text: { type: 'string', bytes: RAW_BYTES },
    } as const
    await session().call(READ_JOB_STATUS, { p_handle: 7, p_timeout: 5 }, outs, never)
    expect(bindsOf()).toMatchObject({
      p_handle: { type: 'DB_TYPE_NUMBER', out: false, values: [7] },
      p_timeout: { type: 'DB_TYPE_NUMBER', out: false, values: [5] },
      p_state: { type: 'DB_TYPE_VARCHAR', out: true, maxSize: 4000 },
      p_percent: { type: 'DB_TYPE_NUMBER', out: true },
      p_text: { type: 'DB_TYPE_VARCHAR', out: true, maxSize: RAW_BYTES },
    })
  })

  test('strings, nulls and RAWs', async () => {
    await session().call(
      READ_FILE_LENGTH,
      { p_directory: 'D', p_name: null },
      { p_bytes: { type: 'number' } },
      never,
    )
    expect(bindsOf()).toMatchObject({
      p_directory: { type: 'DB_TYPE_VARCHAR', out: false, values: ['D'] },
      p_name: { type: 'DB_TYPE_VARCHAR', out: false, values: [undefined] },
    })
  })

  test('many rows are one call, whatever kind of bytes they are', async () => {
    const rows = [new Uint8Array(RAW_BYTES).fill(1), Buffer.alloc(3, 2)].map((p_data) => ({
      p_directory: 'D',
      p_name: 'F',
      p_data,
    }))
    await session().callMany(APPEND_TO_FILE, rows, never)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.numIters).toBe(2)
    const { p_data, p_name } = bindsOf()
    expect(p_data).toMatchObject({ type: 'DB_TYPE_RAW', maxSize: RAW_BYTES })
    expect(p_data?.values.map((value) => (value as Buffer).length)).toEqual([RAW_BYTES, 3])
    expect(p_name?.values).toEqual(['F', 'F'])
  })

  test('no rows are no call', async () => {
    await session().callMany(APPEND_TO_FILE, [], never)
    expect(sent).toEqual([])
  })

  test('a query with a bind', async () => {
    answer = { rowsAffected: 0 }
    expect(await session().query(READ_DIRECTORY, { p_directory: 'D' }, never)).toEqual([])
    expect(bindsOf()).toMatchObject({ p_directory: { type: 'DB_TYPE_VARCHAR', values: ['D'] } })
  })
})
