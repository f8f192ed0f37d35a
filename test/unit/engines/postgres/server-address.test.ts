import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { describeTarget } from '../../../../src/engines/postgres/server-address.ts'

test.each([
  ['postgres://me@db.example.test/shop', 'postgres://me@db.example.test:5432/shop'],
  [
    'postgres://me@db.example.test:6000?connect=127.0.0.1:7000',
    'postgres://me@db.example.test:6000 by way of 127.0.0.1:7000',
  ],
  [
    'postgres://db.example.test:6000?connect=fd00::7',
    'postgres://db.example.test:6000 by way of [fd00::7]:6000',
  ],
  ['postgres://me@?socket=/run/pg', 'postgres://me@/run/pg'],
])('the target of %s is %s', (url, target) => {
  expect(describeTarget(parseDatabaseUrl(url))).toBe(target)
})
