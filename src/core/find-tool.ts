import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** Full path of the first of the names that is on PATH (or is an executable path itself). */
export async function findTool(names: readonly string[], path: string): Promise<string | undefined> {
  for (const name of names) {
    const candidates = isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder, name))
    for (const candidate of candidates) {
      try {
        await access(candidate, constants.X_OK)
        return candidate
      } catch {
        // Not there: the next one.
      }
    }
  }
  return undefined
}
