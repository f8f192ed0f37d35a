import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { type MendedMoto, startMendedMoto } from '../testbed/mended-moto.ts'
import { furnishMoto, type MotoScene, type MotoSceneOptions, SOURCE, TARGET } from '../testbed/moto-scene.ts'
import { POSTGRES_PASSWORD, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { MOTO_CREDENTIALS, type TypedPlan, typeLine, typeLines } from '../testbed/typed-lines.ts'

const REGIONS = ['--source', SOURCE, '--target', TARGET]
const DB = [...REGIONS, '--db', 'shop']
const LONGEST_MS = 120_000

interface Server extends AsyncDisposable {
  readonly login: string
  readonly port: number
  /** For lifeboat, and for who types. */
  readonly env: Readonly<Record<string, string>>
  /** Every account and setting that a fence may touch. */
  state(): Promise<unknown>
}

const SERVERS: readonly { name: string; needs: Requirement; start(): Promise<Server> }[] = [
  {
    name: 'MariaDB',
    needs: 'mariadb',
    async start() {
      const server = await startMariadb({ password: 'not-so-secret' })
      await server.run(`CREATE USER app@'%' IDENTIFIED BY 'app'; CREATE USER "o'ne two"@'%' IDENTIFIED BY 'x';
        CREATE USER gone@'%' IDENTIFIED BY 'x' ACCOUNT LOCK`)
      const { user, password, port } = server
      return {
        ...{ login: server.url, port },
        env: { DB_PASSWORD: password, MYSQL_PWD: password, MYSQL_USER: user },
        state: () =>
          server.run(`SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), '0') IN ('1', 'true')
            FROM mysql.global_priv ORDER BY 1, 2; SELECT @@global.read_only`),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
  {
    name: 'PostgreSQL',
    needs: 'postgres',
    async start() {
      const server = await startPostgres()
      await server.query(`CREATE ROLE app LOGIN PASSWORD 'app'`)
      await server.query(`CREATE ROLE "o'ne two" LOGIN`)
      await server.query('CREATE ROLE gone NOLOGIN')
      await server.query('CREATE DATABASE shop')
      const login = server.url()
      const own = { PGUSER: decodeURIComponent(new URL(login).username), PGPASSWORD: POSTGRES_PASSWORD }
      return {
        ...{ login, port: server.port },
        // Who lifts a read-only default has to say so for himself: it holds for his session, too.
        env: {
          ...{ ...own, DB_PASSWORD: POSTGRES_PASSWORD, PGDATABASE: 'postgres' },
          PGOPTIONS: '-c default_transaction_read_only=off',
        },
        state: async () => [
          await server.query('SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1'),
          await server.query('SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2'),
        ],
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
]

describe.skipIf(lacks('aws'))('fence and unfence on moto', { timeout: 3 * LONGEST_MS }, () => {
  let home: string
  let moto: S3Container
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-fence-moto-'))
    moto = await startMotoContainer()
  })
  afterAll(async () => {
    await moto?.stop()
    await rm(home, { recursive: true, force: true })
  })

  let accounts = 200_000_000_000
  const open = async (options: MotoSceneOptions) => {
    accounts += 1
    const account = String(accounts)
    const place = await startMendedMoto(moto.endpoint, account)
    return { place, scene: await furnishMoto(place.endpoint, account, options) }
  }
  const at = (place: MendedMoto, more: Readonly<Record<string, string>> = {}) => {
    const env = { ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: place.endpoint, ...more }
    const migrate = (...args: string[]) =>
      runLifeboat(['migrate', ...args, '--json'], { home, env, timeoutMs: LONGEST_MS })
    return {
      migrate,
      async done(...args: string[]) {
        const ran = await migrate(...args)
        expect(ran, ran.stderr).toMatchObject({ exitCode: 0 })
        return JSON.parse(ran.stdout)
      },
      type: (line: string) => typeLine(line, moto, env),
      typeAll: (plan: TypedPlan) => typeLines(plan, moto, env),
    }
  }
  /** Fences leave their closed groups, which nobody is behind any more. */
  const groupsOf = async (scene: MotoScene, run?: string) => {
    const state = (await scene.read(run)) as Record<string, { instances: unknown; clusters: unknown }>
    const { instances, clusters } = state[SOURCE] ?? {}
    return JSON.stringify([instances, clusters]).match(/"VpcSecurityGroupId":"[^"]*"/g)
  }

  test.concurrent.each<MotoSceneOptions>([
    { kind: 'instance', encrypted: true },
    { kind: 'cluster', encrypted: true },
  ])('the network of an $kind: the printed lines do what the runs do', async (options) => {
    await using cleanup = new AsyncDisposableStack()
    const [one, other] = await Promise.all([open(options), open(options)])
    cleanup.use(one.place)
    cleanup.use(other.place)
    const [running, typing] = [at(one.place), at(other.place)]
    const before = await groupsOf(one.scene)

    const { run } = await running.done('fence', ...DB, '--confirm')
    const plan = await typing.done('fence', ...DB, '--dry-run')
    const [, planned = ''] = /lifeboat:run,Value=([\w-]+)/.exec(JSON.stringify(plan)) ?? []
    await typing.typeAll(plan)
    expect(await other.scene.read(planned)).toEqual(await one.scene.read(run))
    expect(await groupsOf(one.scene, run)).not.toEqual(before)

    // Of what was typed there is no journal: what it left says how it was.
    const lost = await typing.done('unfence', ...DB)
    expect(lost.run).toBe(planned)
    await typing.type(lost.lines.join('\n').match(/aws rds modify-db-.*/)?.[0] ?? 'false')
    const lifted = await running.done('unfence', run, '--confirm')
    expect(lifted).toMatchObject({ way: 'unfence', outcome: 'done' })
    expect(await other.scene.read(planned)).toEqual(await one.scene.read(run))
    expect(await groupsOf(one.scene, run)).toEqual(before)

    const removal = lifted.afterwards.join('\n').match(/aws ec2 delete-security-group.*/)?.[0] ?? 'false'
    await running.type(removal)
    expect(JSON.stringify(await one.scene.read(run))).not.toContain('-fence"')
  })

  describe.each(SERVERS)('with a real $name behind it', ({ needs, start }) => {
    test.skipIf(lacks(needs))('runs and printed lines leave the same, there and back', async () => {
      await using cleanup = new AsyncDisposableStack()
      const server = cleanup.use(await start())
      const { place, scene } = await open({ kind: 'instance', encrypted: true })
      cleanup.use(place)
      const { migrate, done, type, typeAll } = at(place, server.env)
      const login = ['--login', server.login, '--password', 'env:DB_PASSWORD']
      const fence = ['fence', ...DB, '--from', `127.0.0.1:${server.port}`, ...login]
      const before = { sql: await server.state(), groups: await groupsOf(scene) }
      const now = async (run?: string) => ({ sql: await server.state(), groups: await groupsOf(scene, run) })

      const first = await done(...fence, '--confirm')
      const fenced = await now(first.run)
      expect(fenced.sql).not.toEqual(before.sql)
      expect(fenced.groups).not.toEqual(before.groups)

      const back: TypedPlan = await done('unfence', first.run, ...login, '--dry-run')
      expect(back.steps.map(({ id }) => id)).toEqual(['unfence-network', 'unfence-sql', 'check-unfenced'])
      await typeAll(back)
      expect(await now()).toEqual(before)

      const plan: TypedPlan = await done(...fence, '--dry-run')
      const [, planned = ''] = /lifeboat:run,Value=([\w-]+)/.exec(JSON.stringify(plan)) ?? []
      await typeAll(plan)
      expect(await now(planned)).toEqual(fenced)

      const refused = await migrate('unfence', first.run, ...login, '--confirm')
      expect(refused.exitCode, refused.stderr).toBe(42)
      expect(refused.stderr).toMatch(/shop is behind sg-\w+ \(lifeboat-[\w-]+-fence\), neither behind/)

      for (const line of plan.rollback.join('\n').match(/(?<=groups: )aws .*/g) ?? ['false']) await type(line)
      await typeAll({ ...back, steps: back.steps.filter(({ id }) => id === 'unfence-sql') })
      expect(await now()).toEqual(before)

      const third = await done(...fence, '--confirm')
      const lifted = await done('unfence', third.run, ...login, '--confirm')
      expect(lifted.steps).toMatchObject([
        { id: 'unfence-network', state: 'done', applied: true },
        { id: 'unfence-sql', state: 'done', applied: true },
        { id: 'check-unfenced', state: 'done', seen: { writable: true } },
      ])
      expect(await now()).toEqual(before)
    })
  })
})
