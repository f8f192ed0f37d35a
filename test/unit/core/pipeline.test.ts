import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { runPipeline, type Transform } from '../../../src/core/pipeline.ts'

const { signal } = new AbortController()

const upper: Transform = async function* (input) {
  for await (const piece of input) yield Buffer.from(Buffer.from(piece).toString().toUpperCase())
}

async function read(input: Bytes): Promise<string> {
  let text = ''
  for await (const piece of input) text += Buffer.from(piece).toString()
  return text
}

function source(closed: string[], ...steps: (string | Error)[]) {
  return async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (const step of steps) {
        if (step instanceof Error) throw step
        yield Buffer.from(step)
      }
    } finally {
      closed.push('source')
    }
  }
}

describe('runPipeline', () => {
  test('returns what the last function returns', async () => {
    expect(await runPipeline(source([], 'a', 'b'), [upper], read, signal)).toBe('AB')
  })

  test('an error of the source wins over what the sink makes of it', async () => {
    const wrong = new LifeboatError('tool-failed', 'exit code 1')
    const wrapping = async (input: Bytes) => {
      try {
        return await read(input)
      } catch {
        throw new Error('upload failed')
      }
    }
    await expect(runPipeline(source([], 'a', wrong), [upper], wrapping, signal)).rejects.toBe(wrong)
  })

  test('an error of the sink closes the source and is thrown', async () => {
    const closed: string[] = []
    const wrong = new LifeboatError('sink-full', 'no space')
    const failing = async (input: Bytes) => {
      for await (const _piece of input) throw wrong
    }
    await expect(runPipeline(source(closed, 'a', 'b'), [upper], failing, signal)).rejects.toBe(wrong)
    expect(closed).toEqual(['source'])
  })

  test('a sink that fails without touching its input still closes the source and aborts its signal', async () => {
    let aborted: AbortSignal | undefined
    async function* waiting(inner: AbortSignal): AsyncGenerator<Uint8Array> {
      aborted = inner
      yield Buffer.from('a')
    }
    const wrong = new Error('refused')
    await expect(runPipeline(waiting, [], () => Promise.reject(wrong), signal)).rejects.toBe(wrong)
    expect(aborted?.aborted ?? true).toBe(true)
  })

  test('the reason of an abort is what is thrown', async () => {
    const controller = new AbortController()
    const reason = new LifeboatError('interrupted', 'Ctrl-C')
    const waiting = (_input: Bytes, inner: AbortSignal) =>
      new Promise<never>((_, reject) => {
        inner.addEventListener('abort', () => reject(new Error('socket closed')))
        controller.abort(reason)
      })
    await expect(runPipeline(source([], 'a'), [], waiting, controller.signal)).rejects.toBe(reason)
  })

  test('a transform that throws is reported, and the source closed', async () => {
    const closed: string[] = []
    const wrong = new Error('cipher broke')
    const breaking: Transform = async function* (input) {
      for await (const piece of input) {
        yield piece
        throw wrong
      }
    }
    await expect(runPipeline(source(closed, 'a', 'b'), [breaking], read, signal)).rejects.toBe(wrong)
    expect(closed).toEqual(['source'])
  })
})
