import type { TdsEvent, TdsParameter } from '../backend.ts'
import { createCursor } from './cursor.ts'
import { faultError, faultFor } from './faults.ts'
import { asSqlError, errorEvent } from './outgoing.ts'
import { call, type Passed } from './procedures.ts'
import type { Context } from './session.ts'
import { SqlError } from './sql-error.ts'
import { endTransaction, type SessionState } from './state.ts'

export async function* runRpc(
  session: SessionState,
  name: string,
  parameters: readonly TdsParameter[],
  signal: AbortSignal,
  prepared: Map<number, { sql: string; declarations: string }>,
): AsyncGenerator<TdsEvent> {
  session.variables = new Map()
  const context: Context = { signal, depth: 0, guarded: false }
  const outputs: { name: string; type: TdsParameter['type']; value: TdsParameter['value'] }[] = []
  const passed = parameters.map(
    (parameter): Passed => ({
      name: parameter.name,
      value: parameter.value,
      type: parameter.type,
      ...(parameter.output
        ? {
            give: (value: TdsParameter['value'], type: TdsParameter['type']) =>
              void outputs.push({ name: parameter.name, type, value }),
          }
        : {}),
    }),
  )
  const status = { value: 0 as TdsParameter['value'] }
  try {
    const lower = name.toLowerCase()
    if (lower === 'sp_prepare') {
      const handle = prepared.size + 1
      prepared.set(handle, {
        declarations: String(parameters[1]?.value ?? ''),
        sql: String(parameters[2]?.value ?? ''),
      })
      yield {
        kind: 'return-value',
        name: parameters[0]?.name ?? '',
        type: { name: 'int', length: 4 },
        value: handle,
      }
    } else if (lower === 'sp_unprepare') prepared.delete(Number(parameters[0]?.value))
    else {
      let args = passed
      let procedure = createCursor(name).names()
      if (lower === 'sp_execute' || lower === 'sp_prepexec') {
        const text =
          lower === 'sp_execute'
            ? prepared.get(Number(parameters[0]?.value))
            : { declarations: String(parameters[1]?.value ?? ''), sql: String(parameters[2]?.value ?? '') }
        if (text === undefined)
          throw new SqlError(8179, `Could not find prepared statement with handle ${parameters[0]?.value}.`)
        if (lower === 'sp_prepexec') {
          prepared.set(prepared.size + 1, text)
          yield {
            kind: 'return-value',
            name: parameters[0]?.name ?? '',
            type: { name: 'int', length: 4 },
            value: prepared.size,
          }
        }
        const type = { name: 'nvarchar', length: -1 }
        args = [
          { name: '', value: text.sql, type },
          { name: '', value: text.declarations, type },
          ...passed.slice(lower === 'sp_execute' ? 1 : 3),
        ]
        procedure = ['sp_executesql']
      }
      session.server.log.push(procedure.at(-1) === 'sp_executesql' ? String(args[0]?.value ?? '') : name)
      const fault = procedure.at(-1) === 'sp_executesql' ? undefined : faultFor(session.server.faults, name)
      if (fault !== undefined) {
        fault.onHit?.()
        if (fault.disconnect) yield { kind: 'disconnect' }
        if (fault.stall) yield { kind: 'stall' }
        const error = faultError(fault)
        if (error !== undefined) throw error
      }
      yield* call(session, procedure, args, context, status)
      if (session.trancount === 0) endTransaction(session, true)
    }
    for (const output of outputs) yield { kind: 'return-value', ...output }
    yield { kind: 'return-status', value: Number(status.value ?? 0) }
    yield { kind: 'done' }
  } catch (thrown) {
    const error = asSqlError(thrown)
    if (session.trancount === 0 || session.xactAbort) endTransaction(session, false)
    yield errorEvent(session, error, error.line)
    yield { kind: 'return-status', value: -6 }
    yield { kind: 'done' }
  }
}
