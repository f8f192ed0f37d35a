import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withFileLock } from '../../../../src/app/audit/lock.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { createMovableTime } from '../../../testbed/movable-clock.ts'

const { signal } = new AbortController()
let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-lock-test-'))
  file = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const lock = (clock = systemClock, stop = signal) => withFileLock(file, clock, stop, async () => 'done')
/** Of a process that can't be seen from here. */
const foreign = () => join(folder, `audit.jsonl.lock-00000000-00000000-00000000-77-5-${'0'.repeat(16)}`)

describe('a lock beside a file', () => {
  test('whose owner lives is waited for, within bounds, and its process is named', async () => {
    const time = createMovableTime()
    const waited = withFileLock(file, systemClock, signal, () => time.passUntil(lock(time.clock())))
    await expect(waited).rejects.toMatchObject({
      code: 'locked',
      exitCode: 40,
      message: expect.stringContaining(`process ${process.pid} is writing to it`),
      hint: expect.stringContaining(`${file}.lock-`),
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('is not waited for by whoever is interrupted', async () => {
    const stop = new AbortController()
    await withFileLock(file, systemClock, signal, async () => {
      const waiting = lock(systemClock, stop.signal)
      stop.abort(new LifeboatError('interrupted', 'interrupted by Ctrl-C (SIGINT)'))
      await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('of another host or container counts for two minutes', async () => {
    await writeFile(foreign(), '')
    const time = createMovableTime()
    await expect(time.passUntil(lock(time.clock()))).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('process 77'),
    })
    const before = new Date(Date.now() - 121_000)
    await utimes(foreign(), before, before)
    expect(await lock()).toBe('done')
    expect(await readdir(folder)).toEqual([])
  })

  test('is given back where the work fails', async () => {
    const failing = withFileLock(file, systemClock, signal, async () => {
      expect(await readdir(folder)).toHaveLength(1)
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    expect(await readdir(folder)).toEqual([])
  })
})
