/** Columns to fill, undefined where the stream is no terminal: a log keeps each message on one line. */
export function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns || 80 : undefined
}

/**
 * Breaks lines at blanks, never in a word: what is longer than a line (a path, a URL) stays whole, so that it can be
 * copied. Further lines of each line begin with `indent`. A line for a shell is left to the terminal: pasted, the first piece of a
 * broken one would be run as it is.
 */
export function wrap(text: string, columns: number | undefined, indent = ''): string {
  if (columns === undefined) return text
  return text
    .split('\n')
    .map((line) => wrapLine(line, columns, indent))
    .join('\n')
}

const FOR_A_SHELL = /^ *([A-Z][A-Z0-9_]*=\$\(|(aws|lifeboat|mysql|psql|sqlcmd|printf|gpg|dig|for) )/
/** `Then go on where it stopped: lifeboat migrate …` */
const ENDS_WITH_ONE = /^(.*?:) ((?:aws|lifeboat) .*)$/

function wrapLine(line: string, columns: number, indent: string): string {
  if (line.length <= columns || FOR_A_SHELL.test(line)) return line
  const margin = /^ */.exec(line)?.[0] ?? ''
  const [, sentence, command] = ENDS_WITH_ONE.exec(line) ?? []
  if (sentence !== undefined && command !== undefined)
    return `${wrapLine(sentence, columns, indent)}\n${margin}${indent}${command}`
  const lines: string[] = []
  let current = ''
  for (const word of line.slice(margin.length).split(' ')) {
    const start = lines.length === 0 ? margin : margin + indent
    if (current === '') current = start + word
    else if (current.length + 1 + word.length <= columns) current += ` ${word}`
    else {
      lines.push(current)
      current = margin + indent + word
    }
  }
  return [...lines, current].join('\n')
}
