import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  AddRoleToDBClusterCommand,
  AddRoleToDBInstanceCommand,
  AddTagsToResourceCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { exportPlain } from '../../src/app/inventory/export-plain.ts'
import { takeInventory } from '../../src/app/inventory/take-inventory.ts'
import { planRunbook, runRunbook } from '../../src/app/run-runbook.ts'
import { openRunbookJournal } from '../../src/app/runbook-journal.ts'
import { openCloud } from '../../src/aws/index.ts'
import { planJson } from '../../src/cli/migrate-text.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { native } from '../../src/runbooks/native.ts'
import type { WayFlags } from '../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { createWorld } from '../../src/simulation/world.ts'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { startMendedMoto } from '../testbed/mended-moto.ts'
import { furnishMoto, SOURCE, TARGET } from '../testbed/moto-scene.ts'
import { lacks } from '../testbed/requirement.ts'
import { MOTO_CREDENTIALS, type TypedPlan, typeLines } from '../testbed/typed-lines.ts'

const LONGEST_MS = 120_000
const ROLE = { RoleArn: 'arn:aws:iam::111122223333:role/import', FeatureName: 's3Import' }
const PAYER = 'a, "b" = \\c'
const RUN = { id: '20261122T210500Z-k3f9' }

/** Each secret has a name of its own. */
function secretless(state: unknown): Record<string, Record<string, unknown[]>> {
  return JSON.parse(JSON.stringify(state).replace(/secret:rds![\w-]+/g, 'SECRET'))
}

describe.skipIf(lacks('aws'))('on moto', { timeout: 2 * LONGEST_MS }, () => {
  const { signal } = new AbortController()
  let home: string
  let moto: S3Container
  let accounts = 200_000_000_000
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-native-moto-'))
    for (const [name, value] of Object.entries(MOTO_CREDENTIALS)) vi.stubEnv(name, value)
    moto = await startMotoContainer()
  }, LONGEST_MS)
  afterAll(async () => {
    vi.unstubAllEnvs()
    await moto?.stop()
    await rm(home, { recursive: true, force: true })
  })

  async function open(kind: 'instance' | 'cluster') {
    accounts += 1
    const account = String(accounts)
    const place = await startMendedMoto(moto.endpoint, account)
    const scene = await furnishMoto(place.endpoint, account, { kind, encrypted: true })
    const rds = new RDSClient({ endpoint: place.endpoint, region: SOURCE })
    const ResourceName = `arn:aws:rds:${SOURCE}:${account}:${kind === 'cluster' ? 'cluster' : 'db'}:shop`
    await rds.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key: 'paid by', Value: PAYER }] }))
    if (kind === 'cluster')
      await rds.send(new AddRoleToDBClusterCommand({ DBClusterIdentifier: 'shop', ...ROLE }))
    else await rds.send(new AddRoleToDBInstanceCommand({ DBInstanceIdentifier: 'shop', ...ROLE }))
    const world = createWorld()
    const { database, native: restore } = simulatedPorts(world, SOURCE, TARGET)
    const cloud = openCloud({ source: SOURCE, target: TARGET, endpoint: place.endpoint }, database)
    // Hours of the restore pass at once; what moto does takes its own time.
    const clock: Clock = {
      ...world.time.clock,
      async sleep(ms, inner) {
        await world.time.clock.sleep(ms, inner)
        await setTimeout(20)
      },
    }
    const flags: WayFlags = {
      ...{ source: SOURCE, target: TARGET, db: ['shop'], kmsKey: 'alias/databases' },
      ...{ securityGroup: [scene.securityGroup], targetId: 'shop-new' },
    }
    const ports = { ...cloud, ...(restore !== undefined && { native: restore }) }
    return {
      ...{ place, scene, clock, flags, ports },
      async [Symbol.asyncDispose]() {
        cloud[Symbol.dispose]()
        await place[Symbol.asyncDispose]()
      },
    }
  }

  test.each(['instance', 'cluster'] as const)(
    'the native way makes the same %s by its run and by its printed lines',
    async (kind) => {
      await using one = await open(kind)
      await using other = await open(kind)
      const folder = join(home, kind)
      const report = await runRunbook(
        {
          ...{ way: native, run: RUN, confirm: true, deadlineMs: native.deadlineMs },
          ...{ flags: one.flags, ports: one.ports, clock: one.clock, onStep: () => undefined },
          journal: await openRunbookJournal({ folder, run: RUN.id, onEvent: () => undefined }, signal),
        },
        signal,
      )
      expect(report).toMatchObject({ outcome: 'done' })
      const { runbook } = await planRunbook({ way: native, run: RUN, ...other }, signal)
      const env = { ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: other.place.endpoint }
      await typeLines(planJson(runbook) as TypedPlan, moto, env)
      const state = secretless(await one.scene.read(RUN.id))
      expect(secretless(await other.scene.read(RUN.id))).toEqual(state)
      expect(state[TARGET]?.[`${kind}s`]).toContainEqual(
        expect.objectContaining({
          AssociatedRoles: [expect.objectContaining(ROLE)],
          TagList: expect.arrayContaining([{ Key: 'paid by', Value: PAYER }]),
          ...{ StorageEncrypted: true, MasterUsername: 'captain', BackupRetentionPeriod: 3 },
          ...(kind === 'cluster' && { DBClusterIdentifier: 'shop-new', DBClusterParameterGroup: 'tuned' }),
        }),
      )
      if (kind === 'cluster')
        expect(JSON.stringify(state)).toMatch(/"DBInstanceIdentifier":"shop-new-1".*shop-new-2/)
    },
  )

  test.each(['instance', 'cluster'] as const)(
    'a snapshot of an %s is restored as the inventory has it, by the command line',
    async (kind) => {
      await using opened = await open(kind)
      const inventory = await takeInventory(
        {
          ...{ ports: opened.ports, both: false, databases: ['shop'], job: 'shop', clock: systemClock },
          ...{ id: '20261122T190000Z-inv1', timeoutMs: 60_000 },
        },
        signal,
      )
      const file = await exportPlain(inventory, join(home, `inventory-${kind}`))
      const args = ['--source', SOURCE, '--target', TARGET, '--db', 'shop', '--snapshot', 'shop-across']
      const group = opened.flags.securityGroup?.[0] ?? ''
      const shown = await runLifeboat(
        ['migrate', 'restore-snapshot', ...args, '--security-group', group, '--inventory', file, '--dry-run'],
        { home, env: { ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: opened.place.endpoint } },
      )
      expect(shown, shown.stderr).toMatchObject({ exitCode: 0 })
      const restore = shown.stdout.split('\n').find((line) => line.includes(' restore-db-')) ?? ''
      expect(restore).toContain('--db-subnet-group-name private')
      expect(restore).toContain('"a, \\"b\\" = \\\\c"')
      if (kind === 'instance') {
        expect(restore).toContain('--db-instance-class db.r6g.large')
        expect(restore).toContain('--enable-cloudwatch-logs-exports error')
        expect(shown.stdout).toMatch(/add-role-to-db-instance .*role\/import --feature-name s3Import/)
      } else {
        expect(restore).toContain('--db-cluster-parameter-group-name tuned')
        expect(shown.stdout.match(/create-db-instance .*--db-instance-class db.r6g.large/g)).toHaveLength(2)
        expect(shown.stdout).toMatch(/add-role-to-db-cluster .*role\/import --feature-name s3Import/)
      }
    },
  )

  describe.skipIf(lacks('mariadb'))('beside a run', () => {
    let server: CliServer
    const config = () => join(home, 'lifeboat.yaml')
    beforeAll(async () => {
      server = await startCliMariadb()
      await server.seed(50)
      await writeFile(
        config(),
        `version: 1
sinks: { near: { url: file://${home}/sink } }
jobs: { shop: { source: { url: '${server.url}', password: env:DB_PASSWORD }, sinks: [near], encryption: false, classification: development } }
`,
      )
    }, LONGEST_MS)
    afterAll(() => server?.[Symbol.asyncDispose]())

    const argsFor = (securityGroup: string) => [
      ...['migrate', 'copy-snapshot', '--source', SOURCE, '--target', TARGET, '--db', 'shop', '--json'],
      ...['--kms-key', 'alias/databases', '--security-group', securityGroup, '--confirm'],
      ...['--accept', 'unreached', '--beside', 'shop', '--config', config()],
    ]
    const backups = async () => {
      const listed = await runLifeboat(['list', '--at', `file://${home}/sink`, '--job', 'shop', '--json'], {
        home,
      })
      return JSON.parse(listed.stdout).backups as { id: string }[]
    }

    test('the job is dumped, and is in the report', async () => {
      await using opened = await open('instance')
      const env = {
        ...MOTO_CREDENTIALS,
        AWS_ENDPOINT_URL: opened.place.endpoint,
        DB_PASSWORD: server.password,
      }
      const ran = await runLifeboat(argsFor(opened.scene.securityGroup), { home, env, timeoutMs: LONGEST_MS })
      expect(ran, ran.stderr).toMatchObject({ exitCode: 0 })
      const report = JSON.parse(ran.stdout)
      const [made] = await backups()
      expect(report).toMatchObject({
        outcome: 'done',
        beside: { job: 'shop', state: 'done', backup: made?.id, sink: `file://${home}/sink` },
      })
      const stored = join(home, 'state/runbooks', report.run, 'report.txt')
      expect(await readFile(stored, 'utf8')).toContain(`dump of job shop: done, backup ${made?.id}`)
    })

    test('Ctrl-C ends both: nothing is left at the sink, and the run can go on', async () => {
      await using opened = await open('instance')
      const env = {
        ...{ ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: opened.place.endpoint },
        ...{ DB_PASSWORD: server.password, ...server.holdEnv },
      }
      const own = join(home, 'stopped')
      const before = await backups()
      const run = startLifeboat(argsFor(opened.scene.securityGroup), {
        home: own,
        env,
        timeoutMs: LONGEST_MS,
      })
      opened.place.loseAnswer('CopyDBSnapshot', () => run.kill('SIGINT'))
      const { exitCode, stderr } = await run
      expect(exitCode, stderr).toBe(130)
      const { error } = JSON.parse(stderr)
      expect(error.details.report.beside).toMatchObject({ job: 'shop', state: 'failed' })
      expect(error.hint).toContain('The dump of job shop beside it has not ended well')
      expect(await backups()).toEqual(before)
      expect((await readdir(join(home, 'sink/shop/data'))).length).toBe(before.length)
    })
  })
})
