import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { giveBack } from '../../../src/core/loan.ts'
import { startTime } from '../../../src/core/process-owner.ts'
import { Secret } from '../../../src/core/secret.ts'
import {
  filterTool,
  findTool,
  readTool,
  runTool,
  type ToolCommand,
  writeTool,
} from '../../../src/core/tool.ts'

const { signal } = new AbortController()

function shell(script: string, more: Partial<ToolCommand> = {}): ToolCommand {
  return { name: 'faketool', command: ['/bin/sh'], args: ['-c', script], ...more }
}

async function failureOf(work: Promise<unknown>): Promise<LifeboatError> {
  const thrown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(thrown).toBeInstanceOf(LifeboatError)
  return thrown as LifeboatError
}

describe('readTool', () => {
  test('gives the whole output of a tool that exits 0', async () => {
    expect(Buffer.from(await collect(readTool(shell('printf hello'), signal))).toString()).toBe('hello')
  })

  test('reads into the memory that is given back, and never into what is not', async () => {
    const script = 'i=0; while [ $i -lt 400 ]; do printf %0100000d $i; i=$((i + 1)); done'
    const used = new Set<ArrayBufferLike>()
    let bytes = 0
    for await (const piece of readTool(shell(script), signal)) {
      used.add(piece.buffer)
      bytes += piece.length
      giveBack(piece)
    }
    expect(bytes).toBe(40_000_000)
    expect(used.size).toBeLessThan(8)
    const kept = Buffer.from(await collect(readTool(shell(script), signal))).toString()
    expect(kept).toHaveLength(40_000_000)
    for (let i = 0; i < 400; i += 1) expect(Number(kept.slice(i * 100_000, (i + 1) * 100_000))).toBe(i)
  })

  test('throws at the end when the tool exits 1 after its last byte', async () => {
    const seen: string[] = []
    const failure = await failureOf(
      (async () => {
        for await (const piece of readTool(shell('printf all; echo "table gone" >&2; exit 1'), signal)) {
          seen.push(Buffer.from(piece).toString())
        }
      })(),
    )
    expect(seen.join('')).toBe('all')
    expect(failure.code).toBe('tool-failed')
    expect(failure.message).toContain('exit code 1')
    expect(failure.message).toContain('table gone')
  })

  test('throws when the tool is killed midway', async () => {
    const failure = await failureOf(collect(readTool(shell('printf half; kill -9 $$'), signal)))
    expect(failure.message).toContain('SIGKILL')
  })

  test('throws when the trailer is missing although the tool exits 0', async () => {
    const isComplete = (tail: Buffer) => tail.includes('-- Dump completed')
    const failure = await failureOf(collect(readTool(shell('printf rows'), signal, { isComplete })))
    expect(failure.message).toContain('end-of-dump')
    const whole = collect(
      readTool(shell('head -c 9000 /dev/zero; printf "%s\\n" "-- Dump completed on x"'), signal, {
        isComplete,
      }),
    )
    expect((await whole).length).toBeGreaterThan(9000)
  })

  test('a tool that floods stderr neither blocks nor fills the message', async () => {
    const failure = await failureOf(
      collect(readTool(shell('yes noise | head -c 20000000 >&2; exit 3'), signal)),
    )
    expect(failure.message).toContain('exit code 3')
    expect(failure.message.length).toBeLessThan(2000)
  })

  test('a missing program is tool-missing and says so', async () => {
    const failure = await failureOf(
      collect(readTool({ name: 'nosuch', command: ['/nonexistent/nosuch'], args: [] }, signal)),
    )
    expect(failure.code).toBe('tool-missing')
    expect(failure.hint).toContain('nosuch')
  })

  test('secrets of the tool never show in its error', async () => {
    const tool = shell('echo "denied for hunter2" >&2; exit 1', { secrets: [new Secret('hunter2')] })
    const failure = await failureOf(collect(readTool(tool, signal)))
    expect(failure.message).toContain('denied for [redacted]')
    expect(failure.message).not.toContain('hunter2')
  })

  test('explain turns a known message into code and hint', async () => {
    const explain = (stderr: string) =>
      stderr.includes('Access denied')
        ? ({ code: 'engine-unreachable', hint: 'check the password' } as const)
        : undefined
    const failure = await failureOf(
      collect(readTool(shell('echo "Access denied" >&2; exit 2', { explain }), signal)),
    )
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toBe('check the password')
  })
})

describe('tools that are given up', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tool-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const pidOf = () => vi.waitFor(async () => Number.parseInt(await readFile(join(folder, 'pid'), 'utf8'), 10))
  const gone = (pid: number) =>
    vi.waitFor(async () => expect(await startTime(pid)).toBeUndefined(), { timeout: 10_000 })

  test('an early end of reading terminates the tool', async () => {
    const source = readTool(shell(`echo $$ > ${folder}/pid; exec yes`), signal)
    await source.next()
    await source.return(undefined)
    await gone(await pidOf())
  })

  test('an abort terminates a silent tool and throws the reason', async () => {
    const controller = new AbortController()
    const reading = failureOf(
      collect(readTool(shell(`echo $$ > ${folder}/pid; exec sleep 1000`), controller.signal)),
    )
    const pid = await pidOf()
    controller.abort(new LifeboatError('terminated', 'told to stop'))
    expect((await reading).code).toBe('terminated')
    await gone(pid)
  })

  test('a tool that ignores SIGTERM is killed', { timeout: 20_000 }, async () => {
    const source = readTool(
      shell(`trap "" TERM; echo $$ > ${folder}/pid; yes; while :; do sleep 1; done`),
      signal,
    )
    await source.next()
    const pid = await pidOf()
    await source.return(undefined)
    await gone(pid)
  })
})

describe('what a wrapper script has started, when the tool is given up', { timeout: 20_000 }, () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tool-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const pidOf = () => vi.waitFor(async () => Number.parseInt(await readFile(join(folder, 'pid'), 'utf8'), 10))
  const gone = (pid: number) =>
    vi.waitFor(async () => expect(await startTime(pid)).toBeUndefined(), { timeout: 10_000 })
  /** A shell that waits for a command does not hand on a signal of its own. */
  const wrapped = (script: string) => shell(`/bin/sh -c 'echo $$ > ${folder}/pid; ${script}'; true`)
  async function* endless() {
    while (true) yield Buffer.alloc(65_536)
  }

  test.each<[string, string, (tool: ToolCommand, signal: AbortSignal) => Promise<unknown>]>([
    ['read', 'exec sleep 1000', (tool, signal) => collect(readTool(tool, signal))],
    ['run', 'exec sleep 1000', (tool, signal) => runTool(tool, signal)],
    ['written to', 'exec sleep 1000', (tool, signal) => writeTool(tool, endless(), signal)],
    ['filtered through', 'exec sleep 1000', (tool, signal) => collect(filterTool(tool, endless(), signal))],
    ['deaf to SIGTERM', 'trap "" TERM; while :; do sleep 1; done', (tool, signal) => runTool(tool, signal)],
  ])('ends at an abort: %s', async (_, script, use) => {
    const controller = new AbortController()
    const using = failureOf(use(wrapped(script), controller.signal))
    const pid = await pidOf()
    controller.abort(new LifeboatError('terminated', 'told to stop'))
    expect((await using).code).toBe('terminated')
    await gone(pid)
  })

  test('ends when nobody reads on', async () => {
    const source = readTool(wrapped('echo $$; exec sleep 1000'), signal)
    await source.next()
    await source.return(undefined)
    await gone(await pidOf())
  })

  test('is not waited for where it has made itself a daemon that keeps the outputs open', async () => {
    const controller = new AbortController()
    const script = `(setsid sh -c 'echo $$ > ${folder}/pid; exec sleep 1000' &)`
    const reading = failureOf(collect(readTool(shell(script), controller.signal)))
    const pid = await pidOf()
    try {
      controller.abort(new LifeboatError('terminated', 'told to stop'))
      expect((await reading).code).toBe('terminated')
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  })
})

describe('writeTool', () => {
  async function* pieces(...texts: string[]) {
    for (const text of texts) yield Buffer.from(text)
  }

  test('is done only on exit 0 and returns what the tool said', async () => {
    expect(await writeTool(shell('cat'), pieces('a', 'b'), signal)).toBe('ab')
  })

  test("when stdin breaks, the tool's own error wins over EPIPE", async () => {
    async function* endless() {
      while (true) yield Buffer.alloc(65_536)
    }
    const failure = await failureOf(
      writeTool(shell('head -c 10 >/dev/null; echo "ERROR 1064 at line 7" >&2; exit 1'), endless(), signal),
    )
    expect(failure.message).toContain('ERROR 1064 at line 7')
  })

  test('a tool that leaves early with exit 0 has not read everything: an error', async () => {
    async function* endless() {
      while (true) yield Buffer.alloc(65_536)
    }
    const failure = await failureOf(writeTool(shell('head -c 10 >/dev/null; exit 0'), endless(), signal))
    expect(failure.code).toBe('tool-failed')
  })

  test('an error of the input comes out unchanged, and the tool never sees a clean end', async () => {
    const wrong = new LifeboatError('integrity', 'chunk 7 is damaged')
    async function* broken() {
      yield Buffer.from('half')
      throw wrong
    }
    await expect(writeTool(shell('cat >/dev/null'), broken(), signal)).rejects.toBe(wrong)
  })
})

test('runTool returns stdout; findTool walks the search path', async () => {
  expect(await runTool(shell('echo v1'), signal)).toBe('v1\n')
  expect(await findTool(['nosuch', 'sh'], '/nonexistent:/bin')).toBe('/bin/sh')
  expect(await findTool(['nosuch'], '/bin')).toBeUndefined()
})
