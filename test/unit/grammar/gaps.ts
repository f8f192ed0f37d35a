/**
 * A construct of the dialect that the grammar at hand does not know. `pattern` describes it in full, after the vendor's own
 * syntax diagram, so that a wrong one is left for the grammar to refuse; `instead` is something of the same place that
 * the grammar does know.
 */
export interface Gap {
  readonly construct: string
  /** The page of the vendor's documentation. */
  readonly source: string
  /** With the flags `giu`. Sees strings and quoted names as `'xxx'` and `[xxx]`: nothing inside them matches. */
  readonly pattern: RegExp
  readonly instead: (...matched: readonly (string | undefined)[]) => string
}

/**
 * Fills the gaps, keeping lines. Patterns are matched on a copy in which the insides of strings, quoted names and comments are
 * blanked out, and what they matched is replaced in the text itself.
 */
export function fillGaps(text: string, gaps: readonly Gap[], blank: (text: string) => string): string {
  let filled = text
  for (const gap of gaps) {
    const blanked = blank(filled)
    let result = ''
    let end = 0
    for (const match of blanked.matchAll(gap.pattern)) {
      const original = filled.slice(match.index, match.index + match[0].length)
      const instead = gap.instead(...match)
      // Columns of what follows stay right, where there is room.
      result += filled.slice(end, match.index) + instead.padEnd(original.length)
      end = match.index + original.length
    }
    filled = result + filled.slice(end)
  }
  return filled
}
