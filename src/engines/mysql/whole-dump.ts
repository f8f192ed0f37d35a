import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { readDump, wholeArguments } from './dump-command.ts'
import type { ServerAccess } from './server-access.ts'
import type { SourceFacts } from './source-facts.ts'
import { NAMES_LINE, SINGLE_BYTES, WRONG_NAMES_LINE, wholeToolCharset } from './tool-charset.ts'
import type { Tool } from './tools.ts'

export interface WholeDump {
  readonly access: ServerAccess
  readonly tool: Tool
  readonly facts: SourceFacts
}

/** The line is in the first KiB. */
const HEAD_BYTES = 64 * 1024

/** All databases by one run of the dump tool, which may be told single bytes: what comes is the same, byte for byte. */
export async function* readWhole({ access, tool, facts }: WholeDump, signal: AbortSignal): Bytes {
  // Over plain TCP a tool behind a wrapper may not reach a port of this machine.
  if (!access.toolsUseSocket || wholeToolCharset(tool, access.user) !== SINGLE_BYTES) {
    const file = await access.optionFile(tool, signal)
    yield* readDump(tool, file, wholeArguments(tool, facts), signal)
    return
  }
  const { gate, ...file } = await access.gatedOptionFile(tool, { shared: false, singleBytes: true }, signal)
  await using open = gate
  let inUtf8 = false
  open.reached.then(
    () => {
      inUtf8 = true
    },
    // Its reason is in the refusal.
    () => undefined,
  )
  try {
    yield* withTrueHead(tool, readDump(tool, file, wholeArguments(tool, facts, SINGLE_BYTES), signal))
  } catch (thrown) {
    throw signal.aborted ? thrown : (open.refusal() ?? thrown)
  }
  const refusal = open.refusal()
  if (refusal !== undefined) throw refusal
  if (!inUtf8) throw unlike(tool, 'it ended without asking for a snapshot')
}

/** What the tool says of the character set is what it was told; what it writes is UTF-8. */
async function* withTrueHead(tool: Tool, input: Bytes): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const piece of input) {
    if (head === undefined) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    const at = head.indexOf(`\n${WRONG_NAMES_LINE}`) + 1
    if (at > 0) {
      const rest = head.subarray(at + WRONG_NAMES_LINE.length)
      yield Buffer.concat([head.subarray(0, at), Buffer.from(NAMES_LINE), rest])
      head = undefined
    } else if (head.length > HEAD_BYTES) throw unlike(tool, 'its head names no character set')
  }
  if (head !== undefined) throw unlike(tool, 'its head names no character set')
}

function unlike(tool: Tool, reason: string): LifeboatError {
  return new LifeboatError('unsupported', `unable to trust the output of '${tool.name}': ${reason}`, {
    hint: 'Install a dump tool of the same release as the server, and report the version of this one.',
  })
}
