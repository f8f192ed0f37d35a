import { readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Document, readDocument, readDocuments, root } from './documents.ts'

const documents = await readDocuments()
const links = documents.flatMap((document) =>
  [...document.prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => [document.path, target] as const),
)
const files = documents.flatMap((document) =>
  mentionedFiles(document).map((path) => [document.path, path] as const),
)

describe('links', () => {
  test('there are some', () => expect(links.length).toBeGreaterThan(10))

  test.each(links)('%s → %s', async (from, target) => {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? from : normalize(join(dirname(from), path))
    expect(statSync(join(root, file)).isFile()).toBe(true)
    if (anchor === undefined) return
    const { prose } = await readDocument(join(root, file))
    expect([...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))).toContain(anchor)
  })
})

describe('files that are named as code', () => {
  test('there are some', () => expect(files.length).toBeGreaterThan(10))

  test.each(files)('%s names %s', (_, path) => {
    expect(() => readFileSync(join(root, path))).not.toThrow(/ENOENT/)
  })
})

/** `src/core/sink.ts`, `core/sink.ts`: whole names only, no patterns (`src/engines/NAME/index.ts`). */
function mentionedFiles({ prose }: Document): string[] {
  return [...prose.matchAll(/`((?:src|test|scripts|docs|docker|core|\.ci)\/[\w./-]*\w\/?)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => !/NAME/.test(path))
    .map((path) => (path.startsWith('core/') ? `src/${path}` : path))
}

/** As the usual Markdown viewers make them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
