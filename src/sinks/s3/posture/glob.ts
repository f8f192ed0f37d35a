/** Patterns of IAM: `*` is any text, `?` one character. */

/** Whether the pattern matches this very text. */
export function globMatches(pattern: string, text: string): boolean {
  return positionsAfter(pattern, text).has(pattern.length)
}

/** Whether the pattern matches the text with whatever may follow it: `start`, `start1`, `start/2` … */
export function globCoversAllFrom(pattern: string, start: string): boolean {
  return pattern.endsWith('*') && globMatches(pattern, start)
}

/** Whether there is a text beginning with `start` that the pattern matches. */
export function globMayMatchFrom(pattern: string, start: string): boolean {
  return positionsAfter(pattern, start).size > 0
}

/** Every place in the pattern at which a reader of the text may stand: no backtracking, so no pattern takes long. */
function positionsAfter(pattern: string, text: string): ReadonlySet<number> {
  let here = withStars(pattern, [0])
  for (const character of text) {
    const next: number[] = []
    for (const at of here) {
      const wanted = pattern[at]
      if (wanted === '*') next.push(at)
      else if (wanted === '?' || pattern.startsWith(character, at)) {
        next.push(at + (wanted === '?' ? 1 : character.length))
      }
    }
    here = withStars(pattern, next)
  }
  return here
}

/** A star may stand for nothing at all. */
function withStars(pattern: string, starts: readonly number[]): Set<number> {
  const all = new Set<number>()
  for (let at of starts) {
    all.add(at)
    while (pattern[at] === '*') all.add(++at)
  }
  return all
}
