import type { Clock } from '../core/clock.ts'
import { LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import type { OnEvent } from './run-event.ts'
import { runVerify, type VerifyReport } from './verify.ts'

export interface VerifyStoredRequest {
  readonly sink: Sink
  readonly job: string
  readonly id: string
  readonly clock: Clock
  readonly onEvent: OnEvent
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
          code === 'integrity'
            ? 'Do not rely on this backup: find out what changes objects at that place, and dump again.'
            : `It is listed, and may well be good: run lifeboat verify ${id} --job ${job} --at ${sink.name} later.`,
        cause: thrown,
        ...(details !== undefined && { details }),
      },
    )
  }
}
