import { cloudFault, type Fault } from '../core/cloud-fault.ts'
import { LifeboatError } from '../core/errors.ts'

/** Something that goes wrong: the next `times` calls of an operation after `skip` good ones. */
export interface Strike {
  /** `rds:CopyDBSnapshot`, or `*` for all. */
  readonly operation: string
  readonly region?: string
  /** `lost-answer`: the call is carried out, and whoever made it never hears of it. */
  readonly fault: Fault | 'lost-answer'
  readonly times: number
  readonly skip?: number
}

/** As the process would end there: the suite of the runbooks goes on with a new one. */
export class SimulatedCrash extends Error {
  constructor(point: string) {
    super(`crash at ${point}`)
    this.name = 'SimulatedCrash'
  }
}

export interface Strikes {
  add(strike: Strike): void
  /** Throws, or says that the answer is to be lost. */
  before(operation: string, region: string): 'lost-answer' | undefined
}

export function createStrikes(): Strikes {
  const left: { strike: Strike; skip: number; times: number }[] = []
  return {
    add(strike) {
      left.push({ strike, skip: strike.skip ?? 0, times: strike.times })
    },
    before(operation, region) {
      for (const each of left) {
        const { strike } = each
        if (strike.operation !== '*' && strike.operation !== operation) continue
        if (strike.region !== undefined && strike.region !== region) continue
        if (each.skip > 0) {
          each.skip -= 1
          continue
        }
        if (each.times <= 0) continue
        each.times -= 1
        if (strike.fault === 'lost-answer') return 'lost-answer'
        throw struck(strike.fault, operation, region)
      }
      return undefined
    },
  }
}

const VENDOR_CODES: Readonly<Record<Fault, string>> = {
  throttled: 'Throttling',
  unavailable: 'ServiceUnavailable',
  busy: 'InvalidDBInstanceState',
  denied: 'AccessDenied',
  'not-found': 'NotFound',
  exists: 'AlreadyExists',
  capacity: 'InsufficientDBInstanceCapacity',
  quota: 'QuotaExceeded',
  key: 'KMSKeyNotAccessibleFault',
  invalid: 'InvalidParameterValue',
}

export function struck(fault: Fault, operation: string, region: string, reason?: string): LifeboatError {
  const vendorCode = VENDOR_CODES[fault]
  const message = `unable to call ${operation} in ${region}: ${reason === undefined ? vendorCode : `${vendorCode}: ${reason}`}`
  return cloudFault(fault, message, { operation, region, vendorCode })
}

/** `throttled:rds:CopyDBSnapshot:3` as a person writes it. */
export function parseStrike(text: string): Strike {
  const [, fault, operation, times] = /^([a-z-]+):(\*|[a-z0-9]+:\w+)(?::(\d{1,4}))?$/.exec(text) ?? []
  const known = fault !== undefined && (fault === 'lost-answer' || Object.hasOwn(VENDOR_CODES, fault))
  if (!known || operation === undefined) {
    const faults = ['lost-answer', ...Object.keys(VENDOR_CODES)].join(', ')
    throw new LifeboatError('usage', `unable to simulate fault '${text}': it is not FAULT:OPERATION:TIMES`, {
      hint: `Write it like throttled:rds:CopyDBSnapshot:3; faults are ${faults}.`,
    })
  }
  return { fault: fault as Strike['fault'], operation, times: Number(times ?? 1) }
}
