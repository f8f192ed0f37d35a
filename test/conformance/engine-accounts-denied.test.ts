import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoggedDatabase } from '../../src/app/logged-database.ts'
import { openEngine } from '../../src/app/registry.ts'
import type { AccountList } from '../../src/core/accounts.ts'
import { Secret } from '../../src/core/secret.ts'
import { accountsCheck } from '../../src/runbooks/accounts-check.ts'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'

const { signal } = new AbortController()

const SETUP = `CREATE DATABASE shop
GO
CREATE DATABASE zoo
GO
CREATE LOGIN plain WITH PASSWORD = 'x'
CREATE LOGIN owner WITH PASSWORD = 'x'
CREATE LOGIN auditor WITH PASSWORD = 'x'
CREATE LOGIN app WITH PASSWORD = 'x'
GRANT VIEW ANY DEFINITION TO auditor
GO
USE shop
GO
CREATE USER plain FOR LOGIN plain
CREATE USER owner FOR LOGIN owner
CREATE USER auditor FOR LOGIN auditor
CREATE USER app FOR LOGIN app
ALTER ROLE db_owner ADD MEMBER owner
GRANT EXECUTE TO app`

describe('what an account of SQL Server may not see', () => {
  let server: SqlServer
  beforeAll(async () => {
    server = await startSqlServer()
    await server.run(SETUP)
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  async function readAs(user: string, to = server): Promise<AccountList> {
    const password = new Secret(user === 'sa' ? to.password : 'x')
    await using engine = await openEngine(to.url({ user }), {
      password: async () => password,
      searchPath: '',
    })
    if (engine.accounts === undefined) throw new Error('it reads none')
    return await engine.accounts(signal)
  }
  const names = ({ accounts }: AccountList) => accounts.map(({ name }) => name)

  test('nothing at all: it is refused, with the grant that helps', async () => {
    await expect(readAs('plain')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /logins and server roles, which login 'plain' may not see .*database shop, which .* may not see.*database zoo, which login 'plain' may not use/,
      ),
      hint: expect.stringContaining('GRANT VIEW ANY DEFINITION'),
    })
    const password = new Secret('x')
    const url = server.url({ user: 'plain', host: 'any', query: { tls: 'require' } })
    const port = createLoggedDatabase({ url, password: async () => password, searchPath: '' })
    expect(await port.accounts({ host: '127.0.0.1', port: server.port }, signal)).toEqual({
      unknown: expect.stringContaining('may not see'),
    })
  })

  test('an owner of one database reads that one, and says what else there is', async () => {
    const found = await readAs('owner')
    expect(names(found)).toContain('user [app] in [shop]')
    expect(names(found).filter((name) => !name.endsWith('in [shop]'))).toEqual([])
    expect(found.limits).toEqual([
      "logins and server roles, which login 'owner' may not see (VIEW ANY DEFINITION)",
      "database zoo, which login 'owner' may not use",
    ])
  })

  test('VIEW ANY DEFINITION is enough, wherever it has a user', async () => {
    const found = await readAs('auditor')
    const all = await readAs('sa')
    const shown = names(all).filter((name) => !name.endsWith('in [zoo]'))
    expect(names(found)).toEqual(shown)
    expect(found.accounts).toEqual(all.accounts.filter(({ name }) => shown.includes(name)))
    expect(found.limits).toEqual(["database zoo, which login 'auditor' may not use"])
  })

  test('a view that the server lacks or keeps to itself is named', async () => {
    const { hiddenViews } = server.faults
    hiddenViews.add('sys.server_permissions')
    hiddenViews.add('sys.database_role_members')
    try {
      const { limits, accounts } = await readAs('sa')
      expect(limits).toEqual([
        expect.stringMatching(/^permissions at the server are not read: sys\.server_permissions: /),
        expect.stringMatching(/^database shop: members of roles are not read: sys\.database_role_members: /),
        expect.stringMatching(/^database zoo: members of roles are not read/),
      ])
      expect(accounts.find(({ name }) => name === 'login [app]')?.grants).toEqual([
        'by password',
        'may log in',
      ])
    } finally {
      hiddenViews.clear()
    }
  })

  test('a server that does not say which roles are fixed, nor how users log in, tells the same', async () => {
    const { hiddenColumns } = server.faults
    const all = await readAs('sa')
    hiddenColumns.add('sys.server_principals.is_fixed_role')
    hiddenColumns.add('sys.database_principals.authentication_type_desc')
    try {
      expect(await readAs('sa')).toEqual(all)
    } finally {
      hiddenColumns.clear()
    }
  })

  test('at a new server: the user is there, its login is not, another login owns the database', async () => {
    await using target = await startSqlServer()
    await target.run(
      SETUP.replace("CREATE LOGIN app WITH PASSWORD = 'x'", '').replace('FOR LOGIN app', 'WITHOUT LOGIN'),
    )
    await target.run("CREATE LOGIN stranger WITH PASSWORD = 'x'")
    await target.run('REVOKE EXECUTE FROM app', 'shop')
    const secret = new Secret(server.password)
    const url = server.url({ host: 'any', query: { tls: 'require' } })
    const port = createLoggedDatabase({ url, password: async () => secret, searchPath: '' })
    const at = (each: SqlServer) => ({ host: '127.0.0.1', port: each.port })
    const was = await port.accounts(at(server), signal)
    const check = await accountsCheck(was, port, at(target), [], signal)
    expect(check).toEqual({
      ...{ name: 'accounts', state: 'failed', accept: 'accounts' },
      found:
        'login [app] is missing; user [app] in [shop] lacks EXECUTE ON DATABASE, for login [app]; login [stranger] is new',
    })
    const same = await accountsCheck(was, port, at(server), [], signal)
    expect(same).toMatchObject({ state: 'ok', found: expect.stringContaining('each as at the source') })
  })
})

describe('what an account of Oracle may not see', () => {
  test('is a refusal with the grant that helps, never an empty list', async () => {
    const oracle = new ScriptedOracle()
    oracle.database.roles.clear()
    await using engine = engineFor(oracle)
    await expect(engine.accounts?.(signal)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('SYSTEM may not see DBA_USERS'),
      hint: expect.stringContaining('GRANT SELECT_CATALOG_ROLE TO SYSTEM'),
    })
  })

  test.each(['READ_SYSTEM_GRANTS', 'READ_QUOTAS'])(
    '%s fails for another reason: that is told',
    async (on) => {
      const oracle = new ScriptedOracle()
      oracle.fault({ on, kind: 'lost' })
      await using engine = engineFor(oracle)
      await expect(engine.accounts?.(signal)).rejects.toMatchObject({ code: 'engine-unreachable' })
      expect((await engine.accounts?.(signal))?.limits).toEqual([])
    },
  )
})
