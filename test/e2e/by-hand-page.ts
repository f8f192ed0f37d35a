import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { readDocument } from '../unit/docs/documents.ts'

const { blocks } = await readDocument(fileURLToPath(new URL('../../docs/format.md', import.meta.url)))

/** Names of the blocks of docs/format.md that tests run. */
export const blockNames = blocks.flatMap(({ name }) => name ?? [])

export interface ByHandRun {
  /** A scratch folder, as the page asks for. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** Runs blocks of docs/format.md as they stand, in one shell. Resolves with what they print. Throws unless they exit 0. */
export async function runByHand(names: readonly string[], { folder, env }: ByHandRun): Promise<string> {
  const script = names.map((name) => {
    const found = blocks.filter((block) => block.name === name)
    if (found.length !== 1) throw new Error(`docs/format.md has ${found.length} blocks named '${name}'`)
    return `${found[0]?.text}\n`
  })
  const { all } = await execa('bash', ['--noprofile', '--norc', '-u'], {
    input: script.join('\n'),
    cwd: folder,
    env: { LC_ALL: 'C.UTF-8', ...env },
    all: true,
  })
  return all
}

/** The careful way of the page, up to the contents. */
export function carefulWay(sink: 'file' | 's3' | 'ssh'): readonly string[] {
  return [`fetch-${sink}`, 'manifest', 'chunks', 'key', 'plain', 'contents', 'digests']
}
