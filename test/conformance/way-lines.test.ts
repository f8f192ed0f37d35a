import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { planRunbook } from '../../src/app/run-runbook.ts'
import { simulateCloud } from '../../src/app/simulate-cloud.ts'
import { loadCutover, loadWay, WAY_NAMES } from '../../src/app/ways.ts'
import type { Runbook } from '../../src/core/runbook.ts'
import { shellLine } from '../../src/core/shell-line.ts'
import { lookingLines } from '../../src/runbooks/cutover-elsewhere.ts'
import { CUTOVERS } from '../../src/runbooks/cutover-options.ts'
import { mendLines } from '../../src/runbooks/mend-lines.ts'
import { native } from '../../src/runbooks/native.ts'
import { PARITY_CHECKS } from '../../src/runbooks/parity.ts'
import type { CloudPorts } from '../../src/runbooks/ports.ts'
import { findDatabase, type Posture } from '../../src/runbooks/posture.ts'
import { alarmLine } from '../../src/runbooks/verify-checks.ts'
import type { WayFlags } from '../../src/runbooks/way-flags.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { lacks } from '../testbed/requirement.ts'

const RUN = { id: '20261122T210500Z-k3f9' }

/** Plans that have lines which the examples of the documents have not. */
const VARIANTS: readonly (readonly ['instance' | 'cluster', string, WayFlags])[] = [
  ['instance', 'promote-replica', { recreateReplica: true, kmsKey: 'alias/databases' }],
  ['instance', 'copy-snapshot', { snapshot: 'new', multiAz: false, zone: ['eu-central-1a'] }],
  ['instance', 'restore-snapshot', { parameterGroup: 'tuned', multiAz: false, zone: ['eu-central-1a'] }],
  ['instance', 'restore-replicated-backup', { parameterGroup: 'tuned' }],
  ['cluster', 'copy-snapshot', { snapshot: 'new' }],
  ['cluster', 'restore-snapshot', { parameterGroup: 'tuned' }],
  ['instance', 'native', { dumpNow: true, multiAz: false, zone: ['eu-central-1a'] }],
  ['cluster', 'native', { parameterGroup: 'tuned' }],
  ['cluster', 'aurora-failover', {}],
  ['cluster', 'aurora-failover', { failover: true, accept: ['data-loss', 'split-brain'] }],
]

/** What moto lacks is typed at least as far as the AWS command line itself goes: up to the request. */
describe.skipIf(lacks('aws'))('lines of ways as the AWS command line reads them', { timeout: 90_000 }, () => {
  let moto: S3Container
  beforeAll(async () => {
    moto = await startMotoContainer()
  })
  afterAll(() => moto.stop())

  /** What the program says of lines that it does not send. */
  const refused = async (runbooks: readonly Runbook<CloudPorts>[]) => {
    const all = runbooks.flatMap(({ steps }) =>
      steps.flatMap((step) => [...step.command(), ...[step.check() ?? []].flat()]),
    )
    const lines = all.filter(({ argv }) => argv[0] === 'aws')
    const printed = new Map(
      all.flatMap(({ argv: [program, format = ''], assign }) =>
        program === 'printf' ? [[`$${assign}`, format.replaceAll('%s', 'known-by-then')]] : [],
      ),
    )
    const said = await send(lines.map(({ argv }) => argv.map((word) => printed.get(word) ?? word)))
    const wrong = lines.flatMap((line, index) =>
      said[index]?.includes(SENT) === true ? [] : [`${shellLine(line)}: ${said[index]}`],
    )
    return { wrong, count: lines.length }
  }

  /** One after the other in one process: to start it takes far longer than to read a line. */
  const send = async (lines: readonly (readonly string[])[]): Promise<readonly string[]> => {
    const [python, ...words] = moto.container.program('python3')
    const input = lines.map((argv) => `${JSON.stringify(argv)}\n`).join('')
    const { stdout } = await execa(python, [...words, '-c', READER], { input, env: NOWHERE })
    return stdout.split('\n').map((line) => JSON.parse(line))
  }

  test('a line with an unknown option, a wrong value or a wrong question is found out', async () => {
    const look = ['aws', 'rds', 'describe-db-instances', '--region', 'eu-west-1']
    const [sent, ...wrong] = await send([
      look,
      [...look, '--db-instance-identifiers', 'x'],
      [...look, '--max-items', 'many'],
      [...look, '--query', 'DBInstances[0].[a'],
      ['aws', 'rds', 'failover-global-cluster', '--region', 'eu-west-1', '--global-cluster-identifier', 'x'],
    ])
    expect(sent).toContain(SENT)
    expect(wrong).toHaveLength(4)
    for (const said of wrong) expect(said).not.toContain(SENT)
  })

  test.each(WAY_NAMES)('%s, as the documents have it', async (name) => {
    const { plan, example } = await loadWay(name)
    const { wrong, count } = await refused([plan(example.options, example.facts, RUN)])
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(1)
  })

  test.each(CUTOVERS)('cutover %s', async (kind) => {
    const { plan, example } = await loadCutover(kind)
    expect(await refused([plan(example.options, example.facts, RUN)])).toMatchObject({ wrong: [] })
  })

  test('cutover prepare --failover-records', async () => {
    const { plan, choose, example } = await loadCutover('prepare')
    const options = choose({
      ...{ source: 'eu-west-1', target: 'eu-central-1', failoverRecords: true },
      ...{ from: 'old.example.com:3306', to: 'new.example.com:3306' },
    })
    const { wrong, count } = await refused([plan(options, example.facts, RUN)])
    expect(wrong).toEqual([])
    expect(count).toBe(7)
  })

  test('what looks for the old endpoint elsewhere is read by the program, too', async () => {
    const lines = lookingLines('eu-west-1', 'old.example.com')
    const calls = lines.flatMap((line) => line.match(/\baws (?:[^"$;)]|"[^"]*")+/g) ?? [])
    expect(calls).toHaveLength(7)
    const argvs = calls.map((call) =>
      [...call.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
    )
    for (const said of await send(argvs)) expect(said).toContain(SENT)
  })

  test('tags, roles and all that another database had', async () => {
    const { options, facts } = native.example
    const tags = { 'paid by': 'a, "b" = \\c', empty: '', team: 'Zoë' }
    const told = { licenseModel: 'bring-your-own-license', characterSet: 'AL32UTF8', timeZone: 'UTC' }
    const roles = [{ role: 'arn:aws:iam::111122223333:role/import', feature: 'S3_INTEGRATION' }]
    const model = facts.model === null ? null : { ...facts.model, ...told, tags, roles }
    const runbook = native.plan(options, { ...facts, model }, RUN)
    expect(await refused([runbook])).toMatchObject({ wrong: [] })
    const serverless = { minCapacity: 0.5, maxCapacity: 8 }
    const aurora = {
      kind: 'cluster',
      engine: 'aurora-mysql',
      storage: null,
      serverless,
      storageType: 'aurora-iopt1',
    } as const
    const cluster = model === null ? null : { ...model, ...aurora, instances: 2 }
    const made = native.plan(options, { ...facts, model: cluster, instanceParameterGroup: 'own' }, RUN)
    expect(made.steps.map(({ id }) => id)).toContain('create-cluster')
    expect(await refused([made])).toMatchObject({ wrong: [] })
  })

  test.each(VARIANTS)('with an %s: %s %j', async (kind, name, more) => {
    const flags = { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'], ...more }
    using cloud = simulateCloud(flags, kind, [])
    const way = await loadWay(name)
    const { signal } = new AbortController()
    const { ports, clock } = cloud
    const { runbook } = await planRunbook({ way, flags: cloud.flags, ports, run: RUN, clock }, signal)
    expect(await refused([runbook])).toMatchObject({ wrong: [] })
  })

  test.each(['instance', 'cluster'] as const)('what mends a weaker %s, and makes an alarm', async (kind) => {
    using cloud = simulateCloud({ source: 'eu-west-1', target: 'eu-central-1', db: ['shop'] }, kind, [])
    const { signal } = new AbortController()
    const found = await findDatabase(cloud.ports.source, 'shop', signal, kind)
    if (found === undefined) throw new Error('the scene has no database')
    const weakness = { region: 'eu-west-1', found, source: STRONG, target: WEAK }
    const lines = [
      ...PARITY_CHECKS.flatMap((name) => mendLines(name, weakness)),
      alarmLine('eu-west-1', found),
    ]
    expect(lines.length).toBeGreaterThan(PARITY_CHECKS.length)
    const said = await send(lines.map(({ argv }) => argv))
    expect(said.filter((answer) => !answer.includes(SENT))).toEqual([])
  })
})

const STRONG: Posture = {
  ...{ encrypted: true, public: false, tlsForced: true, deletionProtection: true, backupDays: 7 },
  ...{ logExports: ['error', 'audit'], iamAuthentication: true, parameters: { b: 'x, y=z', a: '1' } },
  inbound: [],
}
const WEAK: Posture = {
  ...{ encrypted: false, public: true, tlsForced: false, deletionProtection: false, backupDays: 1 },
  ...{ logExports: [], iamAuthentication: false, parameters: {} },
  inbound: [
    { groupId: 'sg-0123456789abcdef0', protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '0.0.0.0/0' },
    { groupId: 'sg-0123456789abcdef0', protocol: '-1', peer: '::/0' },
  ],
}

const SENT = 'Could not connect to the endpoint URL'

/** The program itself, without the process of each line. */
const READER = `
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            create_clidriver().main(json.loads(line)[1:])
        except SystemExit as ended:
            said.write(str(ended.code))
    print(json.dumps(said.getvalue()), flush=True)
`

/** Credentials for a request that never leaves, and a place where nobody listens. */
const NOWHERE = {
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  AWS_MAX_ATTEMPTS: '1',
  AWS_ACCESS_KEY_ID: 'lifeboat',
  AWS_SECRET_ACCESS_KEY: 'not-so-secret',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  PYTHONWARNINGS: 'ignore',
}
