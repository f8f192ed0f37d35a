import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packet } from '../../../../src/engines/mysql/packets.ts'
import { inUtf8 } from '../../../../src/engines/mysql/utf8-session.ts'

const query = (statement: string) => packet(0, Buffer.from(`\x03${statement}`))

test.each([
  'SET SESSION character_set_results = latin1',
  "SET SESSION character_set_results = 'latin1', SESSION sort_buffer_size = 1",
  "SET SESSION character_set_results = 'cp850'",
  'SET NAMES latin1',
  'SET CHARACTER SET latin1',
  '/*!40101 SET NAMES binary */',
  '/*M!100100 SET NAMES latin1 */',
  "set character_set_client='latin1'",
  'SET SESSION collation_connection = latin1_bin',
])('%s would end UTF-8', (statement) => {
  expect(inUtf8(query(statement))).toBeUndefined()
})

test.each([
  "SET SESSION character_set_results = 'binary'",
  "/*!40103 SET TIME_ZONE='+00:00' */",
  'SELECT `names`, `latin1` FROM `character_set_latin1`',
  'SHOW CREATE TABLE `SET NAMES latin1`',
])('%s passes as it is', (statement) => {
  expect(inUtf8(query(statement))).toEqual(query(statement))
})

test('what ends a definition ends it in UTF-8', () => {
  expect(inUtf8(query("SET SESSION character_set_results = 'latin1'"))).toEqual(
    query("SET SESSION character_set_results = 'utf8mb4'"),
  )
})

test.each([
  ['COM_CHANGE_USER', packet(0, Buffer.from([0x11]))],
  ['COM_RESET_CONNECTION', packet(0, Buffer.from([0x1f]))],
  ['COM_STMT_PREPARE', packet(0, Buffer.from('\x16SET NAMES latin1'))],
  ['the rest of a long command', packet(1, Buffer.from('\x03SET NAMES latin1'))],
])('%s does not pass', (_name, whole) => {
  expect(inUtf8(whole)).toBeUndefined()
})

test.each([
  ['COM_QUIT', packet(0, Buffer.from([0x01]))],
  ['COM_INIT_DB', packet(0, Buffer.from('\x02SET NAMES latin1'))],
])('%s passes', (_name, whole) => {
  expect(inUtf8(whole)).toBe(whole)
})

test('no statement passes that is changed in any other way', () => {
  const words = fc.constantFrom(
    'SET',
    'NAMES',
    'latin1',
    "'binary'",
    'character_set_results',
    '=',
    '/*!40101',
    '*/',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), (some) => {
      const whole = query(some.join(' '))
      expect([whole, undefined]).toContainEqual(inUtf8(whole))
    }),
  )
})
