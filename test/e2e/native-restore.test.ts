import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNativeRestore } from '../../src/app/native-restore.ts'
import { createDecodeStages, openEngine, openSink } from '../../src/app/registry.ts'
import { runRunbook } from '../../src/app/run-runbook.ts'
import { openRunbookJournal } from '../../src/app/runbook-journal.ts'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import { native } from '../../src/runbooks/native.ts'
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
})
