import { LifeboatError } from '../../../core/errors.ts'
import { joinBatches, safeBatch, splitBatches } from './batches.ts'

/**
 * What it means if a step fails. `stop`: nothing after it can be right. `collect`: the restore goes on and fails at its
 * end. `retry`: it may need another of its run, so it is tried again after these; then it is reported like `report`.
 */
export type OnFailure = 'stop' | 'collect' | 'retry' | 'report'

/** One object, or one fact about it, with the batches that make it in order. */
export interface Step {
  /** `table`, `foreign key`, `user` … */
  readonly kind: string
  /** As a person knows it: `[dbo].[orders]`. */
  readonly name: string
  readonly onFailure: OnFailure
  readonly batches: readonly string[]
  /** Error numbers that say that it is there already. */
  readonly exists?: readonly number[]
  /** What to do if the batches fail, with what is lost then. */
  readonly otherwise?: { readonly batch: string; readonly lost: string }
  /** Of a constraint: the rows that break it, and the batch that makes it without looking at them. */
  readonly violations?: { readonly rows: string; readonly unchecked: string }
  /** Of a user: the login it belonged to. */
  readonly login?: string
}

const MARK = '-- lifeboat '

/** Settings under which tables, computed columns, filtered indexes and indexed views can be made; sqlcmd's differ. */
export const SETTINGS = [
  'SET ANSI_NULLS ON',
  'SET ANSI_PADDING ON',
  'SET ANSI_WARNINGS ON',
  'SET ARITHABORT ON',
  'SET CONCAT_NULL_YIELDS_NULL ON',
  'SET QUOTED_IDENTIFIER ON',
  'SET NUMERIC_ROUNDABORT OFF',
].join('\n')

export const settingsStep: Step = {
  kind: 'settings',
  name: 'session',
  onFailure: 'stop',
  batches: [SETTINGS],
}

/** A text for sqlcmd, in which a comment before each step says what lifeboat needs to know of it. */
export function writeSteps(steps: readonly Step[]): string {
  return joinBatches(
    steps.flatMap(({ batches: [first = '', ...rest], ...facts }) => [
      `${MARK}${headerText({ ...facts, batches: 1 + rest.length })}\n${safeBatch(first)}`,
      ...rest,
    ]),
  )
}

type Header = Omit<Step, 'batches'> & { readonly batches: number }

/** In one line, and nothing in it that sqlcmd would replace. */
function headerText(header: Header): string {
  return JSON.stringify(header).replace(
    /[^ -~]|\$/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The steps of a text that writeSteps wrote. */
export function readSteps(text: string): readonly Step[] {
  const batches = splitBatches(text)
  const steps: Step[] = []
  for (let at = 0; at < batches.length; ) {
    const first = batches[at] ?? ''
    const end = first.indexOf('\n')
    if (!first.startsWith(MARK) || end < 0) throw unreadable('a batch is without its heading')
    const { batches: count, ...facts } = readHeader(first.slice(MARK.length, end))
    const rest = batches.slice(at + 1, at + count)
    if (rest.length < count - 1) throw unreadable('its last step is cut')
    steps.push({ ...facts, batches: [first.slice(end + 1), ...rest] })
    at += count
  }
  return steps
}

/** What a newer lifeboat may have added is not understood, and so refused: it may change what a step means. */
function readHeader(text: string): Header {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch (thrown) {
    throw unreadable('a heading is no JSON', thrown)
  }
  if (!isHeader(header)) throw unreadable(`a heading is not understood: ${text.slice(0, 200)}`)
  return header
}

const isText = (value: unknown) => typeof value === 'string'
const isTexts = (value: unknown, keys: readonly string[]) =>
  typeof value === 'object' &&
  value !== null &&
  keys.every((key) => isText((value as Readonly<Record<string, unknown>>)[key]))

const HEADER: Readonly<Record<keyof Header, (value: unknown) => boolean>> = {
  kind: isText,
  name: isText,
  onFailure: (value) => ['stop', 'collect', 'retry', 'report'].includes(String(value)),
  batches: (value) => Number.isInteger(value) && Number(value) > 0,
  exists: (value) => value === undefined || (Array.isArray(value) && value.every(Number.isInteger)),
  otherwise: (value) => value === undefined || isTexts(value, ['batch', 'lost']),
  violations: (value) => value === undefined || isTexts(value, ['rows', 'unchecked']),
  login: (value) => value === undefined || isText(value),
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  return (
    Object.entries(HEADER).every(([key, holds]) => holds(fields[key])) &&
    Object.keys(fields).every((key) => key in HEADER)
  )
}

function unreadable(reason: string, cause?: unknown): LifeboatError {
  return new LifeboatError('integrity', `unable to read the schema of the backup: ${reason}`, {
    hint: 'Restore with the version of lifeboat that made the backup, or run the part by hand with sqlcmd -x -i.',
    cause,
  })
}
