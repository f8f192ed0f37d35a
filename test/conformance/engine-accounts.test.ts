import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/app/registry.ts'
import type { AccountList } from '../../src/core/accounts.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { compareAccounts, comparisonText, isLoss, sealAccounts } from '../../src/runbooks/compare-accounts.ts'
import { startSqlServerContainer } from '../testbed/containers/sqlserver.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { startMysqlServer } from '../testbed/mysql-server.ts'
import { engineFor, PASSWORD } from '../testbed/oracle/engine-for.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { POSTGRES_PASSWORD, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { startSqlServer } from '../testbed/sqlserver.ts'
import type { ScriptRunner } from '../testbed/sqlserver-fixture.ts'

const { signal } = new AbortController()

interface Stage extends AsyncDisposable {
  readonly url: string
  readonly password: string
  /** Where no network leads to it. */
  open?(): Engine
  run(sql: string): Promise<unknown>
}

const MYSQL_SETUP = [
  'CREATE DATABASE shop; CREATE TABLE shop.item (id INT PRIMARY KEY, note INT)',
  "CREATE USER app@'%' IDENTIFIED BY 'hunter-two' REQUIRE SSL WITH MAX_USER_CONNECTIONS 7",
  "GRANT SELECT, INSERT ON shop.* TO app@'%'; GRANT UPDATE (note) ON shop.item TO app@'%'",
  "CREATE USER 'odd '' ON `x`'@'10.%' IDENTIFIED BY 'hunter-two'",
  "GRANT ALL ON shop.* TO 'odd '' ON `x`'@'10.%' WITH GRANT OPTION",
  "CREATE USER gone@'%' IDENTIFIED BY 'hunter-two' ACCOUNT LOCK",
  'CREATE ROLE reader; GRANT SELECT ON shop.item TO reader',
  "GRANT reader TO app@'%'",
].join(';\n')
const MYSQL_RIGHTS = {
  'app@%': [
    ...['INSERT ON `shop`.*', 'MAX_USER_CONNECTIONS 7', 'REQUIRE SSL', 'SELECT ON `shop`.*'],
    ...['UPDATE (`note`) ON `shop`.`item`', 'may log in'],
  ],
  "odd ' ON `x`@10.%": ['ALL PRIVILEGES ON `shop`.*', 'GRANT OPTION ON `shop`.*', 'may log in'],
}

interface Vendor {
  readonly name: string
  readonly needs?: Requirement
  start(): Promise<Stage>
  readonly setup: string
  /** What each has at least; and one that may not log in. */
  readonly rights: Readonly<Record<string, readonly string[]>>
  readonly shut: string
  /** What an administrator forgets at the target, and what it then is. */
  readonly forget: string
  readonly forgotten: string
  readonly drop: string
  readonly extra: string
}

function startTds(
  server: AsyncDisposable & { readonly password: string } & ScriptRunner,
  url: string,
): Stage {
  return {
    ...{ url, password: server.password },
    async run(sql) {
      for (const line of sql.split('\n')) {
        const [, database = 'master', rest = line] = /^\\(\w+) (.*)$/.exec(line) ?? []
        await server.run(rest, database)
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const SQLSERVER = {
  shut: 'login [gone]',
  setup: [
    'CREATE DATABASE shop',
    "CREATE LOGIN app WITH PASSWORD = 'Hunter-Two-1'; CREATE LOGIN [odd ]]login] WITH PASSWORD = 'Hunter-Two-1'",
    "CREATE LOGIN gone WITH PASSWORD = 'Hunter-Two-1'; ALTER LOGIN gone DISABLE",
    'ALTER SERVER ROLE dbcreator ADD MEMBER app; GRANT VIEW SERVER STATE TO app',
    'DENY ALTER ANY LOGIN TO [odd ]]login]; GRANT VIEW ANY DEFINITION TO [odd ]]login] WITH GRANT OPTION',
    '\\shop CREATE TABLE item (id int PRIMARY KEY, note int)',
    '\\shop CREATE USER app FOR LOGIN app; CREATE USER lost FOR LOGIN gone; CREATE ROLE reader',
    "\\shop CREATE APPLICATION ROLE kiosk WITH PASSWORD = 'Hunter-Two-1'",
    '\\shop ALTER ROLE reader ADD MEMBER app; ALTER ROLE db_datareader ADD MEMBER reader',
    '\\shop GRANT SELECT, INSERT ON dbo.item TO app; GRANT UPDATE (note) ON dbo.item TO app',
    '\\shop GRANT SELECT ON dbo.item TO reader WITH GRANT OPTION; DENY DELETE ON dbo.item TO reader',
    '\\shop GRANT EXECUTE ON SCHEMA::dbo TO kiosk; GRANT VIEW DEFINITION TO public',
  ].join('\n'),
  rights: {
    'login [app]': [
      ...['CONNECT SQL ON SERVER', 'VIEW SERVER STATE ON SERVER', 'by password', 'may log in'],
      'member of server role [dbcreator]',
    ],
    'login [odd ]]login]': [
      ...['DENY ALTER ANY LOGIN ON SERVER', 'VIEW ANY DEFINITION ON SERVER', 'may log in'],
      'may grant VIEW ANY DEFINITION ON SERVER',
    ],
    'user [app] in [shop]': [
      ...['CONNECT ON DATABASE', 'INSERT ON OBJECT::[dbo].[item]', 'SELECT ON OBJECT::[dbo].[item]'],
      ...['UPDATE ([note]) ON OBJECT::[dbo].[item]', 'for login [app]', 'member of [reader]'],
    ],
    'role [reader] in [shop]': [
      ...['DENY DELETE ON OBJECT::[dbo].[item]', 'SELECT ON OBJECT::[dbo].[item]'],
      ...['may grant SELECT ON OBJECT::[dbo].[item]', 'member of [db_datareader]'],
    ],
    'application role [kiosk] in [shop]': ['EXECUTE ON SCHEMA::[dbo]'],
    'role [public] in [shop]': ['VIEW DEFINITION ON DATABASE'],
    'server role [public]': ['VIEW ANY DATABASE ON SERVER'],
  },
  forget: '\\shop REVOKE INSERT ON dbo.item FROM app',
  forgotten: 'user [app] in [shop] lacks INSERT ON OBJECT::[dbo].[item]',
  // As after a restore beside logins that were made anew: the user is there, and nobody's.
  drop: 'DROP LOGIN gone',
  extra: "CREATE LOGIN stranger WITH PASSWORD = 'Hunter-Two-1'",
} satisfies Partial<Vendor>

const VENDORS: readonly Vendor[] = [
  {
    ...{ name: 'MariaDB', needs: 'mariadb', setup: MYSQL_SETUP, shut: 'gone@%' },
    start: () => startMariadb(),
    rights: {
      ...MYSQL_RIGHTS,
      'app@%': [...MYSQL_RIGHTS['app@%'], 'password by mysql_native_password', 'role `reader`'].sort(),
      reader: ['SELECT ON `shop`.`item`'],
    },
    forget: "REVOKE INSERT ON shop.* FROM app@'%'",
    forgotten: 'app@% lacks INSERT ON `shop`.*',
    drop: "DROP USER gone@'%'",
    extra: "CREATE USER stranger@'%' IDENTIFIED BY 'x'",
  },
  {
    ...{ name: 'MySQL', needs: 'mysql', setup: MYSQL_SETUP, shut: 'gone@%' },
    start: () => startMysqlServer(),
    rights: {
      ...MYSQL_RIGHTS,
      'app@%': [...MYSQL_RIGHTS['app@%'], 'password by caching_sha2_password', 'role `reader`@`%`'].sort(),
      'reader@%': ['SELECT ON `shop`.`item`'],
    },
    forget: "REVOKE INSERT ON shop.* FROM app@'%'",
    forgotten: 'app@% lacks INSERT ON `shop`.*',
    drop: "DROP USER gone@'%'",
    extra: "CREATE USER stranger@'%' IDENTIFIED BY 'x'",
  },
  {
    ...{ name: 'PostgreSQL', needs: 'postgres', shut: 'reader' },
    async start() {
      const server = await startPostgres()
      return {
        ...{ url: server.url(), password: POSTGRES_PASSWORD },
        async run(sql) {
          for (const line of sql.split('\n')) {
            const [, database, rest = line] = /^\\(\w+) (.*)$/.exec(line) ?? []
            await server.query(rest, database)
          }
        },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
    setup: [
      'CREATE DATABASE shop',
      "CREATE ROLE app LOGIN PASSWORD 'hunter-two' CONNECTION LIMIT 7",
      'CREATE ROLE reader',
      'CREATE ROLE "odd "" role" LOGIN CREATEDB',
      'GRANT reader TO app; GRANT reader TO "odd "" role" WITH ADMIN OPTION',
      'REVOKE CONNECT ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO app',
      '\\shop CREATE TABLE item (id int PRIMARY KEY, note int); CREATE TABLE own (id int); ALTER TABLE own OWNER TO app',
      '\\shop GRANT SELECT, INSERT ON item TO app; GRANT UPDATE (note) ON item TO app',
      '\\shop GRANT SELECT ON item TO reader WITH GRANT OPTION',
      "\\shop CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f FROM PUBLIC",
      '\\shop ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader',
    ].join('\n'),
    rights: {
      app: [
        ...['CONNECT ON database shop', 'CONNECTION LIMIT 7', 'INSERT ON table public.item in shop'],
        ...['OWNER ON table public.own in shop', 'SELECT ON table public.item in shop'],
        ...['UPDATE ON column note of table public.item in shop', 'may log in', 'member of reader'],
      ],
      reader: [
        'GRANT OPTION for SELECT ON table public.item in shop',
        'SELECT ON table public.item in shop',
        'SELECT ON tables that postgres will make in schema public in shop',
      ],
      'odd " role': ['ADMIN OPTION of reader', 'CREATEDB', 'may log in', 'member of reader'],
    },
    forget: '\\shop REVOKE INSERT ON item FROM app',
    forgotten: 'app lacks INSERT ON table public.item in shop',
    drop: 'DROP DATABASE shop\nDROP ROLE "odd "" role"',
    extra: 'CREATE ROLE stranger LOGIN',
  },
  {
    ...{ name: 'SQL Server (stand-in)', ...SQLSERVER },
    async start() {
      const server = await startSqlServer()
      return startTds(server, server.url())
    },
  },
  {
    ...{ name: 'Microsoft SQL Server', needs: 'sqlserver', ...SQLSERVER },
    async start() {
      const server = await startSqlServerContainer()
      return startTds(server, server.url)
    },
  },
  {
    ...{ name: 'Oracle (scripted)', shut: 'GONE' },
    async start() {
      const oracle = new ScriptedOracle()
      oracle.database.addSchema('RDSADMIN')
      oracle.database.addSchema('PDBADMIN')
      return {
        ...{ url: '', password: PASSWORD },
        open: () => engineFor(oracle),
        async run(sql) {
          for (const line of sql.split('\n')) oracle.database.accounts.run(oracle.database, line)
        },
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
    setup: [
      'CREATE ROLE reader',
      'CREATE ROLE RDS_MASTER_ROLE',
      ...['shop', 'app', '"Odd name"', 'gone'].map(
        (name) => `CREATE USER ${name} IDENTIFIED BY "hunter-two"`,
      ),
      'ALTER USER gone ACCOUNT LOCK',
      'ALTER USER app QUOTA 1048576 ON users',
      'ALTER USER app QUOTA UNLIMITED ON "Data"',
      'ALTER USER app PROFILE strict',
      'ALTER USER app GRANT CONNECT THROUGH gone',
      'GRANT CREATE SESSION, CREATE TABLE TO app WITH ADMIN OPTION',
      'GRANT reader TO app',
      'GRANT reader TO "Odd name" WITH ADMIN OPTION',
      'GRANT SELECT, INSERT ON shop.item TO app',
      'GRANT UPDATE (note) ON shop.item TO app',
      'GRANT EXECUTE ON sys.dbms_crypto TO app',
      'GRANT SELECT ON shop.item TO reader WITH GRANT OPTION',
      'GRANT SELECT ON shop."Price list" TO PUBLIC',
    ].join('\n'),
    rights: {
      APP: [
        ...['CREATE SESSION', 'CREATE TABLE', 'EXECUTE ON SYS.DBMS_CRYPTO', 'INSERT ON SHOP.ITEM'],
        ...['SELECT ON SHOP.ITEM', 'UPDATE (NOTE) ON SHOP.ITEM', 'by password', 'default role READER'],
        ...['may grant CREATE SESSION', 'may grant CREATE TABLE', 'may log in', 'profile STRICT'],
        ...['quota of 1048576 bytes in USERS', 'quota unlimited in "Data"', 'role READER'],
      ],
      'Odd name': ['may grant role READER', 'may log in', 'role READER'],
      GONE: ['may become APP'],
      READER: ['SELECT ON SHOP.ITEM', 'may grant SELECT ON SHOP.ITEM'],
      PUBLIC: ['SELECT ON SHOP."Price list"'],
    },
    forget: 'REVOKE INSERT ON shop.item FROM app',
    forgotten: 'APP lacks INSERT ON SHOP.ITEM',
    drop: 'DROP USER gone',
    extra: 'CREATE USER stranger IDENTIFIED BY "x"',
  },
]

describe.each(VENDORS.map((vendor) => [vendor.name, vendor] as const))(
  'accounts and grants of %s',
  (_, vendor) => {
    describe.skipIf(vendor.needs !== undefined && lacks(vendor.needs))('of a server', () => {
      let stage: Stage
      let before: AccountList
      beforeAll(async () => {
        stage = await vendor.start()
        await stage.run(vendor.setup)
        before = await read()
      }, 360_000)
      afterAll(() => stage?.[Symbol.asyncDispose]())

      async function read(): Promise<AccountList> {
        const password = new Secret(stage.password)
        await using engine =
          stage.open?.() ?? (await openEngine(stage.url, { password: async () => password, searchPath: '' }))
        if (engine.accounts === undefined) throw new Error('it reads none')
        return await engine.accounts(signal)
      }
      const rightsOf = (name: string) => before.accounts.find((each) => each.name === name)?.grants

      test('each right is told, by itself', () => {
        for (const [name, rights] of Object.entries(vendor.rights)) {
          const found = rightsOf(name)
          expect(found, name).toEqual(expect.arrayContaining([...rights]))
          if (/^(login \[|user \[)?app\b/i.test(name)) expect(found).toEqual(rights)
        }
        expect(rightsOf(vendor.shut)).toBeDefined()
        expect(rightsOf(vendor.shut)).not.toContain('may log in')
        expect(before.limits).toEqual([])
      })

      test("no password, no hash, none of the server's own accounts", () => {
        const text = JSON.stringify(before)
        expect(text).not.toMatch(/hunter|Hunter|\*[0-9A-F]{40}|0x[0-9A-F]{20}|SCRAM|\$A\$/)
        expect(text).not.toMatch(
          /mysql\.sys|mariadb\.sys|pg_monitor|\[sa\]|"name":"(SYS|SYSTEM|RDSADMIN|PDBADMIN|RDS_MASTER_ROLE)"/,
        )
      })

      test('what is the same is the same; what was forgotten, dropped or added is named', async () => {
        const sealed = sealAccounts(before)
        expect(JSON.stringify(sealed)).not.toMatch(/INSERT|\bitem/i)
        const same = compareAccounts(sealed, await read(), undefined)
        expect(same.differences).toEqual([])

        await stage.run(vendor.forget)
        const lost = compareAccounts(sealed, await read(), before)
        expect(lost.differences.map(({ what }) => what)).toEqual(['missing-right'])
        expect(comparisonText(lost)).toBe(vendor.forgotten)

        await stage.run(vendor.extra)
        await stage.run(vendor.drop)
        const after = compareAccounts(sealed, await read(), before)
        const told = after.differences.map(({ what, account }) => `${what} ${account}`).join('\n')
        expect(told).toMatch(/missing-account (gone@%|odd " role|login \[gone\]|GONE)/)
        expect(told).toMatch(/extra-account (login \[)?stranger/i)
        expect(after.differences.filter(isLoss).length).toBeGreaterThan(0)
      })
    })
  },
)
