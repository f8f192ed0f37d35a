import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorText } from '../../../src/cli/print-error.ts'
import { wrap } from '../../../src/cli/wrap.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

describe('wrapping', () => {
  test('breaks at blanks, indents what follows, and leaves words whole', () => {
    expect(wrap('one two three /a/very/long/path four', 12, '  ')).toBe(
      'one two\n  three\n  /a/very/long/path\n  four',
    )
  })

  test('keeps the margin of a line that has one', () => {
    expect(wrap('    one two three', 12, '  ')).toBe('    one two\n      three')
  })

  test.each([
    'aws rds promote-read-replica --region eu-central-1 --db-instance-identifier x --backup-retention-period 7',
    '   lifeboat migrate promote-replica --source eu-west-1 --target eu-central-1 --db shop',
    'GROUP_1=$(aws ec2 create-security-group --region eu-central-1 --query GroupId --output text)',
  ])('leaves a line for a shell whole: %s', (line) => {
    expect(wrap(`a b c\n${line}\nd e f`, 3, '  ')).toContain(`\n${line}\n`)
  })

  test('leaves a line for a shell whole where a sentence ends with it', () => {
    const line = 'lifeboat migrate promote-replica --resume 20261122T210500Z-k3f9 --confirm'
    expect(wrap(`hint: Then go on where it stopped: ${line}`, 24, '  ')).toBe(
      `hint: Then go on where\n  it stopped:\n  ${line}`,
    )
    expect(wrap(`stopped: ${line}`, 12, '')).toBe(`stopped:\n${line}`)
  })

  test('leaves a log alone', () => {
    expect(wrap('one two three', undefined, '  ')).toBe('one two three')
  })

  test('neither loses nor adds a word, and fills no line beyond the edge but with one word', () => {
    const words = fc.array(fc.stringMatching(/^[a-z/]{1,20}$/), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 100 }), (list, columns) => {
        const wrapped = wrap(list.join(' '), columns, '  ')
        expect(wrapped.split(/\s+/)).toEqual(list)
        for (const line of wrapped.split('\n')) {
          expect(line.length <= columns || !line.trim().includes(' ')).toBe(true)
        }
      }),
    )
  })
})

test('an error on a terminal is broken between words, its label painted', () => {
  const error = new LifeboatError(
    'tool-failed',
    'unable to run it: exit code 2\nthe last words of the tool',
    {
      hint: 'Do this now.',
    },
  )
  expect(errorText(error, { color: true, debug: false, columns: 20 })).toBe(
    '\x1b[31merror:\x1b[0m unable to run\n  it: exit code 2\n' +
      '  | the last words\n  | of the tool\n\x1b[36mhint:\x1b[0m Do this now.\n',
  )
})
