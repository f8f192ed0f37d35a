import type { Clock } from '../core/clock.ts'
import type { Engine } from '../core/engine.ts'
import { toLifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { Sink } from '../core/sink.ts'
import type { DecodeKeys } from './registry.ts'

export interface DoctorRequest {
  readonly database:
    | { readonly role: 'source' | 'target'; readonly url: string; open(): Promise<Engine> }
    | undefined
  readonly sink:
    | { readonly use: 'write' | 'read'; readonly job: string; readonly url: string; open(): Promise<Sink> }
    | undefined
  readonly recipients: readonly string[]
  /** Undefined where neither a key nor gpg was named. */
  readonly decryption: DecodeKeys | undefined
  readonly searchPath: string
  readonly stateFolder: string
  readonly clock: Clock
}

/** What one check learns for those after it. */
export interface Learned {
  estimateBytes?: number
}

export type Check = AsyncIterable<Finding>

export function failure(topic: string, thrown: unknown): Finding {
  const { code, message, hint } = toLifeboatError(thrown)
  return { level: 'failure', topic, message, code, ...(hint !== undefined && { hint }) }
}
