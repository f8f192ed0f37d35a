import { describe, expect, test } from 'vitest'
import { showBytes, showCount, showDuration } from '../../../src/cli/amounts.ts'
import { defaultHint } from '../../../src/cli/default-hint.ts'
import { errorJson, errorText } from '../../../src/cli/print-error.ts'
import { table } from '../../../src/cli/table.ts'
import { ERROR_CODES, type ErrorCode, LifeboatError } from '../../../src/core/errors.ts'

const plain = { color: false, debug: false, columns: undefined }

describe('errors for people', () => {
  test("have what happened, the tool's last lines, and what to do", () => {
    const error = new LifeboatError('tool-failed', "unable to run 'mysqldump': exit code 2\nfirst\nlast", {
      hint: 'Do this.',
    })
    expect(errorText(error, plain)).toBe(
      "error: unable to run 'mysqldump': exit code 2\n  | first\n  | last\nhint: Do this.\n",
    )
  })

  test.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    '%s has a hint even where the error brings none',
    (code) => {
      expect(defaultHint(code)).toMatch(/^[A-Z].*[.]$/)
      expect(errorText(new LifeboatError(code, 'unable to go on'), plain)).toContain(
        `hint: ${defaultHint(code)}`,
      )
    },
  )

  test('hold nothing that moves the cursor or colours the terminal', () => {
    const error = new LifeboatError('tool-failed', 'unable\x1b[2J\x1b[31m to\x07 run\r')
    expect(errorText(error, plain)).toMatch(/^error: unable to run\n/)
  })

  test('show stacks, down to the first cause, only for who asks', () => {
    const error = new LifeboatError('internal', 'unexpected', { cause: new TypeError('the cause') })
    expect(errorText(error, plain)).not.toContain('print.test.ts')
    expect(errorText(error, { ...plain, debug: true })).toMatch(/print\.test\.ts[\s\S]*TypeError: the cause/)
  })
})

test('errors for machines are one line of JSON with all its fields', () => {
  const error = new LifeboatError('sink-full', 'unable to write', { details: { free: 0 } })
  const text = errorJson(error, [{ message: 'careful' }])
  expect(text.indexOf('\n')).toBe(text.length - 1)
  expect(JSON.parse(text)).toEqual({
    error: {
      code: 'sink-full',
      exitCode: 22,
      message: 'unable to write',
      hint: defaultHint('sink-full'),
      details: { free: 0 },
    },
    warnings: [{ message: 'careful' }],
  })
})

test('amounts', () => {
  expect([0, 999, 1000, 1_234_567, 310_000_000, 2.5e12].map(showBytes)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '1.2 MB',
    '310 MB',
    '2.5 TB',
  ])
  expect([0, 9_400, 75_000, 3_675_000].map(showDuration)).toEqual(['0:00', '0:09', '1:15', '1:01:15'])
  expect([showCount(1, 'table'), showCount(12_345, 'row')]).toEqual(['1 table', '12,345 rows'])
})

test('tables align their columns and cut what is too wide', () => {
  const columns = [{ title: 'ID' }, { title: 'JOB', limit: 5 }, { title: 'SIZE', align: 'right' as const }]
  expect(
    table(columns, [
      ['x', 'default', '1 B'],
      ['longer', 'a', '20 GB'],
    ]),
  ).toBe('ID      JOB     SIZE\nx       defa…    1 B\nlonger  a      20 GB\n')
})
