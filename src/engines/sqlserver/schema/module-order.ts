import type { Module, ModuleKind } from '../catalog/model.ts'

const RANKS: Readonly<Record<ModuleKind, number>> = {
  default: 0,
  rule: 0,
  function: 1,
  view: 2,
  procedure: 3,
  trigger: 4,
  'database trigger': 5,
}

/** What a module refers to comes before it, as far as the server knows; else by kind, and as they were made. */
export function sortModules(modules: readonly Module[]): readonly Module[] {
  const byId = new Map(modules.map((module) => [module.objectId, module]))
  const sorted: Module[] = []
  const seen = new Set<number>()
  const visit = (first: Module) => {
    // By hand rather than by recursion: views over views can be nested deeper than the stack.
    const stack: { readonly module: Module; readonly rest: number[] }[] = []
    const enter = (module: Module) => {
      if (seen.has(module.objectId)) return
      seen.add(module.objectId)
      stack.push({ module, rest: [...module.dependsOn] })
    }
    enter(first)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.shift()
      if (next === undefined) {
        sorted.push(top.module)
        stack.pop()
        continue
      }
      const dependency = byId.get(next)
      if (dependency !== undefined) enter(dependency)
    }
  }
  const byKind = [...modules].sort((a, b) => RANKS[a.kind] - RANKS[b.kind] || a.objectId - b.objectId)
  for (const module of byKind) visit(module)
  return sorted
}

/** These and all that they refer to. */
export function closureOf(modules: readonly Module[], ids: Iterable<number>): ReadonlySet<number> {
  const byId = new Map(modules.map((module) => [module.objectId, module]))
  const found = new Set<number>(ids)
  // A Set visits what is added while it is walked.
  for (const id of found) for (const each of byId.get(id)?.dependsOn ?? []) found.add(each)
  return found
}
