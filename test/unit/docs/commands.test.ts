import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { VERBS } from '../../../src/cli/program.ts'
import { commandLines } from './command-lines.ts'
import { type Document, readDocuments, root } from './documents.ts'

const documents = await readDocuments()
const shown = documents.flatMap(commandLines)
const verbs = new Map(
  VERBS.map((create) => {
    const command = create(() => undefined)
    return [command.name(), command]
  }),
)

/** Parses as lifeboat itself does, without doing anything. */
function parse(words: readonly string[]): void {
  const [verb, ...rest] = words
  if (verb === '--help' || verb === '--version') return
  const create = VERBS.find((candidate) => candidate(() => undefined).name() === verb)
  if (create === undefined) throw new Error(`there is no verb '${verb}'`)
  const command: Command = create(() => undefined)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, outputError: () => undefined })
    .allowExcessArguments(false)
    .action(() => undefined)
  try {
    // `…` stands for what the reader knows already.
    command.parse(
      rest.filter((word) => word !== '…'),
      { from: 'user' },
    )
  } catch (thrown) {
    if ((thrown as { exitCode?: number }).exitCode !== 0) throw thrown
  }
}

describe('command lines in the documents', () => {
  test('are found at all', () => {
    expect(shown.length).toBeGreaterThan(15)
    for (const verb of verbs.keys()) expect(shown.map(({ words }) => words[0])).toContain(verb)
  })

  test.each(shown.map(({ where, words }) => [`${where}: lifeboat ${words.join(' ')}`, words] as const))(
    '%s',
    (_, words) => {
      expect(() => parse(words)).not.toThrow()
    },
  )

  test('a wrong one would be noticed', () => {
    expect(() => parse(['dump', '--form', 'x'])).toThrow(/unknown option/)
    expect(() => parse(['dmp'])).toThrow(/no verb/)
    expect(() => parse(['dump', '--codec', 'rar'])).toThrow(/rar/)
    expect(() => parse(['verify', 'one', 'two'])).toThrow(/too many arguments/)
  })
})

describe('verbs that the code speaks of', () => {
  // Those of the plan: a hint must not send anybody to one that is not there yet.
  const planned = 'drill prune schedule config audit report kit assess inventory migrate cutover'.split(' ')
  const missing = planned.filter((verb) => !verbs.has(verb))

  test('are there', async () => {
    const names = (await readdir(join(root, 'src'), { recursive: true })).filter((name) =>
      name.endsWith('.ts'),
    )
    expect(names.length).toBeGreaterThan(50)
    const found = await Promise.all(
      names.map(async (name) => {
        const text = await readFile(join(root, 'src', name), 'utf8')
        return missing
          .filter((verb) => new RegExp(`lifeboat ${verb}\\b`).test(text))
          .map((verb) => `${name}: ${verb}`)
      }),
    )
    expect(found.flat()).toEqual([])
  })
})

describe('every verb and option is documented', () => {
  const code = documents.map(codeOf).join('\n')

  test.each([...verbs.keys()])('%s', (verb) => {
    expect(code).toMatch(new RegExp(`lifeboat ${verb}\\b|\`${verb}\``))
  })

  test.each([
    ...new Set([...verbs.values()].flatMap((command) => command.options.map(({ long }) => long ?? ''))),
  ])('%s', (option) => {
    expect(code).toMatch(new RegExp(`${option}(?![\\w-])`))
  })
})

function codeOf({ blocks, prose }: Document): string {
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([whole]) => whole)
  return [...blocks.map(({ text }) => text), ...inline].join('\n')
}
