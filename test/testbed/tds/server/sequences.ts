import type { TdsType, TdsValue } from '../backend.ts'
import { requireObject } from './names.ts'
import type { Compiled } from './scope.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { BIGINT } from './types.ts'
import { castValue } from './values.ts'

/** NEXT VALUE FOR: not undone by a rollback. */
export function takeSequenceValue(session: SessionState, name: readonly string[]): Compiled {
  const { database, object } = requireObject(session, name)
  const { sequence } = object
  if (sequence === undefined) throw new SqlError(11726, `Object '${object.name}' is not a sequence object.`)
  return {
    type: sequence.type,
    nullable: false,
    eval() {
      const state = database.sequenceValues.get(object.id) ?? { value: sequence.start, used: false }
      let next = state.used ? state.value + sequence.increment : state.value
      if (next > sequence.maximum || next < sequence.minimum) {
        if (!sequence.cycle)
          throw new SqlError(
            11728,
            `The sequence object '${object.name}' has reached its minimum or maximum value. Restart the sequence object to allow new values to be generated.`,
          )
        next = sequence.increment > 0n ? sequence.minimum : sequence.maximum
      }
      database.sequenceValues.set(object.id, { value: next, used: true })
      return castValue(next, BIGINT, sequence.type)
    },
  }
}

/** sp_sequence_get_range: the first of so many values, of which the last one is the current value from now on. */
export function takeSequenceRange(
  session: SessionState,
  name: readonly string[],
  size: bigint,
): { readonly value: TdsValue; readonly type: TdsType } {
  const { database, object } = requireObject(session, name)
  const { sequence } = object
  if (sequence === undefined) throw new SqlError(11726, `Object '${object.name}' is not a sequence object.`)
  if (size < 1n) throw new SqlError(11725, 'The range size must be greater than zero.')
  const state = database.sequenceValues.get(object.id) ?? { value: sequence.start, used: false }
  const first = state.used ? state.value + sequence.increment : state.value
  const last = first + (size - 1n) * sequence.increment
  if (
    first > sequence.maximum ||
    last > sequence.maximum ||
    first < sequence.minimum ||
    last < sequence.minimum
  )
    throw new SqlError(
      11732,
      `The requested range for sequence object '${object.name}' exceeds the maximum or minimum limit. Retry with a smaller range.`,
    )
  database.sequenceValues.set(object.id, { value: last, used: true })
  return { value: castValue(first, BIGINT, sequence.type), type: sequence.type }
}
