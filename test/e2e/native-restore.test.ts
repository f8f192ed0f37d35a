import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNativeRestore } from '../../src/app/native-restore.ts'
import { createDecodeStages, openEngine, openSink } from '../../src/app/registry.ts'
import { runRunbook } from '../../src/app/run-runbook.ts'
import { openRunbookJournal } from '../../src/app/runbook-journal.ts'
import type { MigrateOptions } from '../../src/cli/migrate.ts'
import { openNative } from '../../src/cli/migrate-native.ts'
import { createReporter } from '../../src/cli/reporter.ts'
import type { VerbContext } from '../../src/cli/run-verb.ts'
import { readEnvironment } from '../../src/config/environment.ts'
import { createSecretSource } from '../../src/config/secret-reference.ts'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import { native } from '../../src/runbooks/native.ts'
import type { RegionPorts } from '../../src/runbooks/ports.ts'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { createWorld } from '../../src/simulation/world.ts'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { lacks } from '../testbed/requirement.ts'

const ROWS = 50
const RUN = { id: '20261122T210500Z-k3f9' }

/** A simulated AWS, and a real database at each end: what the instance would be is a server of this machine. */
describe.skipIf(lacks('mariadb'))('way native, with real databases', { timeout: 120_000 }, () => {
  let home: string
  let source: CliServer
  let target: CliServer
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lb-native-'))
    ;[source, target] = await Promise.all([startCliMariadb(), startCliMariadb()])
    await source.seed(ROWS)
    await writeFile(
      join(home, 'lifeboat.yaml'),
      `version: 1
sinks: { near: { url: file://${home}/sink } }
jobs: { shop: { source: { url: '${source.url}', password: env:DB_PASSWORD }, sinks: [near], encryption: false, classification: development } }
`,
    )
    const args = ['dump', 'shop', '--config', join(home, 'lifeboat.yaml')]
    const ran = await runLifeboat(args, { home, env: { DB_PASSWORD: source.password } })
    expect(ran.exitCode, ran.stderr).toBe(0)
  }, 120_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await target?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('stops where the password is wrong, goes on with the right one, and every row is there', async () => {
    const { signal } = new AbortController()
    const world = createWorld()
    const regions = { source: 'eu-west-1', target: 'eu-central-1' }
    furnish(world, { ...regions, db: 'shop', kind: 'instance', engine: 'mariadb', engineVersion: '10.11.6' })
    const { clock: virtual } = world.time
    // Hours of the cloud pass at once: the real restore must keep up with them.
    const clock: Clock = {
      ...virtual,
      async sleep(ms, inner) {
        await virtual.sleep(ms, inner)
        await setTimeout(10)
      },
    }
    const searchPath = process.env.PATH ?? ''

    async function run(password: string) {
      await using sink = await openSink(`file://${home}/sink`, {
        ...{ home, stateFolder: join(home, 'state'), agentSocket: undefined },
        ...{ password: undefined, passphrase: undefined },
      })
      await using restore = createNativeRestore({
        ...{ sink, job: 'shop', jobs: 1, folder: join(home, 'native'), clock: systemClock },
        openEngine: () =>
          openEngine(target.url, { searchPath, password: () => Promise.resolve(new Secret(password)) }),
        decoders: (manifest) =>
          createDecodeStages(manifest, { keys: [], passphrase: undefined, gpg: false, searchPath }),
        onEvent: () => undefined,
      })
      return await runRunbook(
        {
          ...{ way: native, run: RUN, clock, confirm: true, deadlineMs: native.deadlineMs },
          flags: {
            ...{ ...regions, db: ['shop'], targetId: 'shop-new', kmsKey: SCENE.keyAlias },
            securityGroup: [SCENE.securityGroup(regions.target)],
          },
          ports: { ...simulatedPorts(world, regions.source, regions.target), native: restore },
          journal: await openRunbookJournal({ folder: home, run: RUN.id, onEvent: () => undefined }, signal),
          onStep: () => undefined,
        },
        signal,
      )
    }
    await expect(run('wrong')).rejects.toMatchObject({
      ...{ code: 'step-failed', details: { step: 'restore-backup' } },
      hint: expect.stringContaining('secretsmanager get-secret-value'),
    })
    const report = await run(target.password)
    expect(report).toMatchObject({ outcome: 'done', attempts: 2 })
    expect(report.steps.find(({ id }) => id === 'restore-backup')).toMatchObject({
      seen: { rows: ROWS, verified: true },
    })
    expect(await target.look()).toEqual(await source.look())
    expect(world.calls.filter(({ operation }) => operation === 'rds:CreateDBInstance')).toHaveLength(1)
  })

  test('dumps the old database now, restores just that, and makes it once though it was stopped between', async () => {
    const { signal } = new AbortController()
    await using fresh = await startCliMariadb()
    const world = createWorld()
    const regions = { source: 'eu-west-1', target: 'eu-central-1' }
    furnish(world, { ...regions, db: 'shop', kind: 'instance', engine: 'mariadb', engineVersion: '10.11.6' })
    const { clock: virtual } = world.time
    const clock: Clock = {
      ...virtual,
      async sleep(ms, inner) {
        await virtual.sleep(ms, inner)
        await setTimeout(10)
      },
    }
    const {
      source: old,
      target: far,
      native: _,
      ...rest
    } = simulatedPorts(world, 'eu-west-1', 'eu-central-1')
    const ports = { ...rest, source: standingIn(old, source.url), target: standingIn(far, fresh.url) }
    const run = { id: '20261122T210500Z-d3mp' }
    const list = async () => {
      const listed = await runLifeboat(['list', '--at', `file://${home}/sink`, '--job', 'now', '--json'], {
        home,
      })
      return JSON.parse(listed.stdout).backups as { id: string }[]
    }
    const events: string[] = []

    async function start(options: Partial<MigrateOptions>, secrets: Record<string, string>) {
      const context = contextOf(home, secrets)
      await using opened = await openNative(
        {
          ...{ backups: `file://${home}/sink`, job: 'now', login: 'mariadb://lifeboat@any?tls=require' },
          ...{ password: 'env:NEW_PASSWORD', ...options },
        },
        context,
      )
      return await runRunbook(
        {
          ...{ way: native, run, clock, confirm: true, deadlineMs: native.deadlineMs },
          flags: {
            ...{ ...regions, db: ['shop'], targetId: 'shop-new', dumpNow: true },
            securityGroup: [SCENE.securityGroup(regions.target)],
          },
          ports: { ...ports, native: opened.port },
          journal: await openRunbookJournal({ folder: home, run: run.id, onEvent: () => undefined }, signal),
          onStep: ({ step, state }) => events.push(`${step} ${state}`),
        },
        signal,
      )
    }
    const first = { dumpNow: true, dumpPassword: 'env:OLD_PASSWORD', encryption: false }
    await expect(
      start(first, { OLD_PASSWORD: source.password, NEW_PASSWORD: 'wrong' }),
    ).rejects.toMatchObject({ code: 'step-failed', details: { step: 'restore-backup' } })
    const made = await list()
    expect(made).toHaveLength(1)
    // Goes on without what the dump needed: it is there.
    const report = await start({}, { NEW_PASSWORD: fresh.password })
    expect(report).toMatchObject({ outcome: 'done', attempts: 2 })
    expect(report.steps.find(({ id }) => id === 'restore-backup')).toMatchObject({
      seen: { backup: made[0]?.id, rows: ROWS, verified: true },
    })
    expect((await list()).map(({ id }) => id)).toEqual(made.map(({ id }) => id))
    expect(await fresh.look()).toEqual(await source.look())
    expect(events.indexOf('dump-now done')).toBeLessThan(events.indexOf('create-instance applying'))
  })

  test('says before anything begins what the dump would lack', async () => {
    const open = (options: Partial<MigrateOptions>) =>
      openNative({ backups: `file://${home}/sink`, dumpNow: true, ...options }, contextOf(home, {}))
    await expect(open({ login: 'mysql://admin@any' })).rejects.toMatchObject({
      ...{ code: 'usage', message: expect.stringContaining('no --recipient is named') },
    })
    await expect(open({ job: 'unheard-of' })).rejects.toMatchObject({
      ...{ code: 'usage', hint: expect.stringContaining('--dump-now, with --login') },
    })
    await using opened = await open({ job: 'shop', config: join(home, 'lifeboat.yaml') })
    expect(opened.port.dump?.plan).toMatchObject({
      ...{ job: 'shop', engine: 'mariadb', from: source.url },
      line: [
        'lifeboat',
        'dump',
        'shop',
        '--config',
        join(home, 'lifeboat.yaml'),
        '--to',
        `file://${home}/sink`,
      ],
    })
  })
})

/** What RDS would say to be the endpoint is a server of this machine. */
function standingIn(region: RegionPorts, url: string): RegionPorts {
  const { hostname, port } = new URL(url.replace(/^\w+:/, 'http:'))
  return {
    ...region,
    rds: {
      ...region.rds,
      async instance(id, signal) {
        const found = await region.rds.instance(id, signal)
        return found?.endpoint === undefined
          ? found
          : { ...found, endpoint: { host: hostname, port: Number(port) } }
      },
    },
  }
}

function contextOf(home: string, secrets: Record<string, string>): VerbContext {
  const environment = readEnvironment({
    ...{ PATH: process.env.PATH, HOME: home, LIFEBOAT_STATE_DIR: `${home}/state`, ...secrets },
  })
  const secret: VerbContext['secret'] = (option, reference, what) =>
    reference === undefined
      ? undefined
      : createSecretSource(
          reference,
          { option, what, confirm: false },
          {
            environment,
            ask: () => Promise.reject(new Error('nobody is there')),
            onWarning: () => undefined,
          },
        )
  const plannedSinkContext = () => ({
    ...{ home, stateFolder: environment.stateFolder, agentSocket: undefined },
    ...{ password: undefined, passphrase: undefined },
  })
  return {
    ...{ environment, secret, plannedSinkContext, sinkContext: plannedSinkContext },
    reporter: createReporter({ json: true, color: false, terminal: false }),
    signal: new AbortController().signal,
  }
}
