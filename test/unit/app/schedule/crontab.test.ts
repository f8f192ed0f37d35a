import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { toCrontab } from '../../../../src/app/schedule/crontab.ts'
import { SHOP, scheduled } from './schedules.ts'

const run = promisify(execFile)
const lineOf = (text: string) => text.split('\n').find((line) => /^\d/.test(line)) ?? ''

describe('toCrontab', () => {
  test('has a line for each job, in five fields', () => {
    const jobs = scheduled(`${SHOP}\n  wiki: { source: mysql://wiki, schedule: '@daily' }`, 'wiki')
    const { text } = toCrontab(jobs, { command: '/opt/lifeboat', config: '/etc/l.yaml', runAs: undefined })
    expect(lineOf(text)).toMatch(
      /^0 0 \* \* \* set -a; \. \/etc\/wiki\.env; set \+a; exec \/opt\/lifeboat dump wiki/,
    )
  })

  test('names the account where /etc/cron.d wants one, and waits by itself', () => {
    const { text } = toCrontab(scheduled(SHOP), {
      command: '/opt/lifeboat',
      config: '/etc/l.yaml',
      runAs: 'backup',
    })
    expect(lineOf(text)).toMatch(/^30 3 \* \* mon-fri backup .* --jitter 300s$/)
  })

  test('the shell gets every word as it is, and the secrets by file', async () => {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat cron'$x%-"))
    try {
      const command = join(folder, 'lifeboat')
      await writeFile(command, '#!/bin/sh\nprintf "%s\\n" "$DB_PW" "$@" > "$(dirname "$0")/said"\n', {
        mode: 0o755,
      })
      await writeFile(join(folder, 'shop.env'), "DB_PW='a b'\n", { mode: 0o600 })
      const config = join(folder, 'lifeboat.yaml')
      const { text } = toCrontab(scheduled(SHOP), { command, config, runAs: undefined })
      // crontab(5): cron itself takes the backslash off.
      const line = lineOf(text).split(' ').slice(5).join(' ').replaceAll('\\%', '%')
      expect(lineOf(text)).not.toMatch(/[^\\]%/)
      await run('/bin/sh', ['-c', line])
      expect((await readFile(join(folder, 'said'), 'utf8')).split('\n')).toEqual([
        ...['a b', 'dump', 'shop', '--config', config, '--jitter', '300s', ''],
      ])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
