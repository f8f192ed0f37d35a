import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type OracleConnection, RAW_BYTES } from './connection.ts'
import { oraOf } from './failures.ts'
import {
  APPEND_TO_FILE,
  CREATE_FILE,
  READ_FILE_LENGTH,
  READ_FILE_RAW,
  REMOVE_RUN_FILES,
} from './file-statements.ts'

/** One round trip of reading: opened, read and closed at the server. */
const READ_BYTES = 4 * 1024 * 1024
/** Rows of one round trip of writing: 64 × 32767 bytes are 2 MiB. */
const ROWS_PER_TRIP = 64

/** Undefined where there is no such file. */
export async function fileBytes(
  connection: OracleConnection,
  directory: string,
  name: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const binds = { p_directory: directory, p_name: name }
  const { p_bytes } = await connection.call(READ_FILE_LENGTH, binds, { p_bytes: { type: 'number' } }, signal)
  return typeof p_bytes === 'number' ? p_bytes : undefined
}

/** Ends only after exactly `bytes`: a file that is shorter or longer is not what Data Pump left. */
export async function* readServerFile(
  connection: OracleConnection,
  file: { readonly directory: string; readonly name: string; readonly bytes: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const read = await openReader(connection, file, signal)
  let offset = 0
  while (offset < file.bytes) {
    const piece = await read(offset, Math.min(READ_BYTES, file.bytes - offset), signal)
    if (piece.length === 0) break
    offset += piece.length
    yield piece
  }
  const now = await fileBytes(connection, file.directory, file.name, signal)
  if (offset === file.bytes && now === file.bytes) return
  throw new LifeboatError(
    'tool-failed',
    `unable to read server file '${file.name}': it gave ${offset} bytes, ${now ?? 'none'} are there now, and it had ${file.bytes}`,
    { hint: 'Make sure that nothing else writes to or cleans the directory, then run again.' },
  )
}

type Reader = (offset: number, bytes: number, signal: AbortSignal) => Promise<Uint8Array>

/** By the driver's own BFILE; where it can't (an error that is no ORA-), by RAWs through DBMS_LOB. */
async function openReader(
  connection: OracleConnection,
  { directory, name }: { readonly directory: string; readonly name: string },
  signal: AbortSignal,
): Promise<Reader> {
  const raw: Reader = async (offset, bytes, inner) => {
    const binds = {
      p_directory: directory,
      p_name: name,
      p_offset: offset + 1,
      p_wanted: Math.min(bytes, RAW_BYTES),
    }
    const { p_data } = await connection.call(READ_FILE_RAW, binds, { p_data: { type: 'raw' } }, inner)
    return p_data instanceof Uint8Array ? p_data : new Uint8Array()
  }
  let file: Awaited<ReturnType<OracleConnection['openFile']>>
  try {
    file = await connection.openFile(directory, name, signal)
  } catch (thrown) {
    if (!isDriversOwn(thrown)) throw thrown
    return raw
  }
  let proven = false
  return async (offset, bytes, inner) => {
    if (proven) return await file.read(offset, bytes, inner)
    try {
      const first = await file.read(offset, bytes, inner)
      proven = true
      return first
    } catch (thrown) {
      if (!isDriversOwn(thrown)) throw thrown
      file = { read: raw }
      proven = true
      return await raw(offset, bytes, inner)
    }
  }
}

/** A refusal of the driver (NJS-), with the session alive: not one of the server, not a lost connection. */
function isDriversOwn(thrown: unknown): boolean {
  return thrown instanceof LifeboatError && thrown.code === 'tool-failed' && oraOf(thrown) === undefined
}

/** Resolves with the length that the server says the file has. */
export async function writeServerFile(
  connection: OracleConnection,
  file: { readonly directory: string; readonly name: string },
  input: Bytes,
  signal: AbortSignal,
): Promise<number> {
  const { directory, name } = file
  const names = { p_directory: directory, p_name: name }
  await connection.call(CREATE_FILE, names, {}, signal)
  let written = 0
  let rows: Uint8Array[] = []
  const send = async () => {
    if (rows.length === 0) return
    await connection.callMany(
      APPEND_TO_FILE,
      rows.map((p_data) => ({ ...names, p_data })),
      signal,
    )
    written += rows.reduce((sum, row) => sum + row.length, 0)
    rows = []
  }
  for await (const row of inRows(input)) {
    rows.push(row)
    if (rows.length === ROWS_PER_TRIP) await send()
  }
  await send()
  const bytes = await fileBytes(connection, directory, name, signal)
  if (bytes === written) return written
  throw new LifeboatError(
    'tool-failed',
    `unable to write server file '${name}': ${written} bytes were sent and ${bytes ?? 'none'} are there`,
    { hint: 'Look for room and for cleaners in the directory at the server, then run again with --replace.' },
  )
}

/** Cuts a stream into pieces of RAW_BYTES, the last one shorter. */
export async function* inRows(input: Bytes): AsyncGenerator<Uint8Array> {
  let row = Buffer.alloc(RAW_BYTES)
  let used = 0
  for await (const piece of input) {
    for (let at = 0; at < piece.length; ) {
      const take = Math.min(RAW_BYTES - used, piece.length - at)
      row.set(piece.subarray(at, at + take), used)
      used += take
      at += take
      if (used < RAW_BYTES) continue
      yield row
      row = Buffer.alloc(RAW_BYTES)
      used = 0
    }
  }
  if (used > 0) yield row.subarray(0, used)
}

/** Resolves with how many there were. */
export async function removeRunFiles(
  connection: OracleConnection,
  directory: string,
  run: string,
  signal: AbortSignal,
): Promise<number> {
  const binds = { p_directory: directory, p_run: run }
  const { p_removed } = await connection.call(
    REMOVE_RUN_FILES,
    binds,
    { p_removed: { type: 'number' } },
    signal,
  )
  return Number(p_removed)
}
