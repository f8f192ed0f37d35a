import { Command } from 'commander'
import { ERROR_CODES, LifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { showCount } from './amounts.ts'
import { bucketFix } from './doctor-bucket.ts'
import { findingJson, findingText } from './finding-text.ts'
import { helpTail, option, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { columnsOf } from './wrap.ts'

export interface DoctorOptions {
  readonly from?: string
  readonly into?: string
  readonly to?: string
  readonly at?: string
  readonly job?: string
  readonly recipient?: readonly string[]
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly password?: string
  readonly staging?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly config?: string
  readonly offline?: boolean
  readonly fixBucket?: boolean
  readonly createBucket?: boolean
  readonly logBucket?: string
  readonly lockDays?: number
  readonly confirm?: boolean
}

export function doctorCommand(done: (exitCode: number) => void): Command {
  return new Command('doctor')
    .summary('find out beforehand what would stand in the way')
    .description(
      'Looks at all that a dump or a restore will need and says of each: ok, warning or failure, with what to ' +
        'do. It goes on after a failure. Give it the options of the run that you plan; with none it looks at ' +
        'the tools of this machine.',
    )
    .argument('[job]', 'a job of the configuration: what it needs, and what its class demands')
    .option('--from <database-url>', 'a database that is to be dumped')
    .option('--into <database-url>', 'a server that is to be restored into')
    .option(
      '--to <sink>',
      'a sink to write to, by URL or name of the configuration: a small probe object is written, read back and deleted',
    )
    .option('--at <sink>', 'a sink to read from: its newest backup is looked at')
    .addOption(option.recipient())
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.password())
    .addOption(option.staging())
    .addOption(option.job())
    .addOption(option.config())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .option(
      '--offline',
      'what would still work with every AWS API dead; asks none, and does not log in to the database',
    )
    .option(
      '--fix-bucket',
      'show what the bucket of --to lacks, as lines of the AWS CLI; nothing else is looked at',
    )
    .option('--create-bucket', 'show how to make the bucket of --to, with all of it')
    .option('--confirm', 'with --fix-bucket or --create-bucket: do it')
    .option('--log-bucket <name>', 'where access logs go (default: the name of the bucket and -logs)')
    .option(
      '--lock-days <days>',
      'how long Object Lock keeps each version (default: 14)',
      parseWhole(1, 36_500),
    )
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat doctor',
          'lifeboat doctor shop',
          'lifeboat doctor --from mysql://backup@db.example.com --password prompt: \\',
          '  --to file:///backups --recipient shop.pub.asc',
          'lifeboat doctor --at file:///backups --key shop.sec.asc --passphrase prompt:',
        ],
        [
          [0, 'all is ok, or only warnings'],
          ['other', 'that of the first failure, as a run would end with it'],
        ],
      ),
    )
    .action(async (job: string | undefined, options: DoctorOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => doctor(job, options, context)))
    })
}

async function doctor(job: string | undefined, given: DoctorOptions, context: VerbContext): Promise<Outcome> {
  const { environment, signal } = context
  const doctored =
    job === undefined ? undefined : await (await import('./doctor-job.ts')).doctoredJob(job, given, context)
  const options = doctored?.options ?? given
  const fixing = await bucketFix(options, context)
  if (fixing !== undefined) return fixing
  const databaseUrl = onlyOne(options.from, options.into, '--from', '--into')
  const sinkUrl = onlyOne(options.to, options.at, '--to', '--at')
  const { key: keys = [], gpg = false } = options
  const passwordOption = doctored?.passwordOption ?? '--password'
  const password = context.secret(passwordOption, options.password, 'password of the database account')
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const address =
    sinkUrl === undefined
      ? undefined
      : await sinkAddress(sinkUrl, options.to === undefined ? '--at' : '--to', options, context)
  const [registry, { runDoctor }, { systemClock }, { checkJobName }, { defaults }] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/doctor.ts'),
    import('../core/clock.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
  ])
  const { searchPath, stateFolder } = environment
  await using staging =
    options.staging === undefined
      ? undefined
      : registry.stagingAt(options.staging, context.sinkContext(options))
  const findings: Finding[] = []
  const decryption = keys.length > 0 || gpg ? { keys, passphrase, gpg, searchPath } : undefined
  const common = {
    recipients: options.recipient ?? [],
    decryption,
    searchPath,
    stateFolder,
    clock: systemClock,
  }
  const checks = options.offline
    ? (await import('../app/doctor-offline.ts')).runDoctorOffline(
        {
          ...common,
          database: databaseUrl,
          sink: address && { url: address.url, use: options.to === undefined ? 'read' : 'write' },
          config: async () => {
            const { findConfig } = await import('../config/find-config.ts')
            return (await findConfig(options.config, environment))?.path
          },
          aws: environment.aws,
        },
        signal,
      )
    : runDoctor(
        {
          ...common,
          database:
            databaseUrl === undefined
              ? undefined
              : {
                  role: options.from === undefined ? 'target' : 'source',
                  url: databaseUrl,
                  open: () =>
                    registry.openEngine(databaseUrl, {
                      searchPath,
                      ...(password !== undefined && { password }),
                      ...(staging !== undefined && { staging: staging.open }),
                    }),
                },
          sink:
            address === undefined
              ? undefined
              : {
                  use: options.to === undefined ? 'read' : 'write',
                  url: address.url,
                  job: checkJobName(options.job ?? defaults.job),
                  open: () => registry.openSink(address.url, address.context),
                },
        },
        signal,
      )
  const { writeResult } = await import('./write-result.ts')
  const color = process.stdout.isTTY === true && environment.color
  for (const some of [checks, ...(doctored === undefined ? [] : [doctored.more])]) {
    for await (const finding of some) {
      findings.push(finding)
      if (!options.json) await writeResult(findingText(finding, color, columnsOf(process.stdout)))
    }
  }
  const first = findings.find(({ level }) => level === 'failure')
  const exitCode = first === undefined ? 0 : ERROR_CODES[first.code ?? 'unsupported'].exit
  return {
    text: verdict(findings),
    json: (warnings) => ({ ok: exitCode === 0, exitCode, checks: findings.map(findingJson), warnings }),
    exitCode,
  }
}

function onlyOne(
  one: string | undefined,
  other: string | undefined,
  oneName: string,
  otherName: string,
): string | undefined {
  if (one === undefined || other === undefined) return one ?? other
  throw new LifeboatError(
    'usage',
    `unable to start: doctor looks at ${oneName} or ${otherName}, not at both`,
    {
      hint: 'Run it once for each.',
    },
  )
}

function verdict(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  return `${count('ok')} ok, ${showCount(count('warning'), 'warning')}, ${showCount(count('failure'), 'failure')}\n`
}
