import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'

/*
 * A custom-format archive has no trailer: cut between two blocks it looks whole. What it does have is a table of
 * contents at its front that says which entries have data, so the end is whole when a block of each has been seen to its
 * own end. Layout: src/bin/pg_dump/pg_backup_archiver.c (WriteHead, WriteToc) and pg_backup_custom.c of PostgreSQL.
 */

const BLOCK_DATA = 1
const BLOCK_LARGE_OBJECTS = 3
const OLDEST = 65536 + 12 * 256
const WITH_TABLE_ACCESS_METHOD = 65536 + 14 * 256
const WITH_COMPRESSION_ALGORITHM = 65536 + 15 * 256
const WITH_RELATION_KIND = 65536 + 16 * 256
const NEWEST_MAJOR = 1

/** Passes an archive through. Throws `tool-failed` at its end where data that its contents promise is missing. */
export async function* checkArchive(input: Bytes): AsyncGenerator<Uint8Array> {
  const parser = readArchive()
  parser.next()
  for await (const piece of input) {
    parser.next(piece)
    yield piece
  }
  parser.next(undefined)
}

/** Asks for more with `yield`; undefined is the end of the input. Keeps one piece, skips data without copying it. */
function* readArchive(): Generator<undefined, void, Uint8Array | undefined> {
  let piece: Uint8Array = new Uint8Array()
  let at = 0

  function* more(): Generator<undefined, boolean, Uint8Array | undefined> {
    const next = yield
    if (next === undefined) return false
    piece = next
    at = 0
    return true
  }
  function* byte(): Generator<undefined, number, Uint8Array | undefined> {
    while (at >= piece.length) if (!(yield* more())) throw cutShort()
    return piece[at++] as number
  }
  function* skip(bytes: number): Generator<undefined, void, Uint8Array | undefined> {
    let left = bytes
    while (left > piece.length - at) {
      left -= piece.length - at
      if (!(yield* more())) throw cutShort()
    }
    at += left
  }
  function* integer(): Generator<undefined, number, Uint8Array | undefined> {
    const negative = (yield* byte()) !== 0
    let value = 0
    for (let power = 0; power < integerBytes; power += 1) value += (yield* byte()) * 256 ** power
    return negative ? -value : value
  }
  function* text(): Generator<undefined, boolean, Uint8Array | undefined> {
    const bytes = yield* integer()
    if (bytes > 0) yield* skip(bytes)
    return bytes >= 0
  }
  function* chunks(): Generator<undefined, void, Uint8Array | undefined> {
    for (let bytes = yield* integer(); bytes !== 0; bytes = yield* integer()) {
      if (bytes < 0) throw notAnArchive('a block has a negative length')
      yield* skip(bytes)
    }
  }

  for (const expected of Buffer.from('PGDMP')) {
    if ((yield* byte()) !== expected) throw notAnArchive('it does not start with PGDMP')
  }
  const [major, minor, revision] = [yield* byte(), yield* byte(), yield* byte()]
  const version = major * 65536 + minor * 256 + revision
  if (major !== NEWEST_MAJOR || version < OLDEST) throw notAnArchive(`format ${major}.${minor} is unknown`)
  const integerBytes = yield* byte()
  const offsetBytes = yield* byte()
  yield* skip(1)
  if (version >= WITH_COMPRESSION_ALGORITHM) yield* skip(1)
  else yield* integer()
  for (let field = 0; field < 7; field += 1) yield* integer()
  for (let field = 0; field < 3; field += 1) yield* text()

  const missing = new Set<number>()
  const entries = yield* integer()
  for (let entry = 0; entry < entries; entry += 1) {
    const id = yield* integer()
    if ((yield* integer()) !== 0) missing.add(id)
    // Its oids, tag and description; then section; then three statements, schema and tablespace.
    for (let field = 0; field < 4; field += 1) yield* text()
    yield* integer()
    for (let field = 0; field < 5; field += 1) yield* text()
    if (version >= WITH_TABLE_ACCESS_METHOD) yield* text()
    if (version >= WITH_RELATION_KIND) yield* integer()
    // Owner and the flag of old for oids; then what it depends on, up to a missing text.
    for (let field = 0; field < 2; field += 1) yield* text()
    while (yield* text());
    yield* skip(1 + offsetBytes)
  }

  for (;;) {
    while (at >= piece.length) {
      if (yield* more()) continue
      if (missing.size > 0) throw cutShort()
      return
    }
    const kind = yield* byte()
    missing.delete(yield* integer())
    if (kind === BLOCK_DATA) yield* chunks()
    else if (kind === BLOCK_LARGE_OBJECTS) while ((yield* integer()) !== 0) yield* chunks()
    else throw notAnArchive(`a block is of unknown kind ${kind}`)
  }
}

const HINT = 'The dump is not whole and was not stored. Check the connection to the database and run again.'

function cutShort(): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    "unable to trust the output of 'pg_dump': it ended well but its archive is cut short",
    { hint: HINT },
  )
}

function notAnArchive(reason: string): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to trust the output of 'pg_dump': it is no archive in custom format (${reason})`,
    { hint: HINT },
  )
}
