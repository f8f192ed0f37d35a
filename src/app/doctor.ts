import type { Clock } from '../core/clock.ts'
import { throwIfAborted } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { checkBucket } from './doctor-bucket.ts'
import { type Check, type DoctorRequest, failure, type Learned } from './doctor-check.ts'
import { checkDatabase } from './doctor-database.ts'
import { checkKeys } from './doctor-keys.ts'
import { checkClock, checkState, checkTools } from './doctor-machine.ts'
import { checkSinkReadable, checkSinkWritable } from './doctor-sink.ts'

/** Looks at everything that a run will need, and goes on after a failure: one call finds all that is wrong. */
export async function* runDoctor(request: DoctorRequest, signal: AbortSignal): AsyncGenerator<Finding> {
  const learned: Learned = {}
  const { database, sink } = request
  yield* guarded('clock', checkClock(request.clock), signal)
  if (database === undefined) yield* guarded('tools', checkTools(request.searchPath, signal), signal)
  else yield* guarded('database', checkDatabase(database, learned, signal), signal)
  if (sink !== undefined) {
    if (sink.use === 'write') yield* guarded('state folder', checkState(request.stateFolder), signal)
    const check =
      sink.use === 'write'
        ? checkSinkWritable(sink, learned, request.clock, signal)
        : checkSinkReadable(sink, request.decryption, signal)
    yield* guarded('sink', check, signal)
    if (sink.use === 'write') yield* guarded('bucket', checkBucket(sink.url, database?.url, signal), signal)
  }
  yield* guarded('keys', checkKeys(request, signal), signal)
}

/** The places of a job's copies, which must take what the first takes. */
export async function* checkCopies(
  sinks: readonly NonNullable<DoctorRequest['sink']>[],
  databaseUrl: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  for (const sink of sinks) {
    yield* guarded('sink', checkSinkWritable(sink, {}, clock, signal), signal)
    yield* guarded('bucket', checkBucket(sink.url, databaseUrl, signal), signal)
  }
}

/** A check that throws is a failure of its topic, and the next one runs all the same. */
export async function* guarded(topic: string, check: Check, signal: AbortSignal): AsyncGenerator<Finding> {
  try {
    yield* check
  } catch (thrown) {
    throwIfAborted(signal)
    yield failure(topic, thrown)
  }
}
