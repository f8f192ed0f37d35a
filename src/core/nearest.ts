/** The hint for a name that is not known: what was likely meant, then all that there is. */
export function knownNames(text: string, known: readonly string[]): string {
  const likely = nearest(text, known)
  const all = `It takes ${known.toSorted().join(', ')}.`
  return likely === undefined ? all : `Did you mean '${likely}'? ${all}`
}

/** The known name that a typo most likely meant; undefined where none is near. */
export function nearest(text: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(text.length / 3)) + 1
  for (const name of known) {
    const steps = distance(text.toLowerCase(), name.toLowerCase())
    if (steps < least) {
      least = steps
      best = name
    }
  }
  return best
}

/** Levenshtein: single letters put in, taken out or replaced. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
