import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFileSinkUrl } from '../../../../src/sinks/file/index.ts'

describe('parseFileSinkUrl', () => {
  test.for([
    ['file:///backups', '/backups'],
    ['file:///backups/mysql/', '/backups/mysql'],
    ['FILE:///backups', '/backups'],
    ['file:///', '/'],
    ['file:///a/../b//c/.', '/b/c'],
    ['file:///with%20space/%3F%23%25', '/with space/?#%'],
  ] as const)('reads %s', ([text, folder]) => {
    expect(parseFileSinkUrl(text)).toEqual({ folder })
  })

  test.for([
    'file://backups/mysql',
    'file:/backups',
    'file:backups',
    's3://bucket',
    'file:///a?b',
    'file:///a#b',
    'file:///%',
    'file:///%00',
    '',
  ])('refuses %s with a hint', (text) => {
    expect(() => parseFileSinkUrl(text)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringMatching(/./) }),
    )
  })

  test('reads back any absolute path', () => {
    const step = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((name) => !/[/\0]/.test(name) && !/^\.\.?$/.test(name))
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        const { folder } = parseFileSinkUrl(`file:///${steps.map(encodeURIComponent).join('/')}`)
        expect(folder).toBe(`/${steps.join('/')}`)
      }),
    )
  })
})
