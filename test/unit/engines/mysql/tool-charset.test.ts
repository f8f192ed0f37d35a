import { expect, test } from 'vitest'
import { TAKES_BACK, toolCharset } from '../../../../src/engines/mysql/tool-charset.ts'

test.each([
  ['MariaDB', 'backup', 'latin1'],
  ['MariaDB', 'größe', 'utf8mb4'],
  ['Oracle', 'backup', 'utf8mb4'],
] as const)("%s's tool for the user %s is told %s", (vendor, user, charset) => {
  expect(toolCharset({ vendor }, user)).toBe(charset)
})

test.each([
  "SET SESSION character_set_results = 'latin1'",
  'SET NAMES latin1',
  '/*!40101 SET NAMES latin1 */',
  "set character_set_client='latin1'",
])('%s takes back what the gate has set', (statement) => {
  expect(statement).toMatch(TAKES_BACK)
})

test.each([
  "SET SESSION character_set_results = 'binary'",
  'SELECT `names`, `latin1` FROM `character_set_latin1`',
  'SHOW CREATE TABLE `latin1`',
])('%s does not', (statement) => {
  expect(statement).not.toMatch(TAKES_BACK)
})
