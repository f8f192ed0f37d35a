import { SqlError } from './sql-error.ts'

/** Something that goes wrong with a statement whose text matches. */
export interface Fault {
  readonly match: RegExp
  /** How often; always, if it isn't said. */
  times?: number
  /** Rows that get through first, in or out. */
  readonly afterRows?: number
  readonly error?: { readonly number: number; readonly message: string; readonly severity?: number }
  readonly disconnect?: boolean
  readonly stall?: boolean
  readonly delayMs?: number
  /** Called when it strikes: a test waits for it instead of sleeping. */
  readonly onHit?: () => void
}

export interface Faults {
  readonly list: Fault[]
  /** `sys.periods`: answered as missing, as by a server of another make. */
  readonly hiddenViews: Set<string>
  /** `sys.tables.temporal_type` */
  readonly hiddenColumns: Set<string>
  /** Every login is answered so. */
  refuseLogins: { readonly number: number; readonly message: string } | null
  /** What a missing view is answered with; Babelfish says 33557097. */
  missingView: { readonly number: number; readonly message: (name: string) => string }
}

export function createFaults(): Faults {
  return {
    list: [],
    hiddenViews: new Set(),
    hiddenColumns: new Set(),
    refuseLogins: null,
    missingView: { number: 208, message: (name) => `Invalid object name '${name}'.` },
  }
}

export function faultFor(faults: Faults, text: string): Fault | undefined {
  const fault = faults.list.find((each) => each.match.test(text) && each.times !== 0)
  if (fault?.times !== undefined) fault.times -= 1
  return fault
}

export function faultError(fault: Fault): SqlError | undefined {
  if (fault.error === undefined) return undefined
  const { number, message, severity } = fault.error
  return new SqlError(number, message, { endsBatch: true, ...(severity === undefined ? {} : { severity }) })
}
