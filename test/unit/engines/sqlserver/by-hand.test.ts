import { expect, test } from 'vitest'
import { byHand } from '../../../../src/engines/sqlserver/by-hand.ts'
import { afterPart, beforePart, tablePart } from '../../../../src/engines/sqlserver/parts.ts'

test('a script is run in its database', () => {
  expect(byHand({ name: beforePart('shop'), format: 'sql' })).toBe(
    'sqlcmd -S HOST -U USER -d shop -b -I -x -f 65001 -i /dev/stdin',
  )
  expect(byHand({ name: afterPart("it's [one]"), format: 'sql' })).toContain(`-d 'it'\\''s [one]'`)
})

test('rows are loaded with their format file, odd names and all', () => {
  const name = tablePart('shop', { schema: 'my schema', name: 'odd ]name' })
  expect(name).toBe('[shop].[my schema].[odd ]]name]')
  expect(byHand({ name, format: 'rows' })).toBe(
    "mkfifo rows.fifo; cat > rows.fifo & bcp '[shop].[my schema].[odd ]]name]' in rows.fifo -f 'my schema.odd ]name.fmt' -k -E -q -m 1 -S HOST -U USER",
  )
})
