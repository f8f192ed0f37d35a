import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { type MendedMoto, startMendedMoto } from '../testbed/mended-moto.ts'
import { furnishMoto, type MotoScene, type MotoSceneOptions, SOURCE, TARGET } from '../testbed/moto-scene.ts'
import { lacks } from '../testbed/requirement.ts'
import { MOTO_CREDENTIALS, type TypedPlan, typeLine, typeLines } from '../testbed/typed-lines.ts'

interface Opened {
  readonly place: MendedMoto
  readonly scene: MotoScene
}

/** No database answers on moto. */
const UNREACHED = ['--accept', 'unreached']
const LANDING = ['--subnet-group', 'private', '--class', 'db.r6g.large']
const WAYS: readonly (MotoSceneOptions & {
  name: string
  args: readonly string[]
})[] = [
  {
    ...{ name: 'copy-snapshot of an instance', kind: 'instance', encrypted: true },
    args: ['copy-snapshot', '--target-id', 'shop-new', '--kms-key', 'alias/databases'],
  },
  {
    ...{ name: 'copy-snapshot of an unencrypted instance, new', kind: 'instance', encrypted: false },
    args: ['copy-snapshot', '--snapshot', 'new', '--kms-key', 'alias/databases', '--no-multi-az'],
  },
  {
    ...{ name: 'copy-snapshot of a cluster', kind: 'cluster', encrypted: true },
    args: ['copy-snapshot', '--snapshot', 'new', '--kms-key', 'alias/databases'],
  },
  {
    ...{ name: 'restore-snapshot of an instance', kind: 'instance', encrypted: true },
    args: ['restore-snapshot', '--snapshot', 'shop-across', '--parameter-group', 'tuned', ...LANDING],
  },
  {
    ...{ name: 'restore-snapshot of an unencrypted instance', kind: 'instance', encrypted: false },
    args: [
      ...['restore-snapshot', '--snapshot', 'shop-across', '--kms-key', 'alias/databases', '--no-multi-az'],
      ...['--zone', 'eu-central-1b', '--option-group', 'standard', ...LANDING],
    ],
  },
  {
    ...{ name: 'restore-snapshot of a cluster', kind: 'cluster', encrypted: true },
    args: ['restore-snapshot', '--snapshot', 'shop-across', '--target-id', 'shop-new', ...LANDING],
  },
  {
    ...{ name: 'prepare', kind: 'instance', encrypted: true, bare: true },
    args: ['prepare', '--subnet-group', 'private'],
  },
  {
    ...{ name: 'promote-replica', kind: 'instance', encrypted: true },
    args: ['promote-replica', '--accept-split-brain', '--recreate-replica', '--kms-key', 'alias/databases'],
  },
]
const KILLED = ['CopyDBSnapshot', 'RestoreDBInstanceFromDBSnapshot', 'ModifyDBInstance'].map((action) => ({
  ...{ action, kind: 'instance' as const, encrypted: true },
  way: ['copy-snapshot', '--kms-key', 'alias/databases', '--backup-days', '14'],
}))

/** What moto has carried out. */
function changesOf(calls: MendedMoto['calls']): readonly string[] {
  return calls.flatMap(({ action, status }) =>
    status === 200 && !action.startsWith('Describe') ? [action] : [],
  )
}

/** Of one run. */
const LONGEST_MS = 120_000
const REGIONS = ['--source', SOURCE, '--target', TARGET, '--db', 'shop']

describe.skipIf(lacks('aws'))('ways out on moto', { timeout: 3 * LONGEST_MS }, () => {
  let home: string
  let motos: readonly [S3Container, S3Container]
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-migrate-moto-'))
    motos = await Promise.all([startMotoContainer(), startMotoContainer()])
  })
  afterAll(async () => {
    for (const moto of motos) await moto.stop()
    await rm(home, { recursive: true, force: true })
  })

  let accounts = 100_000_000_000
  /** The same account, by itself, in either moto. */
  const open = (options: MotoSceneOptions) => {
    accounts += 1
    const account = String(accounts)
    return Promise.all(
      motos.map(async ({ endpoint }) => {
        const place = await startMendedMoto(endpoint, account)
        return { place, scene: await furnishMoto(place.endpoint, account, options) }
      }),
    )
  }
  const env = (place: MendedMoto) => ({ ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: place.endpoint })
  const migrate = (place: MendedMoto, args: readonly string[], own = home) =>
    lifeboat(place, ['migrate', ...args], own)
  const lifeboat = (place: MendedMoto, args: readonly string[], own = home) =>
    runLifeboat([...args, '--json'], { home: own, env: env(place), timeoutMs: LONGEST_MS })

  test.concurrent.each(WAYS)(
    '$name: the printed lines do what the run does',
    async ({ args, ...options }) => {
      await using cleanup = new AsyncDisposableStack()
      const [one, other] = (await open(options)) as [Opened, Opened]
      cleanup.use(one.place)
      cleanup.use(other.place)
      expect(await one.scene.read()).toEqual(await other.scene.read())

      const group = ({ scene }: Opened) => [
        ...(args[0] === 'prepare' ? [] : UNREACHED),
        ...(['promote-replica', 'prepare'].includes(args[0] ?? '')
          ? []
          : ['--security-group', scene.securityGroup]),
      ]
      const ran = await migrate(one.place, [...args, ...REGIONS, ...group(one), '--confirm'])
      expect(ran, ran.stderr).toMatchObject({ exitCode: 0 })
      const { run } = JSON.parse(ran.stdout)

      const shown = await migrate(other.place, [...args, ...REGIONS, ...group(other), '--dry-run'])
      expect(shown, shown.stderr).toMatchObject({ exitCode: 0 })
      const plan: TypedPlan = JSON.parse(shown.stdout)
      const [, planned = ''] = /lifeboat:run,Value=([\w-]+)/.exec(shown.stdout) ?? []
      await typeLines(plan, motos[1], env(other.place))

      expect(await other.scene.read(planned)).toEqual(await one.scene.read(run))
    },
  )

  test.concurrent.each(KILLED)(
    'killed once $action is done, it goes on: nothing twice',
    async ({ action, way, ...options }) => {
      await using cleanup = new AsyncDisposableStack()
      const [{ place, scene }] = (await open(options)) as [Opened, Opened]
      cleanup.use(place)
      const furnished = place.calls.length
      const group = ['--security-group', scene.securityGroup]
      const args = [...way, ...REGIONS, ...group, ...UNREACHED, '--confirm', '--json']
      const own = join(home, `killed-${action}`)
      const first = startLifeboat(['migrate', ...args], { home: own, env: env(place), timeoutMs: LONGEST_MS })
      place.loseAnswer(action, () => first.kill('SIGKILL'))
      const { signal, stderr } = await first
      expect(signal, stderr).toBe('SIGKILL')
      const [run = ''] = await readdir(join(own, 'state/runbooks'))
      const second = await migrate(place, [...way, ...REGIONS, '--resume', run, '--confirm'], own)
      expect(second, second.stderr).toMatchObject({ exitCode: 0 })
      expect(JSON.parse(second.stdout)).toMatchObject({ run, outcome: 'done', attempts: 2 })
      expect(changesOf(place.calls.slice(furnished))).toEqual([
        'CopyDBSnapshot',
        'RestoreDBInstanceFromDBSnapshot',
        'ModifyDBInstance',
      ])
    },
  )

  test.concurrent('one that lets in more than the source stops the run, and the line that it prints mends it', async () => {
    await using cleanup = new AsyncDisposableStack()
    const [{ place, scene }] = (await open({ kind: 'instance', encrypted: true })) as [Opened, Opened]
    cleanup.use(place)
    const type = (line: string) => typeLine(line, motos[0], env(place))
    const everybody = '--protocol tcp --port 3306 --cidr 0.0.0.0/0'
    await type(
      `aws ec2 authorize-security-group-ingress --region ${TARGET} --group-id ${scene.securityGroup} ${everybody}`,
    )
    const way = ['copy-snapshot', '--kms-key', 'alias/databases', ...REGIONS, ...UNREACHED]
    const weak = await migrate(place, [...way, '--security-group', scene.securityGroup])
    expect(weak, weak.stderr).toMatchObject({ exitCode: 42 })
    const { step, run, report } = JSON.parse(weak.stderr).error.details
    expect(step).toBe('parity')
    const rows: readonly { name: string; state: string; lines?: readonly string[] }[] = report.steps.find(
      ({ id }: { id: string }) => id === 'parity',
    ).checks
    const failed = rows.filter(({ state }) => state === 'failed')
    expect(failed.map(({ name }) => name)).toEqual(['security-groups'])
    for (const line of failed[0]?.lines ?? []) await type(line)
    const mended = await migrate(place, [...way, '--resume', run])
    expect(mended, mended.stderr).toMatchObject({ exitCode: 0 })
  })
})
