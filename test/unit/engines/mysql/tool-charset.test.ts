import { expect, test } from 'vitest'
import { toolCharset, wholeToolCharset } from '../../../../src/engines/mysql/tool-charset.ts'

test.each([
  ['MariaDB', 'backup', 'latin1'],
  ['MariaDB', 'größe', 'utf8mb4'],
  ['Oracle', 'backup', 'utf8mb4'],
] as const)("%s's tool for the user %s is told %s", (vendor, user, charset) => {
  expect(toolCharset({ vendor }, user)).toBe(charset)
})

test.each([
  ['MariaDB', '10.11.19', 'latin1'],
  ['MariaDB', '12.1.2', 'latin1'],
  ['MariaDB', '13.0.1', 'utf8mb4'],
  ['MariaDB', 'unknown', 'utf8mb4'],
  ['Oracle', '8.4.3', 'utf8mb4'],
] as const)('%s %s is told %s where it writes definitions', (vendor, version, charset) => {
  expect(wholeToolCharset({ vendor, version }, 'backup')).toBe(charset)
})
