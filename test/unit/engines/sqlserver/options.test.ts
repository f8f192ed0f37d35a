import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { readUrlOptions } from '../../../../src/engines/sqlserver/options.ts'

const read = (url: string) => readUrlOptions(parseDatabaseUrl(url))

describe('the options of a sqlserver:// URL', () => {
  test('are the safe ones where nothing is said', () => {
    expect(read('sqlserver://sa@db')).toMatchObject({
      layout: 'bcp',
      tool: 'auto',
      snapshot: 'auto',
      violations: 'fail',
      lockWaitMs: 60_000,
    })
  })

  test('are taken as they are said', () => {
    const url =
      'sqlserver://sa@db?layout=native&tool=driver&snapshot=require&violations=keep&lock-wait-ms=5&files=3'
    const options = read(url)
    expect(options).toMatchObject({
      layout: 'native',
      tool: 'driver',
      snapshot: 'require',
      violations: 'keep',
      lockWaitMs: 5,
    })
    expect(options.native.backup.files).toBe(3)
  })

  test.each([
    ['a layout that does not exist', 'sqlserver://sa@db?layout=bacpac', 'layout=bcp or layout=native'],
    ['a wait that is no number', 'sqlserver://sa@db?lock-wait-ms=long', 'lock-wait-ms=60000'],
    ['an unknown option', 'sqlserver://sa@db?snapshots=off', 'snapshot'],
    ['no user', 'sqlserver://db', 'sqlserver://user@host'],
    ['a socket', 'sqlserver://sa@?socket=/run/sql', 'sqlserver://user@host'],
    ['a snapshot that no program can join', 'sqlserver://sa@db?snapshot=require&tool=bcp', 'Leave out one'],
  ])('refuse %s, and say what is right', (_name, url, hint) => {
    const thrown = (() => {
      try {
        read(url)
      } catch (reason) {
        return reason
      }
      return undefined
    })()
    expect(thrown).toBeInstanceOf(LifeboatError)
    expect((thrown as LifeboatError).code).toBe('usage')
    expect((thrown as LifeboatError).hint).toContain(hint)
  })
})
