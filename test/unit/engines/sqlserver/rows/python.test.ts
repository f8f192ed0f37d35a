import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../../../src/core/bytes.ts'
import { formatFile } from '../../../../../src/engines/sqlserver/rows/format-file.ts'
import { writeRows } from '../../../../../src/engines/sqlserver/rows/row-writer.ts'
import { lacks } from '../../../../testbed/requirement.ts'
import { column, iterate } from './sample-tables.ts'

const columns = [
  column('id', 'int'),
  column('big', 'bigint'),
  column('small', 'smallint'),
  column('tiny', 'tinyint'),
  column('flag', 'bit'),
  column('size', 'float'),
  column('guid', 'uniqueidentifier'),
  column('name', 'nvarchar', { maxLength: 40 }),
  column('amount', 'decimal', { precision: 10, scale: 4 }),
  column('story', 'nvarchar', { maxLength: -1 }),
  column('photo', 'varbinary', { maxLength: -1 }),
]

describe.skipIf(lacks('python'))('the program in docs/engines/sqlserver-rows.md', () => {
  it('reads a file of rows', async () => {
    const page = await readFile('docs/engines/sqlserver-rows.md', 'utf8')
    const program = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    const rows = [
      [
        -7,
        2n ** 63n - 1n,
        -32768,
        255,
        true,
        0.1,
        '0E984725-C51C-4BF4-9960-E1C80E27ABA0',
        'Grüße \u{1f6a2}',
        '-0.0001',
        'a\0b',
        Buffer.of(0, 255),
      ],
      [0, 0n, 0, 0, false, -1.5, '00000000-0000-0000-0000-000000000001', '', '1.0000', '', Buffer.of()],
      columns.map(() => null),
    ]
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-rows-'))
    try {
      const at = (name: string) => join(folder, name)
      await writeFile(at('rows.py'), program)
      await writeFile(at('zoo.fmt'), formatFile(columns))
      await writeFile(at('zoo'), await collect(writeRows({ name: 'zoo', columns }, iterate(rows))))
      const { stdout } = await promisify(execFile)('python3', [at('rows.py'), at('zoo.fmt'), at('zoo')], {
        env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
      })
      expect(stdout.trimEnd().split('\n')).toEqual([
        "[-7, 9223372036854775807, -32768, 255, 1, 0.1, '0E984725-C51C-4BF4-9960-E1C80E27ABA0', 'Grüße \u{1f6a2}', '-0.0001', 'a\\x00b', '00ff']",
        "[0, 0, 0, 0, 0, -1.5, '00000000-0000-0000-0000-000000000001', '', '1.0000', '', '']",
        `[${columns.map(() => 'None').join(', ')}]`,
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
