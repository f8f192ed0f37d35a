import type {
  TdsBackend,
  TdsColumn,
  TdsEvent,
  TdsLogin,
  TdsParameter,
  TdsSession,
  TdsValue,
} from './backend.ts'

type Events = Iterable<TdsEvent> | AsyncIterable<TdsEvent>

/** What a scripted server says; everything else is an empty answer. */
export interface Script {
  readonly login?: (login: TdsLogin) => void
  readonly batch?: (sql: string, signal: AbortSignal) => Events | undefined
  readonly rpc?: (
    name: string,
    parameters: readonly TdsParameter[],
    signal: AbortSignal,
  ) => Events | undefined
  readonly bulk?: (rows: AsyncIterable<readonly TdsValue[]>) => Events
  readonly transaction?: (request: string, details: { isolation?: string; name?: string }) => void
}

export interface ScriptedBackend extends TdsBackend {
  /** What clients asked for, in order. */
  readonly asked: {
    readonly logins: TdsLogin[]
    readonly batches: string[]
    readonly calls: { readonly name: string; readonly parameters: readonly TdsParameter[] }[]
    readonly bulks: {
      readonly sql: string
      readonly columns: readonly TdsColumn[]
      readonly rows: (readonly TdsValue[])[]
    }[]
    readonly transactions: { readonly request: string; readonly isolation?: string; readonly name?: string }[]
    closed: number
  }
}

/** What drivers send of their own accord after the login. */
const OPENING = /^set (ansi_nulls|textsize) /i

/** A server that knows no SQL: it says what its script says, and keeps what it was asked. */
export function createScriptedBackend(script: Script = {}): ScriptedBackend {
  const asked: ScriptedBackend['asked'] = {
    logins: [],
    batches: [],
    calls: [],
    bulks: [],
    transactions: [],
    closed: 0,
  }
  const session = (database: string): TdsSession => ({
    database,
    async *batch(sql, signal) {
      if (OPENING.test(sql)) {
        yield { kind: 'done' }
        return
      }
      asked.batches.push(sql)
      yield* script.batch?.(sql, signal) ?? [{ kind: 'done' }]
    },
    async *rpc(name, parameters, signal) {
      asked.calls.push({ name, parameters })
      yield* script.rpc?.(name, parameters, signal) ?? []
    },
    async *bulk(sql, columns, rows) {
      const kept: (readonly TdsValue[])[] = []
      asked.bulks.push({ sql, columns, rows: kept })
      if (script.bulk !== undefined) {
        yield* script.bulk(rows)
        return
      }
      for await (const row of rows) kept.push(row)
      yield { kind: 'done', rows: kept.length }
    },
    async transaction(request, details) {
      asked.transactions.push({ request, ...details })
      script.transaction?.(request, details)
    },
    close() {
      asked.closed += 1
    },
  })
  return {
    asked,
    async login(login) {
      asked.logins.push(login)
      script.login?.(login)
      return session(login.database === '' ? 'master' : login.database)
    },
  }
}

/** A result as events. */
export function* resultOf(
  columns: readonly TdsColumn[],
  rows: Iterable<readonly TdsValue[]>,
): Generator<TdsEvent> {
  yield { kind: 'columns', columns }
  let count = 0
  for (const values of rows) {
    count += 1
    yield { kind: 'row', values }
  }
  yield { kind: 'done', rows: count }
}
