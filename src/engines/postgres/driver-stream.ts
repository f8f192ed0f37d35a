import type pg from 'pg'

/** The driver's typing leaves out its socket, the only thing that can be cut in the middle of a query. */
export function driverStream(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
}

/** Nor does it have the number of the server's process, by which another session can ask about this one. */
export function serverProcess(client: pg.Client): number | null {
  return (client as unknown as { processID: number | null }).processID
}
