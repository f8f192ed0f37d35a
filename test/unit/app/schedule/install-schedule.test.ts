import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { installSchedule } from '../../../../src/app/schedule/install-schedule.ts'
import { MARK } from '../../../../src/app/schedule/schedule-file.ts'

describe('installSchedule', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-install-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const files = (text: string) => [
    { name: 'a.service', text: `${MARK}\n${text}\n` },
    { name: 'a.timer', text: `${MARK}\n${text}\n` },
  ]

  test('writes, and writes anew, files that all can read', async () => {
    const place = join(folder, 'deep', 'er')
    await installSchedule(place, files('old'))
    expect(await installSchedule(place, files('new'))).toEqual([
      join(place, 'a.service'),
      join(place, 'a.timer'),
    ])
    expect(await readFile(join(place, 'a.timer'), 'utf8')).toContain('new')
    expect((await stat(join(place, 'a.timer'))).mode & 0o777).toBe(0o644)
    expect(await readdir(place)).toHaveLength(2)
  })

  test('replaces none that somebody else wrote, and then writes nothing at all', async () => {
    await writeFile(join(folder, 'a.timer'), '[Timer]\n')
    await expect(installSchedule(folder, files('new'))).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('lifeboat did not write it'),
    })
    expect(await readdir(folder)).toEqual(['a.timer'])
  })

  test('says why where it can not write', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(installSchedule(join(folder, 'file', 'x'), files('new'))).rejects.toMatchObject({
      code: 'config',
      hint: expect.stringContaining('--user'),
    })
    expect(await readdir(folder)).toEqual(['file'])
  })
})
