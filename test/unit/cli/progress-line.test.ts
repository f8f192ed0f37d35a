import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createProgressLine } from '../../../src/cli/progress-line.ts'
import type { Probe } from '../../../src/core/engine.ts'

const MB = 1_000_000

function createLine(estimateBytes?: number) {
  let ms = 0
  const line = createProgressLine(() => ms)
  const probe: Probe = {
    flavour: 'MariaDB',
    serverVersion: '10.11',
    identity: {},
    tools: [],
    databases: [],
    findings: [],
    ...(estimateBytes !== undefined && { estimateBytes }),
  }
  line.onEvent({ kind: 'probed', probe })
  return {
    line,
    pass(seconds: number, plainBytes: number) {
      ms += seconds * 1000
      line.onEvent({ kind: 'progress', plainBytes, storedBytes: plainBytes / 4 })
    },
  }
}

describe('with an estimate', () => {
  test('shows part, share, bytes, rate, elapsed and what is left', () => {
    const { line, pass } = createLine(100 * MB)
    line.onEvent({ kind: 'part-started', number: 1, parts: 2, name: 'shop' })
    pass(5, 50 * MB)
    expect(line.text(100)).toBe('part 1 of 2 shop  [========--------] 50%  50 MB  10 MB/s  0:05  ETA 0:05')
  })

  test('never says 100 % before the end, nor an ETA that has passed', () => {
    const { line, pass } = createLine(100 * MB)
    line.onEvent({ kind: 'part-started', number: 1, name: 'shop' })
    pass(5, 150 * MB)
    expect(line.text(100)).toContain(' 99%  150 MB')
    expect(line.text(100)).not.toContain('ETA')
  })
})

test('without an estimate there is no bar and no ETA', () => {
  const { line, pass } = createLine()
  line.onEvent({ kind: 'part-started', number: 3, name: 'shop' })
  pass(10, 20 * MB)
  expect(line.text(100)).toBe('part 3 shop  20 MB  2 MB/s  0:10')
})

test('the rate is that of the last seconds, so that a stall shows', () => {
  const { line, pass } = createLine()
  line.onEvent({ kind: 'part-started', number: 1, name: 'shop' })
  for (let second = 1; second <= 20; second++) {
    pass(1, second * 10 * MB)
    line.text(80)
  }
  expect(line.text(80)).toContain('10 MB/s')
  for (let second = 1; second <= 20; second++) {
    pass(1, 200 * MB)
    line.text(80)
  }
  expect(line.text(80)).toContain('0 B/s')
})

test('it fits any terminal, and no name moves its cursor', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 300 }), fc.string(), fc.nat(2 ** 50), (columns, name, bytes) => {
      const { line, pass } = createLine(2 ** 40)
      line.onEvent({ kind: 'part-started', number: 1, parts: 12, name: `\x1b[2J${name}\r` })
      pass(3, bytes)
      const text = line.text(columns)
      expect(text.length).toBeLessThan(columns)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(text).not.toMatch(/[\x00-\x1f\x7f]/)
    }),
  )
})
