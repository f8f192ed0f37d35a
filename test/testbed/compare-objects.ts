export interface ObjectDifference {
  readonly object: string
  /** Undefined where one side does not have it. */
  readonly source: string | undefined
  readonly restored: string | undefined
}

/** What two servers don't have alike, by object. */
export function compareObjects(
  source: ReadonlyMap<string, string>,
  restored: ReadonlyMap<string, string>,
): readonly ObjectDifference[] {
  const names = new Set([...source.keys(), ...restored.keys()])
  return [...names]
    .filter((name) => source.get(name) !== restored.get(name))
    .map((object) => ({ object, source: source.get(object), restored: restored.get(object) }))
}
