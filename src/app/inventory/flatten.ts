/** What a thing is like, by paths such as `storage.gib` and `parameters.max_connections.value`. */
export type Flat = ReadonlyMap<string, string>

/** By which of their fields things in a list are told apart, whatever their order. */
const NAMES = ['name', 'id', 'instanceId', 'clusterArn'] as const

/**
 * Leaves out what changes by itself, by the last step of its path. Lists of plain values count as sets, as do those of things that
 * have no name, such as rules: a path holds their text.
 */
export function flatten(thing: unknown, leaveOut: ReadonlySet<string>): Flat {
  const flat = new Map<string, string>()
  walk(thing, '', leaveOut, flat)
  return flat
}

function walk(value: unknown, path: string, leaveOut: ReadonlySet<string>, flat: Map<string, string>): void {
  if (value === undefined || value === null) return
  if (value instanceof Date) {
    flat.set(path, value.toISOString())
    return
  }
  if (typeof value !== 'object') {
    flat.set(path, String(value))
    return
  }
  if (Array.isArray(value)) {
    walkList(value, path, leaveOut, flat)
    return
  }
  for (const [key, inner] of Object.entries(value)) {
    if (!leaveOut.has(key)) walk(inner, path === '' ? key : `${path}.${key}`, leaveOut, flat)
  }
}

function walkList(
  list: readonly unknown[],
  path: string,
  leaveOut: ReadonlySet<string>,
  flat: Map<string, string>,
): void {
  const plain = list.filter((each) => typeof each !== 'object')
  if (plain.length > 0) flat.set(path, plain.map(String).sort().join(', '))
  for (const each of list) {
    if (typeof each !== 'object' || each === null) continue
    const key = NAMES.find((name) => name in each)
    if (key === undefined) flat.set(`${path}: ${textOf(each)}`, 'there')
    else {
      const { [key]: name, ...rest } = each as Record<string, unknown>
      flat.set(`${path}.${String(name)}`, 'there')
      walk(rest, `${path}.${String(name)}`, leaveOut, flat)
    }
  }
}

/** `protocol tcp, fromPort 5432`. */
function textOf(thing: object): string {
  return [...flatten(thing, new Set())]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}
