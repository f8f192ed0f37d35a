import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBatches, safeBatch, splitBatches } from '../../../../../src/engines/sqlserver/schema/batches.ts'

/** What the server is given in the end: the text itself, or what the EXECUTE of it adds up to. */
function sent(batch: string): string {
  if (!batch.startsWith('DECLARE @batch')) return batch
  const unit = (hex: string) => String.fromCharCode(Number.parseInt(hex.slice(2) + hex.slice(0, 2), 16))
  return [...batch.matchAll(/SET @batch \+= (?:N'((?:[^']|'')*)'|CAST\(0x([0-9a-f]{4}) AS nvarchar\(1\)\))/g)]
    .map((match) => (match[2] === undefined ? (match[1] ?? '').replaceAll("''", "'") : unit(match[2])))
    .join('')
}

const line = fc.oneof(
  fc.constantFrom(
    'GO',
    ' go ',
    'GO 5',
    '/* ',
    '*/',
    "'",
    'exit',
    ':r x',
    '!!ls',
    '$(x)',
    'GOTO a',
    '',
    '\ud800',
  ),
  fc.string({ unit: 'binary' }),
)
const text = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r'))
  .map(([lines, end]) => lines.join(end))

describe('batches', () => {
  it('gives the server every text unchanged, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(text), (batches) => {
        expect(splitBatches(joinBatches(batches)).map(sent)).toEqual(batches)
      }),
    )
  })

  it('leaves nothing in a batch that a sqlcmd would act on, nor what has no UTF-8', () => {
    fc.assert(
      fc.property(text, (batch) => {
        const safe = safeBatch(batch)
        for (const each of safe.split(/[\r\n\u2028\u2029]/)) {
          expect(each).not.toMatch(/^\s*(?:(?:go|exit|quit|reset|ed)(?![\w@$#])|!!|:)/i)
        }
        expect(safe).not.toContain('$(')
        expect(Buffer.from(safe, 'utf8').toString('utf8')).toBe(safe)
        expect(safe).toBe(safeBatch(safe))
      }),
    )
  })

  it('keeps an ordinary batch as it is', () => {
    const batch = "CREATE VIEW v AS -- GO on\nSELECT 'GO' AS a /* x GO */\nGOTO_b"
    expect(joinBatches([batch])).toBe(`${batch}\nGO\n`)
  })

  it('takes a last batch without a GO, and a GO in any case', () => {
    expect(splitBatches('a\n  go \nb\nc')).toEqual(['a', 'b\nc'])
    expect(splitBatches('')).toEqual([])
  })
})
