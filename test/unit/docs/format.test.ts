import { join } from 'node:path'
import { expect, test } from 'vitest'
import { layout, newBackupId } from '../../../src/core/backup-layout.ts'
import { contentsSchema } from '../../../src/core/contents.ts'
import { indexSchema, manifestSchema } from '../../../src/core/manifest.ts'
import { CHUNK_BYTES } from '../../../src/core/sink.ts'
import { readDocument, root } from './documents.ts'

const { prose, text } = await readDocument(join(root, 'docs/format.md'))

/** Names in the first column of the first table after a line of text: `server.flavour` counts as `server`. */
function fieldsAfter(line: string): string[] {
  const at = prose.indexOf(`\n${line}`)
  if (at === -1) throw new Error(`docs/format.md lacks the line '${line}'`)
  const table = /\n\| field \|.*\n\|.*\n((?:\|.*\n)+)/.exec(prose.slice(at))?.[1] ?? ''
  const names = table
    .trimEnd()
    .split('\n')
    .flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([A-Za-z0-9]+)[^`]*`/g)].map(([, name]) => name ?? ''),
    )
  return [...new Set(names)].sort()
}

test.each([
  ['manifest', '## The manifest', manifestSchema.shape],
  ['part of a manifest', 'Each of `parts[]`', manifestSchema.shape.parts.element.shape],
  ['index', '## The index', indexSchema.shape],
  ['contents', '## The contents', contentsSchema.shape],
] as const)('every field of the %s is described, and no other', (_, line, shape) => {
  expect(fieldsAfter(line)).toEqual(Object.keys(shape).sort())
})

test('the layout is that of the code', () => {
  expect(text).toContain(layout.manifest('<job>', '<id>'))
  expect(text).toContain(layout.object('<job>', '<id>', 'index.json.gz'))
  expect(text).toContain(layout.object('<job>', '<id>', 'contents.json'))
  expect(text).toContain(CHUNK_BYTES.toLocaleString('en'))
  const example = /`(\d{8}T\d{6}Z-\w{4})`/.exec(text)?.[1]
  expect(example?.replace(/[a-z0-9]/g, '0')).toBe(newBackupId(new Date()).replace(/[a-z0-9]/g, '0'))
})
