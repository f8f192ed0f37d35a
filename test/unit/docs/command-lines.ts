import type { Document } from './documents.ts'

export interface CommandLine {
  readonly where: string
  readonly words: readonly string[]
}

/** Each `lifeboat …` that a document shows: in its `sh` blocks and in code within a sentence. */
export function commandLines(document: Document): readonly CommandLine[] {
  const found: CommandLine[] = []
  for (const { language, text, line } of document.blocks) {
    if (language !== 'sh') continue
    const joined = text.replace(/\\\n\s*/g, ' ')
    for (const one of joined.split('\n')) {
      found.push(...inLine(one).map((words) => ({ where: `${document.path}:${line}`, words })))
    }
  }
  for (const [index, line] of document.prose.split('\n').entries()) {
    for (const [, code = ''] of line.matchAll(/`([^`]+)`/g)) {
      // A message that speaks of lifeboat is no command: those start with its name.
      if (!/^(scripts\/)?lifeboat /.test(code)) continue
      found.push(...inLine(code).map((words) => ({ where: `${document.path}:${index + 1}`, words })))
    }
  }
  return found
}

/** The words after each `lifeboat` that starts a command, quotes taken off, up to what ends it. */
function inLine(line: string): string[][] {
  const commands: string[][] = []
  let command: string[] | undefined
  let starts = true
  for (const token of shellTokens(line)) {
    if (token === END) {
      command = undefined
      starts = true
    } else if (command !== undefined) command.push(token)
    else if (starts && /^(.*\/)?lifeboat$/.test(token)) {
      command = []
      commands.push(command)
    } else if (!/^([A-Za-z_]\w*=.*|sudo)$/.test(token)) starts = false
  }
  return commands
}

const END = Symbol('end of a command')

function* shellTokens(line: string): Generator<string | typeof END> {
  const token = /\s*(?:(#.*$)|(\$\(|[|;&()<>]+)|((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|;&()<>])+))/gy
  for (let match = token.exec(line); match !== null; match = token.exec(line)) {
    if (match[1] !== undefined) return
    if (match[2] !== undefined) yield END
    else yield (match[3] ?? '').replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, '$1$2$3')
  }
}
