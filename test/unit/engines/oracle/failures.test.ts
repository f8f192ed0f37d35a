import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../../../src/core/errors.ts'
import { Secret } from '../../../../src/core/secret.ts'
import {
  connectionError,
  explainText,
  jobError,
  oraOf,
  statementError,
} from '../../../../src/engines/oracle/failures.ts'
import { READ_FILE_LENGTH } from '../../../../src/engines/oracle/file-statements.ts'

describe('what Oracle refuses', () => {
  test.each([
    ['ORA-01017: invalid username/password; logon denied', 'engine-unreachable', /password/],
    ['ORA-12514: TNS:listener does not currently know of service', 'engine-unreachable', /service/],
    [
      'NJS-533: Advanced Networking Option service negotiation failed.\nCause: ORA-12660',
      'unsupported',
      /native network encryption/,
    ],
    ['NJS-138: connections to this database server version are not supported', 'unsupported', /layout=expdp/],
    [
      'NJS-503: connection to host h port 1 could not be established. connect ECONNREFUSED',
      'engine-unreachable',
      /listener/,
    ],
    ['NJS-500: connection to Oracle Database was closed or broken', 'engine-unreachable', /hangs up.*tls=/],
  ])('a login: %s', (text, code, hint) => {
    const error = connectionError(new Error(text), 'h:1521/S', [])
    expect(error.code).toBe(code)
    expect(error.hint).toMatch(hint)
  })

  test('a secret in the text of the driver is taken out', () => {
    const error = connectionError(new Error('ORA-01017: no hunter22 here'), 'h', [new Secret('hunter22')])
    expect(`${error.message} ${String(error.cause)}`).not.toContain('hunter22')
  })

  test('a statement is named with what it was about, and not with what it carried', () => {
    const binds = { p_directory: 'D', p_name: 'X_01.dmp', p_data: Buffer.from('secret rows') }
    const error = statementError(
      new Error('ORA-29283: invalid file operation\nORA-06512: at "SYS.UTL_FILE"\nHelp: https://x'),
      READ_FILE_LENGTH,
      binds,
    )
    expect(error.message).toBe("unable to look at server file 'X_01.dmp': ORA-29283: invalid file operation")
    expect(oraOf(error)).toBe(29283)
    expect(error.cause).toBeUndefined()
  })

  test('of several lines the one that says why decides', () => {
    expect(
      explainText(
        'ORA-39002: invalid operation\nORA-39070: Unable to open the log file.\nORA-29283: invalid',
      ),
    ).toMatchObject({
      ora: 29283,
      code: 'unsupported',
    })
    expect(explainText('ORA-39001: invalid argument value').hint).toContain('DBA_DATAPUMP_JOBS')
    expect(jobError('start it', 'ORA-31693: x\nORA-01555: snapshot too old').hint).toContain('undo_retention')
  })

  test('every explanation has a code that exists and a hint that is a sentence', () => {
    for (let ora = 1; ora < 45_000; ora++) {
      const { code, hint } = explainText(`ORA-${String(ora).padStart(5, '0')}: x`)
      expect(ERROR_CODES[code]).toBeDefined()
      expect(hint).toMatch(/^\S.*\.$|^\S.*\)\.$/)
    }
  })
})
