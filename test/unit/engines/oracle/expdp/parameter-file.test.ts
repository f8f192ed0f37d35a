import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import { readClientOptions } from '../../../../../src/engines/oracle/expdp/client-options.ts'
import { connectFiles } from '../../../../../src/engines/oracle/expdp/connect-files.ts'
import { exportParameters, importParameters } from '../../../../../src/engines/oracle/expdp/data-pump-job.ts'
import { listedName, parameterText, userid } from '../../../../../src/engines/oracle/expdp/parameter-file.ts'
import { namesOfRun } from '../../../../../src/engines/oracle/pieces.ts'

describe('the parameter file of the tools', () => {
  test('has a line for each parameter that is set', () => {
    expect(parameterText({ schemas: 'HR', parallel: undefined, directory: 'DP' })).toBe(
      'schemas=HR\ndirectory=DP\n',
    )
  })

  test('never has a value on two lines', () => {
    for (const value of ['a\nuserid=b', 'a\rb', 'ends in \\']) {
      expect(() => parameterText({ schemas: value })).toThrow('two')
    }
  })

  test('quotes the password, whatever it holds', () => {
    expect(userid('shop', new Secret('p@ss/word #1 (x)=,'), 'LIFEBOAT')).toBe(
      'shop/"p@ss/word #1 (x)=,"@LIFEBOAT',
    )
    expect(userid('Odd User', new Secret('x'), 'A')).toBe('"Odd User"/"x"@A')
  })

  test('refuses a password that would end its own quotes, without telling it', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4 }),
        fc.constantFrom('"', '\n', '\r'),
        fc.string(),
        (before, quote, after) => {
          const password = `${before}${quote}${after}`
          try {
            userid('shop', new Secret(password), 'A')
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'config' })
            expect(String(thrown)).not.toContain(password)
            return
          }
          throw new Error('it was taken')
        },
      ),
    )
  })

  test('refuses to log in without a user or a password', () => {
    expect(() => userid(undefined, new Secret('x'), 'A')).toThrow('names no user')
    expect(() => userid('shop', undefined, 'A')).toThrow('no password')
  })

  test('writes names as the manual has them in a parameter file', () => {
    expect(listedName('HR', 'EMP')).toBe('HR.EMP')
    expect(listedName('Odd name')).toBe(`'"Odd name"'`)
    expect(listedName('HR', 'emp')).toBe(`'"HR"."emp"'`)
    expect(() => listedName(`O'Hara`)).toThrow('quote')
  })
})

describe('the job that the tools are given', () => {
  const names = namesOfRun('LIFEBOAT_0123456789')
  const common = {
    names,
    directory: 'DATA_PUMP_DIR',
    mode: 'SCHEMA' as const,
    schemas: ['HR', 'Shop'],
    tables: [],
  }

  test('exports the same as DBMS_DATAPUMP would, at one SCN', () => {
    const job = {
      ...common,
      scn: '4711',
      pieceBytes: 2048,
      parallel: 1,
      version: 'COMPATIBLE',
      tolerated: new Set<number>(),
    }
    expect(parameterText(exportParameters(job))).toBe(
      [
        'directory=DATA_PUMP_DIR',
        'dumpfile=LIFEBOAT_0123456789_%U.dmp',
        'logfile=LIFEBOAT_0123456789.log',
        'job_name=LIFEBOAT_0123456789_J',
        `schemas=HR,'"Shop"'`,
        'filesize=2048',
        'flashback_scn=4711',
        'version=COMPATIBLE',
        `exclude=TABLE:"= 'LIFEBOAT_0123456789'"`,
        '',
      ].join('\n'),
    )
    expect(
      exportParameters({
        ...job,
        mode: 'TABLE',
        tables: [{ schema: 'HR', table: 'EMP' }],
        parallel: 4,
      }),
    ).toMatchObject({
      tables: 'HR.EMP',
      parallel: '4',
    })
  })

  test('imports under other names', () => {
    const job = {
      ...common,
      remapSchemas: new Map([['HR', 'Hr2']]),
      remapTablespaces: new Map([['USERS', 'DATA']]),
      tableExistsAction: 'SKIP' as const,
      parallel: 1,
    }
    expect(importParameters(job)).toMatchObject({
      remap_schema: `HR:'"Hr2"'`,
      remap_tablespace: 'USERS:DATA',
      table_exists_action: 'SKIP',
    })
  })
})

describe('where the tools connect', () => {
  const files = (text: string, given: { sid?: string; wallet?: string } = {}) =>
    connectFiles(parseDatabaseUrl(text), { sid: given.sid, wallet: given.wallet })

  test('service, SID, and the address that is dialled', async () => {
    const { 'tnsnames.ora': plain } = await files('oracle://u@db.test/SHOP?tls=disable&connect=10.0.0.7:1600')
    expect(plain).toBe(
      'LIFEBOAT=(DESCRIPTION=(CONNECT_TIMEOUT=20)(ADDRESS=(PROTOCOL=TCP)(HOST=10.0.0.7)(PORT=1600))(CONNECT_DATA=(SERVICE_NAME=SHOP)))\n',
    )
    expect((await files('oracle://u@db.test?tls=disable', { sid: 'OLD' }))['tnsnames.ora']).toContain(
      '(PORT=1521))(CONNECT_DATA=(SID=OLD))',
    )
  })

  test('TLS needs a wallet of theirs', async () => {
    const wallet = await mkdtemp(join(tmpdir(), 'lifeboat-wallet-'))
    try {
      await expect(files('oracle://u@db.test/SHOP')).rejects.toMatchObject({ code: 'config' })
      await expect(files('oracle://u@db.test/SHOP', { wallet })).rejects.toThrow('cwallet.sso')
      await writeFile(join(wallet, 'cwallet.sso'), '')
      const made = await files('oracle://u@db.test/SHOP?tls=verify-full', { wallet })
      expect(made['tnsnames.ora']).toContain('(PROTOCOL=TCPS)')
      expect(made['tnsnames.ora']).toContain(`(MY_WALLET_DIRECTORY=${wallet})(SSL_SERVER_DN_MATCH=YES)`)
      expect(made['sqlnet.ora']).toContain('SSL_SERVER_DN_MATCH=YES')
      await expect(
        files('oracle://u@db.test/SHOP?tls=verify-full&connect=10.0.0.7', { wallet }),
      ).rejects.toMatchObject({ code: 'unsupported' })
    } finally {
      await rm(wallet, { recursive: true, force: true })
    }
  })

  test('nothing can close the brackets of the descriptor', async () => {
    await expect(files('oracle://u@db.test/A)(SID=B?tls=disable')).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('the options of layout=expdp', () => {
  const options = (query: string) => readClientOptions(parseDatabaseUrl(`oracle://u@h/S?${query}`))

  test('are read, and refused', () => {
    expect(options('')).toEqual({ tool: 'expdp', alias: undefined })
    expect(options('tool=exp&alias=shop.world')).toEqual({ tool: 'exp', alias: 'shop.world' })
    expect(() => options('tool=imp')).toThrow('tool=imp')
    expect(() => options('alias=a)b')).toThrow('tnsnames.ora')
  })
})
