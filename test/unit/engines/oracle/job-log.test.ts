import { describe, expect, test } from 'vitest'
import { readJobLog } from '../../../../src/engines/oracle/job-log.ts'
import { decodeLog } from '../../../../src/engines/oracle/log-text.ts'

const EXPORT = `Starting "SYSTEM"."LIFEBOAT_X1_J":  
Processing object type SCHEMA_EXPORT/TABLE/TABLE_DATA
. . exported "SHOP"."ORDERS"                             17.08 KB     107 rows
. . exported "SHOP"."SALES":"P_2025"                     1.2 MB    1000 rows
. . exported "SHOP"."SALES":"P_2026"                     0 KB       0 rows
. . exported "SHOP"."SUB":"P 1"."S 1"                    5.5 KB       3 rows
. . exported "Odd schema"."A.B"                          6.617 KB       4 rows
ORA-39173: Encrypted data has been stored unencrypted in dump file set.
Master table "SYSTEM"."LIFEBOAT_X1_J" successfully loaded/unloaded
******************************************************************************
Dump file set for SYSTEM.LIFEBOAT_X1_J is:
  /u01/dpdump/LIFEBOAT_X1_01.dmp
  D:\\dpdump\\LIFEBOAT_X1_02.DMP
Job "SYSTEM"."LIFEBOAT_X1_J" completed with 1 error(s) at Mon Nov 23 02:00:00 2026 elapsed 0 00:00:41
`

describe('the log of a job', () => {
  test('rows, partitions added up, and pieces', () => {
    const log = readJobLog(EXPORT, 'LIFEBOAT_X1')
    expect([...log.rows]).toEqual([
      ['SHOP.ORDERS', 107],
      ['SHOP.SALES', 1000],
      ['SHOP.SUB', 3],
      ['Odd schema.A.B', 4],
    ])
    expect(log.pieces).toHaveLength(2)
    expect(log.errors.map(({ ora }) => ora)).toEqual([39173])
  })

  test('another language says the same', () => {
    const log = readJobLog(
      '. . "SHOP"."ORDERS"                     17.08 KB  107 Zeilen exportiert\n. . exportiert "SHOP"."L"   5,5 KB  12 Zeilen\r\n',
      'X',
    )
    expect([...log.rows]).toEqual([
      ['SHOP.ORDERS', 107],
      ['SHOP.L', 12],
    ])
  })

  test('a log is read in the character set of its server', () => {
    const line = '. . exported "CAFÉ"."T"   5 KB   7 rows'
    const western = decodeLog(Buffer.from(line, 'latin1'), 'WE8ISO8859P1')
    expect(readJobLog(western.text, 'X').rows.get('CAFÉ.T')).toBe(7)
    expect(western.readable('CAFÉ.T')).toBe(true)
    const unknown = decodeLog(Buffer.from(line, 'latin1'), 'WE8EBCDIC500')
    expect([unknown.readable('CAFÉ.T'), unknown.readable('SHOP.T')]).toEqual([false, true])
  })

  test('a cause belongs to the error above it, another error of Data Pump does not', () => {
    const log = readJobLog(
      `ORA-39083: Object type OBJECT_GRANT failed to create with error:
ORA-01917: user or role 'READERS' does not exist

Failing sql is:
GRANT SELECT ON "SHOP"."ORDERS" TO "READERS"

ORA-31684: Object type USER:"SHOP" already exists
ORA-39082: Object type VIEW:"SHOP"."V" created with compilation warnings
ORA-31693: Table data object "SHOP"."T" failed to load/unload and is being skipped due to error:
ORA-02374: conversion error loading table "SHOP"."T"
ORA-12899: value too large for column NAME (actual: 11, maximum: 10)
`,
      'X',
    )
    expect(log.errors.map(({ ora, objectType }) => [ora, objectType])).toEqual([
      [39083, 'OBJECT_GRANT'],
      [31684, 'USER'],
      [39082, 'VIEW'],
      [31693, 'SHOP'],
    ])
    expect(log.errors[0]?.text).toContain('ORA-01917')
    expect(log.errors[3]?.text).toMatch(/ORA-02374.*ORA-12899/s)
  })
})
