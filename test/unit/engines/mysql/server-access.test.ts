import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { describeTarget } from '../../../../src/engines/mysql/server-access.ts'

test.each([
  ['mysql://db.example.test/shop', 'mysql://me@db.example.test:3306/shop'],
  [
    'mysql://db.example.test:6000?connect=127.0.0.1:7000',
    'mysql://me@db.example.test:6000 by way of 127.0.0.1:7000',
  ],
  ['mysql://db.example.test?connect=fd00::7', 'mysql://me@db.example.test:3306 by way of [fd00::7]:3306'],
])('the target of %s is %s', (url, target) => {
  expect(describeTarget(parseDatabaseUrl(url), 'me')).toBe(target)
})
