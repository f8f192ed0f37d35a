import type { Bytes } from '../../src/core/bytes.ts'
import type { TableCount } from '../../src/core/contents.ts'
import type { Engine, Part } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { orAborted } from '../../src/core/until-aborted.ts'
import { createMemoryEngine, sha256 } from '../testbed/memory-engine.ts'
import { sampleBytes } from '../testbed/sample-bytes.ts'
import type { ChaosFault } from './plan.ts'

/** What the "server" holds at the time of one dump. */
export interface SourceState {
  readonly parts: readonly { readonly name: string; readonly data: Buffer }[]
  readonly tables: readonly TableCount[]
}

/** Another content for each dump, so that one can't pass for another. */
export function sourceState(seed: string, attempt: number, sizes: readonly number[]): SourceState {
  return {
    parts: sizes.map((bytes, position) => ({
      name: `database ${position + 1}`,
      // Half of it compresses.
      data: Buffer.concat([
        sampleBytes(bytes >> 1, `${seed}/${attempt}/${position}`),
        Buffer.alloc(bytes - (bytes >> 1), `row ${attempt} `),
      ]),
    })),
    tables: sizes.map((bytes, position) => ({
      database: `database ${position + 1}`,
      table: 'item',
      rows: bytes + attempt,
    })),
  }
}

export function digestOf({ parts }: SourceState): string {
  return parts.map(({ name, data }) => `${name} ${sha256(data)}`).join('\n')
}

type SourceFault = Extract<ChaosFault, { kind: 'source' }>

/** A memory engine of this content, whose dump goes wrong where the fault says. */
export function createSource({ parts, tables }: SourceState, fault?: SourceFault): Engine {
  const failure = new LifeboatError('tool-failed', "unable to run 'memdump': it exited with 1", {
    hint: 'Look at the server.',
  })
  const engine = createMemoryEngine({
    parts,
    tables,
    finish: () => {
      if (fault?.how === 'fails-at-the-end') throw failure
    },
  })
  if (fault === undefined || fault.how === 'fails-at-the-end') return engine
  return {
    ...engine,
    dump(...asked) {
      const dump = engine.dump(...asked)
      return { ...dump, parts: failingParts(dump.parts) }
    },
  }

  async function* failingParts(sound: AsyncIterable<Part>): AsyncGenerator<Part> {
    const { afterBytes, how } = fault as SourceFault
    let before = 0
    let position = 0
    for await (const part of sound) {
      const from = before
      before += parts[position++]?.data.length ?? 0
      const isHere = from <= afterBytes && (afterBytes < before || position === parts.length)
      yield isHere
        ? { ...part, open: (signal) => cut(part.open(signal), afterBytes - from, how, signal) }
        : part
    }
  }

  async function* cut(
    bytes: Bytes,
    at: number,
    how: SourceFault['how'],
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let room = at
    for await (const piece of bytes) {
      if (piece.length >= room) {
        yield piece.subarray(0, room)
        break
      }
      room -= piece.length
      yield piece
    }
    if (how === 'stalls') await orAborted(new Promise<never>(() => undefined), signal)
    throw failure
  }
}
