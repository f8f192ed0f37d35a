import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { connect, findServer } from '../../../../src/engines/postgres/connection.ts'
import { quoteIdentifier, quoteLiteral } from '../../../../src/engines/postgres/quote.ts'
import { openToolAccess, passwordLine } from '../../../../src/engines/postgres/tool-access.ts'
import { type PostgresServer, startPostgres } from '../../../testbed/postgres.ts'
import { lacks } from '../../../testbed/requirement.ts'

const DATABASES = [`it's "odd" = \\ 🦊`, 'host=elsewhere user=x']

const never = new AbortController().signal

test('a line break in a password is refused, not cut', () => {
  for (const password of ['a\n', 'a\rb', '\0']) {
    expect(() => passwordLine(new Secret(password))).toThrow(expect.objectContaining({ code: 'unsupported' }))
  }
})

describe.skipIf(lacks('postgres'))('any user, password and database', { timeout: 60_000 }, () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
    for (const name of DATABASES) await server.query(`CREATE DATABASE ${quoteIdentifier(name)}`)
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const printable = fc.string({
    unit: fc.constantFrom(...`ab1 :\\'"$&;#%=@/*?{}é🦊\t`),
    minLength: 1,
    maxLength: 12,
  })

  test('the driver and psql log in', async () => {
    await fc.assert(
      fc.asyncProperty(
        printable,
        printable,
        fc.constantFrom(...DATABASES),
        async (user, password, database) => {
          await server.query(
            `CREATE ROLE ${quoteIdentifier(user)} SUPERUSER LOGIN PASSWORD ${quoteLiteral(password)}`,
          )
          try {
            const url = parseDatabaseUrl(server.url({ user }))
            const found = await findServer(
              url,
              { password: async () => new Secret(password), silenceMs: 60_000 },
              never,
            )
            await using connection = await connect(found, database, never)
            const [row] = await connection.query(
              'SELECT current_user AS user, current_database() AS database',
            )
            expect(row).toEqual({ user, database })
            await using access = await openToolAccess(found, 15)
            const args = [
              '-X',
              '-w',
              '-At',
              '-c',
              'SELECT current_database()',
              '-d',
              access.connectionString(database),
            ]
            const text = execFileSync(join(server.binFolder, 'psql'), args, {
              env: { ...process.env, ...access.env },
              encoding: 'utf8',
            })
            expect(text).toBe(`${database}\n`)
          } finally {
            await server.query(`DROP ROLE ${quoteIdentifier(user)}`)
          }
        },
      ),
      { numRuns: 20 },
    )
  })
})
