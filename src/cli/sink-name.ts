/** As the configuration names its sinks. A URL has a scheme, a path a slash. */
export function isSinkName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)
}
