import type { Module, Named } from '../catalog/model.ts'
import { quoteName, quoteObject } from '../catalog/quote.ts'

/**
 * The module's own text, unchanged where it makes what the catalog shows. sp_rename changes the name but never the
 * text, and a text without a schema means that of whoever ran it: then the name in it is put right. `undefined` for a
 * text in which no name is found.
 */
export function moduleText(module: Module): string | undefined {
  const tokens = headTokens(module.definition)
  const name = nameAt(tokens, afterCreate(tokens))
  if (name === undefined) return undefined
  const databaseTrigger = module.kind === 'database trigger'
  const edits = [
    ...(isRight(name, module, { bare: databaseTrigger })
      ? []
      : [{ ...name, text: databaseTrigger ? quoteName(module.name) : quoteObject(module) }]),
    ...parentEdits(module, tokens, name),
  ]
  // From the back, so that earlier offsets stay right.
  return edits.reduceRight(
    (text, { start, end, text: replacement }) => text.slice(0, start) + replacement + text.slice(end),
    module.definition,
  )
}

interface Token {
  readonly text: string
  readonly start: number
  readonly end: number
}

interface FoundName {
  readonly parts: readonly string[]
  readonly start: number
  readonly end: number
  /** Of the token that follows. */
  readonly next: number
}

/** A trigger's ON table, which may have been renamed as well. */
function parentEdits({ trigger }: Module, tokens: readonly Token[], name: FoundName) {
  if (trigger?.parent === undefined || tokens[name.next]?.text.toUpperCase() !== 'ON') return []
  const parent = nameAt(tokens, name.next + 1)
  if (parent === undefined || isRight(parent, trigger.parent, { bare: false })) return []
  return [{ start: parent.start, end: parent.end, text: quoteObject(trigger.parent) }]
}

/** Schemas are compared without case: one that the text misspells that way was found by the source all the same. */
function isRight(
  { parts }: FoundName,
  { schema, name }: Named,
  { bare }: { readonly bare: boolean },
): boolean {
  if (parts.at(-1) !== name) return false
  if (bare) return parts.length === 1
  if (parts.length === 1) return schema === 'dbo'
  return parts.length === 2 && parts[0]?.toLowerCase() === schema.toLowerCase()
}

const KINDS = ['VIEW', 'PROC', 'PROCEDURE', 'FUNCTION', 'TRIGGER', 'DEFAULT', 'RULE']

/** CREATE [OR ALTER] kind: gives the place of what follows, or -1. */
function afterCreate(tokens: readonly Token[]): number {
  const word = (at: number) => tokens[at]?.text.toUpperCase() ?? ''
  if (word(0) !== 'CREATE') return -1
  const kind = word(1) === 'OR' && word(2) === 'ALTER' ? 3 : 1
  return KINDS.includes(word(kind)) ? kind + 1 : -1
}

function nameAt(tokens: readonly Token[], at: number): FoundName | undefined {
  const first = at < 0 ? undefined : tokens[at]
  if (first === undefined) return undefined
  const parts: string[] = []
  let last = first
  let place = at
  for (;;) {
    const token = tokens[place]
    if (token === undefined) return undefined
    const part = partOf(token.text)
    if (part === undefined) return undefined
    parts.push(part)
    last = token
    place += 1
    if (tokens[place]?.text !== '.') break
    place += 1
  }
  return { parts, start: first.start, end: last.end, next: place }
}

function partOf(text: string): string | undefined {
  // A bracket or a quote by itself is one that is never closed.
  if (text.length > 2 && text.startsWith('[')) return text.slice(1, -1).replaceAll(']]', ']')
  if (text.length > 2 && text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"')
  return /^[\p{L}_@#]/u.test(text) ? text : undefined
}

const TOKEN = /\s+|--[^\r\n]*|(\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[\p{L}_@#][\p{L}\p{N}_@#$]*|[^\s])/gu

/** No head is longer: CREATE OR ALTER kind a.b.c ON a.b.c. */
const MOST_TOKENS = 20

/** The first tokens of a text, without blanks and comments; those in C style may hold others. */
function headTokens(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length && tokens.length < MOST_TOKENS) {
    if (text.startsWith('/*', at)) {
      at = commentEnd(text, at)
      continue
    }
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (match === null) break
    if (match[1] !== undefined) tokens.push({ text: match[1], start: match.index, end: TOKEN.lastIndex })
    at = TOKEN.lastIndex
  }
  return tokens
}

function commentEnd(text: string, start: number): number {
  let depth = 0
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return text.length
}
