/** `GeoLocation.CountryCode` of a record's routing back to what Route 53 takes: `GeoLocation: { CountryCode: 'DE' }`. */
export function unfoldRouting(routing: Readonly<Record<string, string | number>>): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const [path, leaf] of Object.entries(routing)) {
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    let node = tree
    for (const step of steps) {
      const inner = (node[step] ?? {}) as Record<string, unknown>
      node[step] = inner
      node = inner
    }
    node[last] = last === 'MultiValueAnswer' ? leaf === 'true' : leaf
  }
  return tree
}
