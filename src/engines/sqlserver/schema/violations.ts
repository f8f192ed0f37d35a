import { LifeboatError } from '../../../core/errors.ts'
import { isRefusal, reasonOf } from '../catalog/server-error.ts'
import type { Session, SqlRow } from '../session.ts'
import { SHOWN_ROWS } from './script-constraints.ts'
import type { Step } from './step.ts'

/** A constraint that the loaded rows break: tables that were dumped at different moments do not always fit. */
export interface Violation {
  /** `foreign key [fk] on [dbo].[orders]`. */
  readonly constraint: string
  /** The first of them, by their key and the columns that the constraint is about. */
  readonly rows: readonly SqlRow[]
  /** It was made all the same, unchecked. */
  readonly kept: boolean
  /** Why the rows could not be listed. */
  readonly unlisted?: string
}

export async function readViolation(
  session: Session,
  step: Step,
  query: string,
  kept: boolean,
  signal: AbortSignal,
): Promise<Violation> {
  const constraint = `${step.kind} ${step.name}`
  try {
    return { constraint, rows: await session.query(query, signal), kept }
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return { constraint, rows: [], kept, unlisted: reasonOf(thrown) }
  }
}

/** `foreign key [fk] on [dbo].[orders]: id = 7, customer = 12; …`. */
export function violationText({ constraint, rows, unlisted }: Violation): string {
  const shown = rows.map((row) =>
    Object.entries(row)
      .map(([column, value]) => `${column} = ${value === null ? 'NULL' : String(value)}`)
      .join(', '),
  )
  const more = rows.length >= SHOWN_ROWS ? '; and maybe more' : ''
  if (unlisted !== undefined) return `${constraint}: they can not be listed: ${unlisted}`
  return `${constraint}: ${shown.length === 0 ? 'no row is seen any more' : shown.join('; ')}${more}`
}

/** Undefined where all was made, or the rest was asked for. */
export function applyError(
  database: string,
  {
    failures,
    violations,
  }: {
    readonly failures: readonly { readonly what: string; readonly reason: string }[]
    readonly violations: readonly Violation[]
  },
): LifeboatError | undefined {
  const broken = violations.filter(({ kept }) => !kept)
  if (failures.length === 0 && broken.length === 0) return undefined
  const reasons = [
    ...failures.map(({ what, reason }) => `${what}: ${reason}`),
    ...broken.map((violation) => `rows break ${violationText(violation)}`),
  ]
  const count = reasons.length === 1 ? 'one object' : `${reasons.length} objects`
  return new LifeboatError(
    broken.length > 0 && failures.length === 0 ? 'integrity' : 'tool-failed',
    `unable to restore ${count} of database '${database}': ${reasons.join(' | ')}`,
    {
      hint:
        broken.length > 0
          ? 'The rows are loaded; dump with SNAPSHOT isolation for a copy that fits, or restore with violations=keep and mend the rows that are listed.'
          : 'The rows are loaded; mend what the server names and make these objects by hand from the part schema-after.',
      details: {
        failures,
        violations: broken.map(({ constraint, rows }) => ({
          constraint,
          rows: rows.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([key, value]) => [key, value === null ? null : String(value)]),
            ),
          ),
        })),
      },
    },
  )
}
