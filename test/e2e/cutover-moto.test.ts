import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lookingLines } from '../../src/runbooks/cutover-elsewhere.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { type MendedMoto, startMendedMoto } from '../testbed/mended-moto.ts'
import { furnishMoto, NEW_HOST, OLD_HOST, SOURCE, TARGET } from '../testbed/moto-scene.ts'
import { startNameServer } from '../testbed/name-server.ts'
import { lacks } from '../testbed/requirement.ts'
import { MOTO_CREDENTIALS, type TypedPlan, typeLine, typeLines } from '../testbed/typed-lines.ts'

const LONGEST_MS = 120_000
const FROM = ['--source', SOURCE, '--target', TARGET, '--from', `${OLD_HOST}:3306`]
const TO = ['--to', `${NEW_HOST}:3306`]
/** Neither of the two databases is anywhere. */
const DANGERS = ['--accept', 'unseen-target', '--accept-split-brain']

describe.skipIf(lacks('aws'))('cutover on moto', { timeout: 3 * LONGEST_MS }, () => {
  let home: string
  let moto: S3Container
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-cutover-moto-'))
    moto = await startMotoContainer()
  })
  afterAll(async () => {
    await moto?.stop()
    await rm(home, { recursive: true, force: true })
  })

  let accounts = 300_000_000_000
  const open = async () => {
    accounts += 1
    const account = String(accounts)
    const place = await startMendedMoto(moto.endpoint, account)
    return { place, scene: await furnishMoto(place.endpoint, account, { kind: 'instance', encrypted: true }) }
  }
  const at = (place: MendedMoto) => {
    const env = { ...MOTO_CREDENTIALS, AWS_ENDPOINT_URL: place.endpoint }
    return {
      async done(...args: string[]) {
        const ran = await runLifeboat(['cutover', ...args, '--json'], { home, env, timeoutMs: LONGEST_MS })
        expect(ran, ran.stderr).toMatchObject({ exitCode: 0 })
        return JSON.parse(ran.stdout)
      },
      type: (line: string) => typeLine(line, moto, env),
      typeAll: (plan: TypedPlan) => typeLines(plan, moto, env),
    }
  }

  test.concurrent('TTLs lowered, names switched and put back: the printed lines do what the runs do', async () => {
    await using cleanup = new AsyncDisposableStack()
    const [one, other] = await Promise.all([open(), open()])
    cleanup.use(one.place)
    cleanup.use(other.place)
    const [running, typing] = [at(one.place), at(other.place)]
    const { address: fresh } = cleanup.use(await startNameServer(NEW_HOST))
    const { address: former } = cleanup.use(await startNameServer(OLD_HOST))

    await running.done('prepare', ...FROM)
    await typing.typeAll(await typing.done('prepare', ...FROM, '--dry-run'))
    const prepared = await one.scene.read()
    expect(await other.scene.read()).toEqual(prepared)
    expect(JSON.stringify(prepared)).toContain('"TTL":60')

    const switching = ['run', ...FROM, ...TO, ...DANGERS, '--resolver', fresh]
    const first = await running.done(...switching, '--confirm')
    await typing.typeAll(await typing.done(...switching, '--dry-run'))
    const switched = await one.scene.read()
    expect(await other.scene.read()).toEqual(switched)
    expect(JSON.stringify(switched)).toContain(NEW_HOST)
    expect(JSON.stringify(switched)).not.toContain(OLD_HOST)

    const back = (run: string) => ['rollback', '--of', run, ...DANGERS, '--resolver', former]
    await running.typeAll(await running.done(...back(first.run), '--dry-run'))
    expect(await one.scene.read()).toEqual(prepared)
    const again = await running.done(...switching, '--confirm')
    expect(await one.scene.read()).toEqual(switched)
    expect(await running.done(...back(again.run), '--confirm')).toMatchObject({ outcome: 'done' })
    expect(await one.scene.read()).toEqual(prepared)
  })

  test.concurrent('pairs of failover records: the printed lines do what the run does', async () => {
    await using cleanup = new AsyncDisposableStack()
    const [one, other] = await Promise.all([open(), open()])
    cleanup.use(one.place)
    cleanup.use(other.place)
    const [running, typing] = [at(one.place), at(other.place)]
    const args = ['prepare', ...FROM, ...TO, '--failover-records']

    const { run, afterwards } = await running.done(...args)
    const plan: TypedPlan = await typing.done(...args, '--dry-run')
    const [, planned = ''] = /"lifeboat:run ([\w-]+)"/.exec(JSON.stringify(plan).replaceAll('\\', '')) ?? []
    await typing.typeAll(plan)
    const state = await one.scene.read(run)
    expect(await other.scene.read(planned)).toEqual(state)
    expect(JSON.stringify(state).match(/"Failover":"\w+"/g)).toHaveLength(4)
    const [line = 'false'] = afterwards.join('\n').match(/aws cloudwatch put-metric-data .* --value 1/) ?? []
    await running.type(line)
    const query = "--query 'Metrics[].[Namespace,MetricName,Dimensions[0].Value][]' --output text"
    const metrics = await running.type(
      `aws cloudwatch list-metrics --region ${TARGET} --namespace lifeboat ${query}`,
    )
    expect(metrics.split(/\s+/)).toEqual(['lifeboat', 'cutover', OLD_HOST])
  })

  test.concurrent('what names the old endpoint elsewhere is found by the printed lines', async () => {
    await using cleanup = new AsyncDisposableStack()
    const { place } = await open()
    cleanup.use(place)
    const { type } = at(place)
    const holding = `mysql://app@${OLD_HOST}:3306/shop`
    const containers = JSON.stringify([
      { name: 'shop', image: 'shop', memory: 64, environment: [{ name: 'DATABASE', value: holding }] },
    ])
    const region = `--region ${SOURCE} --output text`
    for (const line of [
      `aws ssm put-parameter ${region} --name /shop/url --type SecureString --value '${holding}'`,
      `aws ssm put-parameter ${region} --name plain --type String --value other`,
      `aws secretsmanager create-secret ${region} --name shop --secret-string '{"host":"${OLD_HOST}"}'`,
      `aws secretsmanager create-secret ${region} --name other --secret-string other`,
      `aws ecs register-task-definition ${region} --family shop --container-definitions '${containers}'`,
      `aws dms create-endpoint ${region} --endpoint-identifier feed --endpoint-type source --engine-name mysql --server-name ${OLD_HOST}`,
    ])
      await type(line)
    const said = await Promise.all(
      lookingLines(SOURCE, OLD_HOST).map((line) => type(line.slice(line.indexOf(': ') + 2))),
    )
    expect(said.map((text) => text.trim().split(/\s+/))).toEqual([
      ['/shop/url'],
      expect.arrayContaining(['shop', 'True', 'other', 'False']),
      [''],
      [expect.stringMatching(/task-definition\/shop:1$/), 'True'],
      ['feed'],
    ])
  })
})
