import { readFile } from 'node:fs/promises'
import { isMap, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { type Config, configSchema } from './schema.ts'

export interface LoadedConfig {
  readonly path: string
  readonly config: Config
}

/** Reads and checks a configuration file. Throws `config` with every mistake in it, each with its line. */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    throw new LifeboatError('config', `unable to read configuration '${path}': ${messageOf(thrown)}`, {
      hint: 'Check the path given with --config, or in LIFEBOAT_CONFIG.',
      cause: thrown,
    })
  }
  return { path, config: parseConfig(text, path) }
}

/** `path` is for messages. */
export function parseConfig(text: string, path: string): Config {
  const lines = new LineCounter()
  // Aliases that multiply ("billion laughs") are bounded by the parser; keys that come twice are its errors.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const broken = document.errors.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`)
  if (broken.length > 0) throw refuse(path, broken)
  const result = configSchema.safeParse(document.toJS() ?? {}, { reportInput: true })
  if (result.success) return result.data
  const lineOf = (steps: readonly PropertyKey[]) => {
    for (let depth = steps.length; depth >= 0; depth--) {
      const found = document.getIn(steps.slice(0, depth), true) as Node | undefined
      const parent = document.getIn(steps.slice(0, Math.max(0, depth - 1)), true)
      const key = isMap(parent)
        ? parent.items.find((pair) => String(pair.key) === String(steps[depth - 1]))?.key
        : undefined
      const range = (key as Node | undefined)?.range ?? found?.range
      if (range != null) return `line ${lines.linePos(range[0]).line}: `
    }
    return ''
  }
  const reasons = result.error.issues.flatMap((issue) => explain(issue, lineOf))
  const line = (reason: string) => Number(/^line (\d+)/.exec(reason)?.[1] ?? 0)
  throw refuse(
    path,
    reasons.toSorted((a, b) => line(a) - line(b)),
  )
}

type Issue = z.core.$ZodIssue

function explain(issue: Issue, lineOf: (steps: readonly PropertyKey[]) => string): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const at = [...issue.path, key]
      return `${lineOf(at)}${named(at)}: there is no such key${meant(key, knownKeys(issue.path))}`
    })
  }
  // A union of "text or object" tells what is wrong with the object, if that was meant.
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.find((errors) =>
      errors.some(({ path }) => path.length > 0 || isUnknown(errors)),
    )
    if (branch !== undefined) {
      return branch.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, lineOf))
    }
  }
  return [`${lineOf(issue.path)}${named(issue.path)}: ${reasonOf(issue)}`]
}

function isUnknown(errors: readonly Issue[]): boolean {
  return errors.some(({ code }) => code === 'unrecognized_keys')
}

function reasonOf(issue: Issue): string {
  if (issue.input === undefined && issue.code !== 'invalid_key') return 'it is missing'
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')} is expected`
  if (issue.code === 'invalid_type') return `${article(issue.expected)} is expected`
  if (issue.code === 'too_big') return `at most ${issue.maximum} is expected`
  if (issue.code === 'too_small') return tooSmall(issue.minimum, issue.origin)
  if (issue.code === 'invalid_union') return unionReason(issue.message)
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join('; ')
  return issue.message
}

function unionReason(message: string): string {
  // zod's own words, where the schema has none.
  return message === 'Invalid input' ? 'a text, or the keys of a source, are expected' : message
}

function tooSmall(minimum: number | bigint, origin: string): string {
  if (origin === 'number' || origin === 'int') return `at least ${minimum} is expected`
  return origin === 'string' ? 'it is empty' : `at least ${minimum} is to be named`
}

function article(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'a text',
    array: 'a list',
    object: 'a group of keys',
    record: 'a group of names',
    boolean: 'true or false',
    int: 'a whole number',
  }
  return words[expected] ?? `a ${expected}`
}

function named(steps: readonly PropertyKey[]): string {
  return steps.length === 0 ? 'the file' : steps.map(String).join('.')
}

function meant(key: string, known: readonly string[]): string {
  const likely = nearest(key, known)
  return `${likely === undefined ? '' : `; did you mean '${likely}'?`} (known: ${known.toSorted().join(', ')})`
}

/** The keys that an object at this place may have, from the schema itself. */
function knownKeys(steps: readonly PropertyKey[]): readonly string[] {
  let schemas: z.ZodType[] = [configSchema]
  for (const step of steps) {
    schemas = schemas.flatMap(unwrap).flatMap((schema) => {
      const def = schema.def as {
        shape?: Record<string, z.ZodType>
        valueType?: z.ZodType
        element?: z.ZodType
      }
      return [def.shape?.[String(step)], def.valueType, def.element].filter((each) => each !== undefined)
    })
  }
  return schemas
    .flatMap(unwrap)
    .flatMap((schema) => Object.keys((schema.def as { shape?: Record<string, unknown> }).shape ?? {}))
}

function unwrap(schema: z.ZodType): z.ZodType[] {
  const def = schema.def as { innerType?: z.ZodType; options?: z.ZodType[] }
  if (def.innerType !== undefined) return unwrap(def.innerType)
  if (def.options !== undefined) return def.options.flatMap(unwrap)
  return [schema]
}

function refuse(path: string, reasons: readonly string[]): LifeboatError {
  return new LifeboatError(
    'config',
    `unable to use configuration '${path}':${reasons.length === 1 ? ' ' : '\n'}${reasons.join('\n')}`,
    { hint: 'Mend the file; docs/configuration.md describes every key.', details: { reasons } },
  )
}
