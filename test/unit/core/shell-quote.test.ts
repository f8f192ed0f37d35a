import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellQuote } from '../../../src/core/shell-quote.ts'

test('sh reads any words back as they were', () => {
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.constantFrom("'", "''", '$(x)', '`', '\\', '!', '-n', '~', '')), {
        minLength: 1,
      }),
      (words) => {
        const script = `printf '%s\\0' ${words.map(shellQuote).join(' ')}`
        expect(execFileSync('sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual(words)
      },
    ),
    { numRuns: 50 },
  )
})
