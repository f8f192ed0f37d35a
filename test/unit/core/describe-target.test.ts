import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../src/core/database-url.ts'
import { describeTarget } from '../../../src/core/describe-target.ts'
import { findDialledAddress } from '../../../src/core/dialled-address.ts'

test.each([
  ['sqlserver://sa@db', 'sqlserver://sa@db:1433'],
  ['oracle://me@db:14330/SHOP', 'oracle://me@db:14330/SHOP'],
  ['mysql://[fd00::7]', 'mysql://[fd00::7]:1433'],
  ['postgres://me@db:6000?connect=127.0.0.1:7000', 'postgres://me@db:6000 by way of 127.0.0.1:7000'],
  ['postgres://db:6000?connect=fd00::7', 'postgres://db:6000 by way of [fd00::7]:6000'],
  ['postgres://me@?socket=/run/pg', 'postgres://me@/run/pg'],
])('the target of %s is %s', (url, target) => {
  expect(describeTarget(parseDatabaseUrl(url), 1433)).toBe(target)
})

test('a user that the URL leaves to the machine is named', () => {
  expect(describeTarget(parseDatabaseUrl('mysql://db'), 3306, 'me')).toBe('mysql://me@db:3306')
})

test('what is dialled is an address; a name that nobody knows says what to do where DNS is dead', async () => {
  const { signal } = new AbortController()
  const find = (url: string) => findDialledAddress(parseDatabaseUrl(url), signal)
  expect(await find('postgres://db.invalid?connect=127.0.0.1')).toBe('127.0.0.1')
  expect(await find('postgres://[::1]')).toBe('::1')
  expect(await find('postgres://localhost')).toMatch(/^(?:127\.|::1$)/)
  await expect(find('postgres://db.invalid')).rejects.toMatchObject({
    code: 'engine-unreachable',
    hint: expect.stringContaining('connect=IP:PORT'),
  })
})
