import type oracledb from 'oracledb'

/** "Immediate" in the driver's own network layer. */
const NSFIMM = 0x40

/** The driver's typing leaves out its socket, the only thing that can be cut in the middle of a call. */
export function dropSession(session: oracledb.Connection): void {
  const inner = session as unknown as { _impl?: { nscon?: { disconnect(type: number): void } } }
  inner._impl?.nscon?.disconnect(NSFIMM)
}
