import { LifeboatError, type LifeboatErrorOptions } from './errors.ts'

/** How a call of a cloud's control plane failed, whatever the vendor calls it. */
export const FAULTS = {
  /** Asked too often: the same call works later. */
  throttled: { transient: true },
  /** No answer, or one of 5xx: refused, black hole, DNS gone, dead region. The call may have been carried out. */
  unavailable: { transient: true },
  /** The thing is in a state that ends by itself: `backing-up`. */
  busy: { transient: true },
  denied: { transient: false },
  'not-found': { transient: false },
  /** Something with this name is there: after a lost answer it may be our own. */
  exists: { transient: false },
  /** InsufficientDBInstanceCapacity: another class or zone may have some. */
  capacity: { transient: false },
  quota: { transient: false },
  /** The key can't be used: disabled, wrong region, not allowed. */
  key: { transient: false },
  /** The call itself is wrong, or what it names can't do this at all. */
  invalid: { transient: false },
} as const satisfies Record<string, { readonly transient: boolean }>

export type Fault = keyof typeof FAULTS

export interface FaultFacts {
  /** `rds:CopyDBSnapshot`. */
  readonly operation: string
  readonly region: string
  /** The vendor's own name: `InsufficientDBInstanceCapacityFault`. */
  readonly vendorCode?: string
  /** By which the vendor's support finds the call. */
  readonly requestId?: string
}

/** Message form as everywhere: `unable to copy snapshot 'x' to eu-central-1: …`. */
export function cloudFault(
  fault: Fault,
  message: string,
  facts: FaultFacts,
  options: Omit<LifeboatErrorOptions, 'details'> = {},
): LifeboatError {
  return new LifeboatError('step-failed', message, { ...options, details: { fault, ...facts } })
}

/** Undefined for what is not a failed call of the control plane. */
export function faultOf(thrown: unknown): Fault | undefined {
  if (!(thrown instanceof LifeboatError)) return undefined
  const fault = thrown.details?.fault
  return typeof fault === 'string' && Object.hasOwn(FAULTS, fault) ? (fault as Fault) : undefined
}

export function isTransient(thrown: unknown): boolean {
  const fault = faultOf(thrown)
  return fault !== undefined && FAULTS[fault].transient
}
