import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { filterTool, type ToolCommand } from '../../../src/core/tool.ts'
import { childProcesses } from '../../testbed/child-processes.ts'
import { inPieces, sampleBytes, thenStall, thenThrow } from '../../testbed/sample-bytes.ts'

const signal = new AbortController().signal
const shell = (script: string, more: Partial<ToolCommand> = {}): ToolCommand => ({
  name: 'filter',
  command: ['sh', '-c', script],
  args: [],
  ...more,
})
const plain = sampleBytes(3_000_000)

describe('a filter', () => {
  it('passes all bytes through, more than pipes hold', async () => {
    expect(plain.equals(await collect(filterTool(shell('cat'), inPieces(plain), signal)))).toBe(true)
  })

  it('throws at its end when the tool fails after its last byte', async () => {
    const bytes = filterTool(shell('cat; echo it is broken >&2; exit 3'), inPieces(plain), signal)
    await expect(collect(bytes)).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('it is broken'),
    })
  })

  it('does not trust a tool that read only the beginning', async () => {
    const bytes = filterTool(shell('head -c 100'), inPieces(plain), signal)
    await expect(collect(bytes)).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('did not read'),
    })
  })

  it('wants the word of completion where there is one', async () => {
    const options = { isComplete: (stderr: string) => stderr.includes('STATUS done') }
    const said = shell('cat; echo STATUS done >&2')
    expect(plain.equals(await collect(filterTool(said, inPieces(plain), signal, options)))).toBe(true)
    const silent = shell('cat; echo STATUS half; echo for people >&2', { statusLine: /^STATUS / })
    await expect(collect(filterTool(silent, inPieces(plain), signal, options))).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/did not finish\nfor people$/),
    })
  })

  it('throws the error of its input, not what the tool makes of it', async () => {
    const lost = new Error('connection lost')
    await expect(collect(filterTool(shell('cat'), thenThrow(plain, lost), signal))).rejects.toBe(lost)
  })

  it('ends the tool when the reader leaves, and when it is aborted while the input stalls', async () => {
    for await (const _ of filterTool(shell('exec cat'), inPieces(plain), signal)) break
    const abort = new AbortController()
    const { body, stalled } = thenStall(plain)
    const outcome = collect(filterTool(shell('exec cat'), body, abort.signal)).catch(
      (thrown: unknown) => thrown,
    )
    await stalled
    const reason = new LifeboatError('interrupted', 'enough')
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    expect((await childProcesses()).filter(({ command }) => command.startsWith('cat'))).toEqual([])
  })
})
