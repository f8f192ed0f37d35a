import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

function reasonsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'lifeboat.yaml')
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(LifeboatError)
    const { code, details } = thrown as LifeboatError
    expect(code).toBe('config')
    return details?.reasons as readonly string[]
  }
  throw new Error('the text was taken')
}

describe('parseConfig', () => {
  test('finds every mistake at once, each with its line and the nearest name', () => {
    const reasons = reasonsOf(`version: 1
jobs:
  shop:
    source: { url: 'mysql://x', pasword: env:X }
    sinks: [far]
    recipient: [x]
    level: 99
    codec: lzma
    timeouts: { stal: 3h, run: later }
  bad/name: { source: x }
keys:
  a: { public: 3 }
sinks:
  far: { url: '', password: hunter2 }
`)
    expect(reasons).toEqual([
      expect.stringMatching(/^line 4: jobs\.shop\.source\.pasword: .* did you mean 'password'\?/),
      expect.stringMatching(/^line 6: jobs\.shop\.recipient: .* did you mean 'recipients'\?/),
      'line 7: jobs.shop.level: at most 19 is expected',
      'line 8: jobs.shop.codec: one of gzip, zstd, none is expected',
      expect.stringMatching(/^line 9: jobs\.shop\.timeouts\.run: a time is expected/),
      expect.stringMatching(/^line 9: jobs\.shop\.timeouts\.stal: .* did you mean 'stall'\?/),
      "line 10: jobs.bad/name: letters, digits, '.', '_' and '-' only",
      'line 12: keys.a.public: a text is expected',
      'line 14: sinks.far.url: it is empty',
      expect.stringMatching(/^line 14: sinks\.far\.password: a reference to the secret is expected/),
    ])
    // Whoever writes the secret itself there must not find it in a log.
    expect(reasons.join()).not.toContain('hunter2')
  })

  test.for([
    ['', /version: it is missing/],
    ['version: 2', /version: one of 1 is expected/],
    ['- a list', /the file: a group of keys is expected/],
    ['jobs: [', /line 1: .*\]/],
    ['version: 1\nversion: 1', /line 2: .*unique/],
    ['version: 1\njobs:\n  a: {}', /line 3: jobs\.a\.source: it is missing/],
    ['version: 1\njobs:\n  a: { source: 3 }', /line 3: jobs\.a\.source: a text, or the keys of a source/],
    ['version: 1\ndefaults: { source: x }', /line 2: defaults\.source: there is no such key/],
    ['version: 1\ndefaults: { sinks: [] }', /line 2: defaults\.sinks: at least 1 is to be named/],
  ] as const)('refuses %j', ([text, reason]) => {
    expect(reasonsOf(text).join('\n')).toMatch(reason)
  })

  test('takes the example of the document', async () => {
    const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''
    expect(Object.keys(parseConfig(example, 'example').jobs ?? {})).toEqual(['shop', 'ledger'])
  })

  test('the document names every key of the schema', async () => {
    const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    const names = new Set<string>()
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return
      const { properties = {}, ...rest } = schema as { properties?: Record<string, unknown> }
      for (const [name, value] of Object.entries(properties)) {
        names.add(name)
        walk(value)
      }
      for (const value of Object.values(rest)) walk(value)
    }
    walk(configJsonSchema())
    expect(names.size).toBeGreaterThan(15)
    for (const name of names) expect(page).toMatch(new RegExp(`\\b${name}\\b`))
  })

  test('docs/lifeboat.schema.json is the schema of the code', async () => {
    const file = await readFile(new URL('../../../docs/lifeboat.schema.json', import.meta.url), 'utf8')
    expect(parse(file), 'write it anew: scripts/lifeboat config schema > docs/lifeboat.schema.json').toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    )
  })
})
