import type { Clock } from '../core/clock.ts'
import { type ErrorCode, LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { OnEvent } from './run-event.ts'
import { runVerify, type VerifyReport } from './verify.ts'

export interface VerifyStoredRequest {
  readonly sink: Sink
  readonly job: string
  readonly id: string
  /** One of these must have signed it. */
  readonly trust?: SignatureTrust
  readonly clock: Clock
  readonly onEvent: OnEvent
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  integrity: 'Do not rely on this backup: find out what changes objects at that place, and dump again.',
  signature: 'A restore would refuse it: let a key sign that is named under signers:, and dump again.',
}

/** Looks at a backup that was just stored, without reading its data. What fails says that the backup itself is there. */
export async function verifyStored(request: VerifyStoredRequest, signal: AbortSignal): Promise<VerifyReport> {
  const { sink, job, id } = request
  try {
    return await runVerify({ ...request, deep: false }, signal)
  } catch (thrown) {
    throwIfAborted(signal)
    const { code, message, details } = toLifeboatError(thrown)
    throw new LifeboatError(
      code,
      `unable to verify backup '${id}' of job '${job}', which was just stored at ${sink.name}: ${message}`,
      {
        hint:
          HINTS[code] ??
          `It is listed, and may well be good: run lifeboat verify ${id} --job ${job} --at ${sink.name} later.`,
        cause: thrown,
        ...(details !== undefined && { details }),
      },
    )
  }
}
