import { join } from 'node:path'
import { expect, test } from 'vitest'
import { STATEMENTS } from '../../../src/engines/oracle/statements.ts'
import { readDocument, root } from './documents.ts'

const { prose } = await readDocument(join(root, 'docs/engines/oracle.md'))

test("every statement that is sent to Oracle is in the engine's page, and no other", () => {
  const table = prose.slice(prose.indexOf('## Statements'))
  const named = [...table.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name)
  expect(named.filter((name) => name !== 'ENQUOTE_LITERAL').sort()).toEqual(Object.keys(STATEMENTS).sort())
})
