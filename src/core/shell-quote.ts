/** One word for `sh`, exactly as it is, whatever it holds. Left bare where that is the same, for the reader's sake. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
