import type { Bytes } from '../../core/bytes.ts'
import { createDeferredViews } from './deferred-views.ts'
import { createDumpScanner } from './dump-scanner.ts'
import { cutToLength } from './excerpt.ts'
import type { Rewriter } from './rewrite.ts'

/** Both forms: `/*!999999\- enable the sandbox mode *\/` of May 2024, and `/*M!999999\-…` since. */
const SANDBOX = /^\/\*M?!999999\\-[^\n]*\n/

export interface LoadStream {
  /** The dump as it is fed to the client. */
  through(input: Bytes): Bytes
  /** The beginning of the statement that started at or before a line of what was fed. */
  statementAt(line: number): string | undefined
}

const REMEMBERED = 4096

/**
 * Turns what was dumped into what is loaded: without the line that switches MariaDB's client into its sandbox, which
 * older clients and all of Oracle's stop at, and with each statement but INSERT rewritten. Rows pass untouched.
 */
export function createLoadStream(rewriter: Rewriter): LoadStream {
  const starts: { line: number; text: string }[] = []
  let line = 1
  let database = ''
  const views = createDeferredViews()
  let out: Buffer[] = []

  function put(bytes: Buffer): void {
    out.push(bytes)
    for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) line += 1
  }
  function remember(text: string): void {
    starts.push({ line, text: database === '' ? text : `${text} (in ${database})` })
    if (starts.length > REMEMBERED) starts.splice(0, REMEMBERED / 2)
  }

  const scanner = createDumpScanner({
    filler: put,
    statement(bytes, backslashEscapes) {
      const use = /^USE\s+(`(?:[^`]|``)*`)/i.exec(bytes.toString('latin1', 0, 512))?.[1]
      if (use !== undefined) database = Buffer.from(use, 'latin1').toString('utf8')
      remember(cutToLength(bytes.toString('utf8', 0, 400), 160))
      const rewritten = rewriter.rewrite(bytes, backslashEscapes)
      if (rewritten !== undefined) put(views.take(rewritten, database))
    },
    insert({ table }) {
      remember(`INSERT INTO \`${table}\``)
    },
    data: put,
  })

  return {
    async *through(input) {
      let head: Buffer | undefined = Buffer.alloc(0)
      const take = () => {
        const ready = out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out)
        out = []
        return ready
      }
      for await (const piece of input) {
        if (head === undefined) scanner.push(piece)
        else {
          head = Buffer.concat([head, piece])
          if (!head.includes(0x0a) && head.length < 256) continue
          scanner.push(withoutSandbox(head))
          head = undefined
        }
        if (out.length > 0) yield take()
      }
      if (head !== undefined) scanner.push(withoutSandbox(head))
      scanner.end()
      const rest = views.rest()
      if (rest.length > 0) {
        remember('a view WITH CHECK OPTION, created again at the end')
        put(rest)
      }
      if (out.length > 0) yield take()
    },
    statementAt(wanted) {
      return starts.findLast((start) => start.line <= wanted)?.text
    },
  }
}

function withoutSandbox(head: Buffer): Buffer {
  const found = SANDBOX.exec(head.toString('latin1', 0, 256))
  // The line break stays, so that line numbers are those of the dump.
  return found === null ? head : head.subarray(found[0].length - 1)
}
