import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { byHand } from '../../../../src/engines/sqlserver/by-hand.ts'
import { afterPart, beforePart, tablePart } from '../../../../src/engines/sqlserver/parts.ts'

test('a script is run in its database, the first to its first error, the last to its end', () => {
  expect(byHand({ name: beforePart('shop'), format: 'sql' })).toBe(
    'sqlcmd -S HOST -U USER -d shop -b -I -x -f 65001 -i /dev/stdin',
  )
  expect(byHand({ name: afterPart("it's [one]"), format: 'sql' })).toBe(
    "sqlcmd -S HOST -U USER -d 'it'\\''s [one]' -I -x -f 65001 -i /dev/stdin",
  )
})

test('rows are loaded with their format file, odd names and all', () => {
  const name = tablePart('shop', { schema: 'my schema', name: 'odd ]name' })
  expect(name).toBe('[shop].[my schema].[odd ]]name]')
  expect(byHand({ name, format: 'rows' })).toBe(
    "{ rm -f rows.fifo; mkfifo rows.fifo; cat <&3 > rows.fifo & bcp '[shop].[my schema].[odd ]]name]' in rows.fifo -f 'my schema.odd ]name.fmt' -k -E -q -m 1 -S HOST -U USER < /dev/tty; } 3<&0",
  )
})

test('freebcp is told to keep identity values only where there are some', () => {
  const name = tablePart('shop', { schema: 'dbo', name: 'item' })
  expect(byHand({ name, format: 'freebcp', hasIdentity: true })).toMatch(/ -E /)
  expect(byHand({ name, format: 'freebcp', hasIdentity: false })).not.toMatch(/ -E /)
  // It asks for no password by itself.
  expect(byHand({ name, format: 'freebcp' })).toContain(' -P - < /dev/tty')
})

test.each(['bash', 'dash'])('%s brings what is piped into the line to the program', async (shell) => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-by-hand-'))
  try {
    await writeFile(join(folder, 'bcp'), '#!/bin/sh\ncat "$3" > loaded; echo "$1" > name\n', { mode: 0o700 })
    // A run that failed has left its FIFO.
    await writeFile(join(folder, 'rows.fifo'), '')
    const name = tablePart('shop', { schema: 'dbo', name: "it's" })
    const line = byHand({ name, format: 'rows' }).replace('/dev/tty', '/dev/null')
    const child = spawn(shell, ['-c', `printf 'a\\000b' | cat | ${line}`], {
      cwd: folder,
      env: { PATH: `${folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(said).toEqual(['', ''])
    expect(await readFile(join(folder, 'loaded'), 'latin1')).toBe('a\0b')
    expect(await readFile(join(folder, 'name'), 'utf8')).toBe(`${name}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
