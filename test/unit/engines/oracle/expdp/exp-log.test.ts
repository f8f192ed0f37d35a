import { describe, expect, test } from 'vitest'
import { judgeExpLog, readExpLog } from '../../../../../src/engines/oracle/expdp/exp-log.ts'

const NONE: ReadonlySet<number> = new Set()
const log = (...lines: readonly string[]) => readExpLog(lines.join('\n'), 'SCOTT')

describe('the log of the original Export and Import', () => {
  test('rows by table, partitions added up, under the owner that it names', () => {
    const { rows, ending } = log(
      'Export: Release 11.2.0.4.0 - Production on Mon Nov 23 02:00:00 2026',
      '. . exporting table                           BONUS          1 rows exported',
      ". about to export HR's tables via Conventional Path ...",
      '. . exporting table                            EMP         14 rows exported',
      '. . exporting table                          SALES',
      '. . exporting composite partition                 P1',
      '. . exporting subpartition                     P1_A          5 rows exported',
      '. . exporting subpartition                     P1_B          6 rows exported',
      '. . exporting table  A_TABLE_WITH_A_VERY_LONG_NAME',
      '                                                          7 rows exported',
      'Export terminated successfully without warnings.',
    )
    expect(Object.fromEntries(rows)).toEqual({
      'SCOTT.BONUS': 1,
      'HR.EMP': 14,
      'HR.SALES': 11,
      'HR.A_TABLE_WITH_A_VERY_LONG_NAME': 7,
    })
    expect(ending).toBe('without warnings')
  })

  test('rows that Import says it took, under the new owner', () => {
    const { rows } = log(
      ". importing HR's objects into HR2",
      '. . importing table                          "EMP"         14 rows imported',
      '. . importing partition                  "SALES":"P1"          5 rows imported',
      '. . importing partition                  "SALES":"P2"          6 rows imported',
      'Import terminated successfully without warnings.',
    )
    expect(Object.fromEntries(rows)).toEqual({ 'HR2.EMP': 14, 'HR2.SALES': 11 })
  })

  test('a whole run is let pass', () => {
    expect(judgeExpLog(log('Export terminated successfully without warnings.'), 'exp', NONE)).toEqual([])
  })

  test.each([
    ['a log that stops', ['. . exporting table   EMP'], 'no last line'],
    ['an empty log', [''], 'no last line'],
    ['warnings without a word of what', ['Export terminated successfully with warnings.'], 'with warnings'],
    ['an end that failed', ['Export terminated unsuccessfully'], 'unsuccessfully'],
    [
      'a table that was skipped, though it says all was well',
      [
        '. . exporting table   EMP',
        'EXP-00056: ORACLE error 942 encountered',
        'Export terminated successfully without warnings.',
      ],
      'SCOTT.EMP',
    ],
    [
      'a table that is not there',
      ['EXP-00011: HR.XXX does not exist', 'Export terminated successfully with warnings.'],
      'HR.XXX',
    ],
  ])('%s is a failure', (_what, lines, said) => {
    expect(() => judgeExpLog(log(...lines), 'exp', NONE)).toThrow(said)
  })

  test('objects that do not compile are told, and no failure', () => {
    const lines = [
      'IMP-00041: Warning: object created with compilation warnings',
      'Import terminated successfully with warnings.',
    ]
    expect(judgeExpLog(log(...lines), 'imp', NONE)).toEqual([lines[0]])
  })

  test('what the operator tolerates passes, by the number of the cause, and nothing else does', () => {
    const read = log(
      '. . exporting table   EMP',
      'EXP-00056: ORACLE error 1555 encountered',
      'ORA-01555: snapshot too old',
      'Export terminated successfully with warnings.',
    )
    expect(read.complaints).toHaveLength(1)
    expect(judgeExpLog(read, 'exp', new Set([1555]))).toHaveLength(1)
    expect(() => judgeExpLog(read, 'exp', new Set([1556]))).toThrow('SCOTT.EMP')
  })
})
