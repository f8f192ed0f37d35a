import { createReadStream } from 'node:fs'
import { type AuditRecord, NO_RECORD } from '../../core/audit-record.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { digestOf, MOST_LINE_BYTES, parseLine } from './line.ts'

/** What an audit log says of itself. */
export interface WalkedLog {
  readonly file: string
  readonly records: number
  /** Digest of the last record; zeros in an empty log. */
  readonly head: string
  readonly first: string | undefined
  readonly last: string | undefined
  /** Machines whose runs it records. */
  readonly hosts: ReadonlySet<string>
  /** Digests of the records that were asked for, by number. */
  readonly digests: ReadonlyMap<number, string>
  /** Why it can't be what was written, each with its line. */
  readonly problems: readonly string[]
  /** Places at which a writer was cut off, and the next one accounted for it. */
  readonly torn: number
  /** Runs that started, and of which no end is recorded: cut off, or under way. */
  readonly unfinished: readonly UnfinishedRun[]
  /** Bytes at the end that the next writer has yet to account for. */
  readonly cutOffBytes: number
}

export interface UnfinishedRun {
  readonly run: string
  readonly verb: string
  readonly job: string | null
  readonly at: string
  readonly host: string
  readonly pid: number
}

/** Reads an audit log from its start, and compares each record with the one before. */
export async function walkLog(
  file: string,
  wanted: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<WalkedLog> {
  const problems: string[] = []
  const hosts = new Set<string>()
  const digests = new Map<number, string>()
  const unfinished = new Map<string, UnfinishedRun>()
  let [records, head, torn, number] = [0, NO_RECORD, 0, 0]
  let first: string | undefined
  let last: string | undefined
  let stray: Stray | undefined
  for await (const line of readLines(file, signal)) {
    number++
    const record = line.tooLong ? undefined : parseLine(line.bytes)
    if (record === undefined) {
      stray = addStray(stray, number, line)
      continue
    }
    if (record.event === 'torn' && accountsFor(record, stray)) torn++
    else if (stray !== undefined) problems.push(strayText(stray))
    else if (record.event === 'torn') problems.push(`line ${number}: what it accounts for is gone`)
    stray = undefined
    if (record.record !== records + 1) {
      problems.push(
        `line ${number}: record ${records + 1} is expected, not ${record.record}: records were removed or moved`,
      )
    } else if (record.previous !== head) {
      problems.push(
        `line ${number}: record ${record.record} does not follow the one before it: one of the two was altered`,
      )
    }
    records = record.record
    head = digestOf(line.bytes)
    if (wanted.has(records)) digests.set(records, head)
    first ??= record.at
    last = record.at
    if (record.event === 'start') hosts.add(record.who.host)
    note(unfinished, record)
  }
  // Of several lines where the writer that was to account for a first one was cut off itself.
  const cutOffBytes = stray === undefined || stray.ended ? 0 : stray.length
  if (stray !== undefined && cutOffBytes === 0) problems.push(strayText(stray))
  return {
    file,
    records,
    head,
    first,
    last,
    hosts,
    digests,
    problems,
    torn,
    unfinished: [...unfinished.values()],
    cutOffBytes,
  }
}

/** Lines one after the other that are no records. */
interface Stray {
  readonly line: number
  readonly lines: number
  readonly length: number
  readonly ended: boolean
  /** Undefined once they are more than a writer can have left. */
  readonly bytes: Buffer | undefined
}

function addStray(before: Stray | undefined, line: number, { bytes, ended, tooLong }: Line): Stray {
  const raw = ended ? Buffer.concat([bytes, NEWLINE]) : bytes
  const whole = before === undefined ? raw : before.bytes && Buffer.concat([before.bytes, raw])
  return {
    line: before?.line ?? line,
    lines: (before?.lines ?? 0) + 1,
    length: (before?.length ?? 0) + raw.length,
    ended,
    bytes: tooLong || (whole?.length ?? 0) > MOST_LINE_BYTES ? undefined : whole,
  }
}

/** The line's end may be of whoever accounts for it. */
function accountsFor(record: AuditRecord & { event: 'torn' }, stray: Stray | undefined): boolean {
  if (stray?.bytes === undefined) return false
  const { bytes, sha256 } = record
  if (stray.bytes.length !== bytes && stray.bytes.length !== bytes + 1) return false
  return digestOf(stray.bytes.subarray(0, bytes)) === sha256
}

function strayText({ line, lines }: Stray): string {
  return lines === 1
    ? `line ${line}: it is no record, and nothing accounts for it`
    : `lines ${line} to ${line + lines - 1}: they are no records, and nothing accounts for them`
}

function note(unfinished: Map<string, UnfinishedRun>, record: AuditRecord): void {
  if (record.event === 'end') unfinished.delete(record.run)
  if (record.event !== 'start') return
  const { run, verb, job = null, at, who } = record
  unfinished.set(run, { run, verb, job, at, host: who.host, pid: who.pid })
}

interface Line {
  readonly bytes: Buffer
  /** False of a last one without its end. */
  readonly ended: boolean
  /** Its bytes are not all there. */
  readonly tooLong: boolean
}

const NEWLINE = Buffer.from('\n')

async function* readLines(file: string, signal: AbortSignal): AsyncGenerator<Line> {
  let pieces: Buffer[] = []
  let length = 0
  const line = (ended: boolean): Line => ({
    bytes: Buffer.concat(pieces),
    ended,
    tooLong: length > MOST_LINE_BYTES,
  })
  const add = (piece: Buffer) => {
    length += piece.length
    if (length <= MOST_LINE_BYTES) pieces.push(piece)
  }
  try {
    for await (const chunk of createReadStream(file, { signal }) as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        add(chunk.subarray(from, end))
        yield line(true)
        pieces = []
        length = 0
        from = end + 1
      }
      if (from < chunk.length) add(chunk.subarray(from))
    }
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof Error) || !('syscall' in thrown)) throw thrown
    throw new LifeboatError('config', `unable to read audit log '${file}': ${messageOf(thrown)}`, {
      hint: 'Give the path of the log, as a user who may read it.',
      cause: thrown,
    })
  }
  if (length > 0) yield line(false)
}
