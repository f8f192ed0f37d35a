import { type BulkLoad, Connection, Request } from 'tedious'

type ConnectionOptions = NonNullable<ConstructorParameters<typeof Connection>[0]['options']>
type BulkLoadOptions = ConstructorParameters<typeof BulkLoad>[3]

export interface TediousOptions {
  readonly port: number
  readonly user?: string
  readonly password?: string
  readonly options?: Omit<ConnectionOptions, 'port'>
}

/** The real driver, connected; rejects as it does. */
export async function connectTedious({ port, user, password, options }: TediousOptions): Promise<Connection> {
  const connection = new Connection({
    server: '127.0.0.1',
    authentication: { type: 'default', options: { userName: user ?? 'sa', password: password ?? 'secret' } },
    options: { encrypt: false, ...options, port },
  })
  // Without a listener a reset would end the process.
  connection.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()))
  })
  return connection
}

export interface TediousResult {
  readonly rows: unknown[][]
  readonly rowCount: number | undefined
  readonly outputs: Record<string, unknown>
}

/** A request that runs: `request` is there to be paused and cancelled, `result` rejects as the driver does. */
export function runTedious(
  connection: Connection,
  sql: string,
  options: {
    readonly as?: 'execSqlBatch' | 'execSql' | 'callProcedure'
    readonly prepare?: (request: Request) => void
    readonly onRow?: (row: unknown[], request: Request) => void
  } = {},
): { readonly request: Request; readonly result: Promise<TediousResult> } {
  const rows: unknown[][] = []
  const outputs: Record<string, unknown> = {}
  const { promise, resolve, reject } = Promise.withResolvers<TediousResult>()
  const request = new Request(sql, (error, rowCount) => {
    if (error) reject(Object.assign(error, { rowsBefore: rows.length }))
    else resolve({ rows, rowCount, outputs })
  })
  request.on('row', (columns: { value: unknown }[]) => {
    const row = columns.map(({ value }) => value)
    if (options.onRow === undefined) rows.push(row)
    else options.onRow(row, request)
  })
  request.on('returnValue', (name: string, value: unknown) => {
    outputs[name] = value
  })
  options.prepare?.(request)
  connection[options.as ?? 'execSqlBatch'](request)
  return { request, result: promise }
}

/** A bulk load by the driver; resolves with the rows that the server says it took. */
export function bulkTedious(
  connection: Connection,
  table: string,
  declare: (load: BulkLoad) => void,
  rows: Iterable<unknown[]> | AsyncIterable<unknown[]>,
  options: BulkLoadOptions = {},
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const load = connection.newBulkLoad(table, options, (error, rowCount) =>
      error ? reject(error) : resolve(rowCount),
    )
    declare(load)
    connection.execBulkLoad(load, rows)
  })
}

/** Runs a request of the driver that only calls back. */
export const done = (start: (callback: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
