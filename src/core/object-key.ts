import { randomBytes } from 'node:crypto'
import { LifeboatError } from './errors.ts'

/** What a sink with file names calls an object that is being written: never listed, removed by a sweep. */
const TEMP_PREFIX = '.lifeboat-tmp-'
const TEMP_NAME = /^\.lifeboat-tmp-[0-9a-f]{16}-(.+)$/s
/** File systems take names of 255 bytes, of which a temp name adds 31. */
const MOST_STEP_BYTES = 200

/** A name beside the object's own, which it holds: so a sweep finds what belongs to a key. */
export function newTempName(step: string): string {
  return `${TEMP_PREFIX}${randomBytes(8).toString('hex')}-${step}`
}

/** The name that the object was to have, or undefined for what is no temp name. */
export function tempNameOf(name: string): string | undefined {
  return TEMP_NAME.exec(name)?.[1]
}

/**
 * The steps of a key, for sinks that map them to folders. A key that leads elsewhere is refused: keys may come from
 * a stored list, and what is stored may be forged.
 */
export function keySteps(key: string): readonly string[] {
  const steps = key.split('/')
  for (const step of steps) {
    const reason =
      step === ''
        ? 'a step of it is empty'
        : step === '.' || step === '..'
          ? `the step '${step}' leads elsewhere`
          : step.startsWith(TEMP_PREFIX)
            ? `names with '${TEMP_PREFIX}' are for objects that are being written`
            : // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
              /[\x00-\x1f\x7f]/.test(step)
              ? 'it holds a control character'
              : Buffer.byteLength(step) > MOST_STEP_BYTES
                ? `a step of it has more than ${MOST_STEP_BYTES} bytes`
                : undefined
    if (reason !== undefined) {
      throw new LifeboatError('usage', `unable to use object key ${JSON.stringify(key)}: ${reason}`, {
        hint: 'Nothing was read or written; if the key comes from a stored backup, that backup was tampered with.',
      })
    }
  }
  return steps
}

/** The folder that holds everything with the prefix, as steps: those of `a/b/` and of `a/b/c` are a, b. */
export function prefixFolder(prefix: string): readonly string[] {
  const end = prefix.lastIndexOf('/')
  return end === -1 ? [] : keySteps(prefix.slice(0, end))
}

export interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
}

/** Puts the entries of a folder in the order of the whole keys below it: a folder counts with its slash. */
export function inKeyOrder<T extends FolderEntry>(entries: readonly T[]): readonly T[] {
  const bytes = (entry: T) => Buffer.from(entry.isFolder ? `${entry.name}/` : entry.name)
  return entries
    .map((entry) => ({ entry, bytes: bytes(entry) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry)
}

/** Can a folder hold keys with the prefix? `folder` ends in a slash, or is the empty root. */
export function mayHold(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder)
}
