import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

export const root = new URL('../../../', import.meta.url).pathname

export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** Line of the opening fence, from 1. */
  readonly line: number
  /** Of a comment `<!-- name -->` right above the fence. */
  readonly name: string | undefined
}

export interface Document {
  /** Relative to the checkout. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly CodeBlock[]
  /** The text without what stands between fences, line numbers kept. */
  readonly prose: string
}

/** Every Markdown file that is ours. */
export async function readDocuments(): Promise<readonly Document[]> {
  const names = await readdir(join(root, 'docs'), { recursive: true })
  const top = (await readdir(root)).filter((name) => name.endsWith('.md'))
  const paths = [...top, ...names.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]
  return Promise.all(paths.sort().map((path) => readDocument(join(root, path))))
}

export async function readDocument(path: string): Promise<Document> {
  const text = await readFile(path, 'utf8')
  const blocks: CodeBlock[] = []
  const prose: string[] = []
  let open: { language: string; line: number; name: string | undefined; lines: string[] } | undefined
  let above = ''
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```\s*(\S*)/.exec(line)
    if (open === undefined && fence === null) {
      prose.push(line)
      if (line.trim() !== '') above = line
      continue
    }
    prose.push('')
    if (open === undefined) {
      const name = /^<!-- ([a-z0-9-]+) -->$/.exec(above.trim())?.[1]
      open = { language: fence?.[1] ?? '', line: index + 1, name, lines: [] }
      above = ''
    } else if (fence === null) open.lines.push(line)
    else {
      const { lines, ...block } = open
      blocks.push({ ...block, text: lines.join('\n') })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a fence is not closed`)
  return { path: relative(root, path), text, blocks, prose: prose.join('\n') }
}
