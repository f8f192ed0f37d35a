import type { CliLine } from './runbook.ts'
import { shellQuote } from './shell-quote.ts'

/** As a shell takes it. */
export function shellLine({ argv, assign }: CliLine): string {
  const words = argv
    .map((word) => (/^\$[A-Z][A-Z0-9_]*$/.test(word) ? `"${word}"` : shellQuote(word)))
    .join(' ')
  return assign === undefined ? words : `${assign}=$(${words})`
}
