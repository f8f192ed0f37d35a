import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createValuesScanner } from '../../../../src/engines/mysql/values-scanner.ts'

/** Letter by letter, as slow and plain as can be. */
function countPlainly(bytes: Buffer): { at: number; rows: number; ended: 'statement' | 'line' | undefined } {
  let rows = 0
  let within = false
  for (let at = 0; at < bytes.length; at += 1) {
    const letter = String.fromCharCode(bytes[at] as number)
    if (within) {
      if (letter === '\\') at += 1
      else if (letter === "'") within = false
    } else if (letter === "'") within = true
    else if (letter === ')') rows += 1
    else if (letter === ';') return { at: at + 1, rows, ended: 'statement' }
    else if (letter === '\n') return { at: at + 1, rows, ended: 'line' }
  }
  return { at: bytes.length, rows, ended: undefined }
}

// Long and short stretches by turns, so that both ways to read meet at every border.
const stretch = fc
  .tuple(
    fc.constantFrom(
      "('',''),",
      "(1,'a'),",
      "('it\\'s'),",
      `('${'x'.repeat(700)}'),`,
      `('${'y'.repeat(5000)}\\\\'),`,
      `('${'\\\\'.repeat(2100)}\\''),`,
      `('${"\\'".repeat(300)});\\n'),`,
      `(0x${'AB'.repeat(400)},'z'),`,
      `(${'1,'.repeat(900)}2),`,
      `('${');,('.repeat(500)}'),`,
    ),
    fc.integer({ min: 1, max: 40 }),
  )
  .map(([piece, times]) => piece.repeat(times))

test('counts as letter by letter, wherever the bytes are cut, and for short and long values by turns', () => {
  fc.assert(
    fc.property(
      fc.array(stretch, { maxLength: 8 }),
      fc.constantFrom(';', '\n', ''),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }),
      (stretches, end, sizes) => {
        const bytes = Buffer.from(`${stretches.join('')}${end}`)
        const scanner = createValuesScanner()
        scanner.reset()
        let at = 0
        let rows = 0
        let ended: string | undefined
        for (let index = 0; at < bytes.length && ended === undefined; index += 1) {
          const piece = bytes.subarray(at, at + (sizes[index % sizes.length] ?? 1))
          const scan = scanner.read(piece, 0)
          at += scan.at
          rows += scan.rows
          ended = scan.ended
        }
        expect({ at, rows, ended }).toEqual(countPlainly(bytes))
      },
    ),
    { numRuns: 200 },
  )
})
