import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/app/registry.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { startMysqlServer } from '../testbed/mysql-server.ts'
import { POSTGRES_PASSWORD, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { startSqlServer } from '../testbed/sqlserver.ts'
import { connectTedious, runTedious } from '../testbed/tds/tedious-client.ts'

const { signal } = new AbortController()

/** A connection of an application that stays open. */
interface Application {
  write(): Promise<unknown>
  close(): Promise<void>
}

interface Stage extends AsyncDisposable {
  readonly url: string
  readonly password: string
  connect(): Promise<Application>
  /** Every account and setting that a fence may touch. */
  state(): Promise<unknown>
}

async function mysqlApplication(port: number, host = '127.0.0.1'): Promise<Application> {
  const session = await createConnection({ host, port, user: 'app', password: 'app', database: 'shop' })
  session.on('error', () => undefined)
  return {
    write: () => session.query('INSERT INTO item VALUES (NULL)'),
    close: async () => session.destroy(),
  }
}

const MYSQL_SCHEMA = `CREATE DATABASE shop; CREATE TABLE shop.item (id INT AUTO_INCREMENT PRIMARY KEY);
  CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'%';
  CREATE USER gone@'%' IDENTIFIED BY 'x' ACCOUNT LOCK;
  CREATE USER follower@'%' IDENTIFIED BY 'x'; GRANT REPLICATION SLAVE ON *.* TO follower@'%';`

const STAGES: readonly { name: string; needs?: Requirement; start(): Promise<Stage> }[] = [
  {
    name: 'MariaDB',
    needs: 'mariadb',
    async start() {
      const server = await startMariadb()
      await server.run(MYSQL_SCHEMA)
      return {
        url: server.url,
        password: server.password,
        connect: () => mysqlApplication(server.port),
        state: () =>
          server.run(`SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), '0') IN ('1', 'true') FROM mysql.global_priv ORDER BY 1, 2;
          SELECT @@global.read_only`),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
  {
    name: 'MySQL',
    needs: 'mysql',
    async start() {
      const server = await startMysqlServer()
      await server.run(MYSQL_SCHEMA)
      const { hostname, port } = new URL(server.url)
      return {
        url: server.url,
        password: server.password,
        connect: () => mysqlApplication(Number(port), hostname),
        state: () =>
          server.run(`SELECT User, Host, account_locked FROM mysql.user ORDER BY 1, 2;
          SELECT @@global.read_only, @@global.super_read_only`),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
  {
    name: 'PostgreSQL',
    needs: 'postgres',
    async start() {
      const server = await startPostgres()
      await server.query('CREATE DATABASE shop')
      await server.query('CREATE TABLE item (id serial PRIMARY KEY)', 'shop')
      await server.query(`CREATE ROLE app LOGIN PASSWORD 'app'`)
      await server.query('CREATE ROLE gone NOLOGIN')
      await server.query('CREATE ROLE follower LOGIN REPLICATION')
      await server.query('GRANT ALL ON ALL TABLES IN SCHEMA public TO app', 'shop')
      await server.query('GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app', 'shop')
      return {
        url: server.url(),
        password: POSTGRES_PASSWORD,
        async connect() {
          const client = new pg.Client({
            ...{ host: '127.0.0.1', port: server.port, user: 'app', password: 'app', database: 'shop' },
            ssl: { rejectUnauthorized: false },
          })
          client.on('error', () => undefined)
          await client.connect()
          return {
            write: () => client.query('INSERT INTO item DEFAULT VALUES'),
            close: () => client.end().catch(() => undefined),
          }
        },
        state: async () => [
          await server.query('SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1'),
          await server.query('SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting'),
        ],
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
  {
    // The stand-in of test/testbed/tds: what it plays of logins, modes and sessions is from Microsoft's documents.
    name: 'SQL Server (stand-in)',
    async start() {
      const server = await startSqlServer()
      await server.run(`CREATE DATABASE shop
GO
CREATE LOGIN app WITH PASSWORD = 'app'
CREATE LOGIN [o]]ther] WITH PASSWORD = 'x'
CREATE LOGIN gone WITH PASSWORD = 'x'
ALTER LOGIN gone DISABLE`)
      await server.run(
        `CREATE TABLE item (id int IDENTITY PRIMARY KEY, n int)
CREATE USER app FOR LOGIN app
ALTER ROLE db_datawriter ADD MEMBER app`,
        'shop',
      )
      return {
        url: server.url(),
        password: server.password,
        async connect() {
          const { port } = server
          const options = { database: 'shop' }
          const connection = await connectTedious({ port, user: 'app', password: 'app', options })
          return {
            write: () => runTedious(connection, 'INSERT INTO item (n) VALUES (1)').result,
            close: async () => connection.close(),
          }
        },
        state: async () => [
          await server.run('SELECT name, is_disabled FROM sys.server_principals ORDER BY name'),
          await server.run('SELECT name, is_read_only FROM sys.databases ORDER BY name'),
        ],
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
]

describe.each(STAGES.map((stage) => [stage.name, stage] as const))(
  'the gate of %s',
  (_, { needs, start }) => {
    describe.skipIf(needs !== undefined && lacks(needs))('of a server', () => {
      let stage: Stage
      let engine: Engine
      beforeAll(async () => {
        stage = await start()
        const password = new Secret(stage.password)
        engine = await openEngine(stage.url, { password: async () => password, searchPath: '' })
      }, 120_000)
      afterAll(async () => {
        await engine?.[Symbol.asyncDispose]()
        await stage?.[Symbol.asyncDispose]()
      })
      const gate = () => {
        if (engine.gate === undefined) throw new Error('it has no gate')
        return engine.gate
      }

      test('a scratch table is written, read and removed', async () => {
        const before = await stage.state()
        await gate().tryWrite(signal)
        expect(await stage.state()).toEqual(before)
        expect(await gate().writable(signal)).toBe('writable')
      })

      test('a fence ends what is open, keeps out what comes, and lifts to what was before', async () => {
        const before = await stage.state()
        const application = await stage.connect()
        await application.write()
        const plan = await gate().planFence(signal)
        expect(await stage.state()).toEqual(before)
        expect(plan.statements.join('\n')).toMatch(/app/)
        expect(plan.statements.join('\n')).not.toMatch(/gone|follower/)
        expect(plan.limits.length).toBeGreaterThan(0)

        const { done, failed } = await gate().fence(plan.statements, signal)
        expect(failed).toEqual([])
        expect(done).toEqual(expect.arrayContaining([...plan.statements]))
        expect(await gate().writable(signal)).toBe('read-only')
        await expect(application.write()).rejects.toThrow()
        await expect(stage.connect()).rejects.toThrow()
        await application.close()

        // What ends sessions by hand is taken by the server, too: there are none any more.
        expect(engine.query).toBeDefined()
        await engine.query?.(undefined, plan.sessions, signal)

        const again = await gate().planFence(signal)
        expect(again.statements).toEqual([])
        expect((await gate().fence([], signal)).failed).toEqual([])

        const { standing } = await gate().planUnfence(signal)
        expect(standing).toEqual(expect.arrayContaining([...plan.undo]))
        expect(standing.join('\n')).toMatch(/gone/)
        await gate().unfence(plan.undo, signal)
        const { lifted } = await gate().planUnfence(signal)
        expect(lifted).toEqual(expect.arrayContaining([...plan.undo]))
        expect(await stage.state()).toEqual(before)
        expect(await gate().writable(signal)).toBe('writable')
        const back = await stage.connect()
        await back.write()
        await back.close()
      })
    })
  },
)
