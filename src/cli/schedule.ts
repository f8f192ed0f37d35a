import { Argument, Command, Option } from 'commander'
import type { ScheduleFile } from '../app/schedule/schedule-file.ts'
import type { ScheduledJob } from '../app/schedule/scheduled-job.ts'
import type { LoadedConfig } from '../config/load.ts'
import { LifeboatError } from '../core/errors.ts'
import { helpTail, need, option, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

interface ScheduleOptions {
  readonly config?: string
  readonly all?: boolean
  readonly format?: 'systemd' | 'cron' | 'kubernetes'
  readonly install?: boolean
  readonly user?: boolean
  readonly runAs?: string
  readonly command?: string
  readonly image?: string
  readonly shards?: number
  readonly json?: boolean
}

export function scheduleCommand(done: (exitCode: number) => void): Command {
  return new Command('schedule')
    .summary('print or install timers that run the jobs')
    .description(
      'Prints what runs jobs at their schedule: hardened systemd units, a crontab or Kubernetes CronJobs. With ' +
        '--install it writes the units or the crontab to their place; it starts nothing.',
    )
    .addArgument(new Argument('[jobs...]', 'jobs of the configuration that have a schedule'))
    .option('--all', 'every job that has a schedule')
    .addOption(
      new Option('--format <name>', 'what runs them (default: systemd)').choices([
        'systemd',
        'cron',
        'kubernetes',
      ]),
    )
    .option('--install', 'write to /etc/systemd/system, or with --format cron to /etc/cron.d/lifeboat')
    .option('--user', "systemd: units of one's own, in ~/.config/systemd/user")
    .option('--run-as <account>', 'account that runs the jobs (default: root)')
    .option('--command <path>', 'full path of lifeboat there (default: of this one)')
    .option('--image <image>', 'kubernetes: container image, whose entry point is lifeboat')
    .addOption(
      new Option(
        '--shards <n>',
        'kubernetes: one Indexed Job of so many pods that divide all jobs',
      ).argParser(parseWhole(1, 1000)),
    )
    .addOption(option.config())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat schedule shop',
          'lifeboat schedule --all --install --run-as lifeboat',
          'lifeboat schedule --all --format cron | crontab -',
          'lifeboat schedule --all --format kubernetes --image example.com/lifeboat --shards 8 | kubectl apply -f -',
        ],
        [
          [0, 'printed, or written'],
          [3, 'a job has no schedule, or needs somebody who types; or the place can not be written'],
        ],
      ),
    )
    .action(async (jobs: readonly string[], options: ScheduleOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => schedule(jobs, options, context)))
    })
}

async function schedule(
  names: readonly string[],
  options: ScheduleOptions,
  context: VerbContext,
): Promise<Outcome> {
  const format = options.format ?? 'systemd'
  refuseContradictions(names, format, options)
  const [{ needConfig }, { resolve }] = await Promise.all([
    import('../config/find-config.ts'),
    import('node:path'),
  ])
  const found = await needConfig(options.config, context.environment)
  const loaded = { ...found, path: resolve(found.path) }
  const jobs = await chooseJobs(names, options, loaded)
  const files = await filesOf(jobs, format, options, loaded, context)
  if (options.install !== true) {
    const shown = files.map(({ name, text }) => (files.length === 1 ? text : `# ${name}\n${text}`))
    return { text: shown.join('\n'), json: (warnings) => ({ format, files, installed: false, warnings }) }
  }
  return install(jobs, files, format, options, context)
}

function refuseContradictions(
  names: readonly string[],
  format: NonNullable<ScheduleOptions['format']>,
  options: ScheduleOptions,
): void {
  const { all = false, install = false, user = false, runAs, command, image, shards } = options
  const kubernetes = format === 'kubernetes'
  const refusals: readonly (readonly [boolean, string, string])[] = [
    [!all && names.length === 0, 'no job is named', 'Name jobs of the configuration, or add --all.'],
    [
      all && names.length > 0,
      `--all and ${names.join(', ')} contradict each other`,
      'Leave out one of them.',
    ],
    [user && format !== 'systemd', '--user is for systemd units', 'Leave out --user or --format.'],
    [user && runAs !== undefined, '--user and --run-as contradict each other', 'Leave out one of them.'],
    [
      kubernetes && (install || runAs !== undefined || command !== undefined),
      '--install, --run-as and --command are not for Kubernetes',
      'Leave them out, and give what is printed to: kubectl apply -f -',
    ],
    [
      !kubernetes && (image !== undefined || shards !== undefined),
      '--image and --shards are for Kubernetes',
      'Leave them out, or add --format kubernetes.',
    ],
    [
      shards !== undefined && !all,
      '--shards divides all jobs',
      'Write --all instead of the names of jobs, or leave out --shards.',
    ],
  ]
  const refusal = refusals.find(([wrong]) => wrong)
  if (refusal === undefined) return
  throw new LifeboatError('usage', `unable to start: ${refusal[1]}`, { hint: refusal[2] })
}

async function chooseJobs(
  names: readonly string[],
  { all = false, shards }: ScheduleOptions,
  loaded: LoadedConfig,
): Promise<readonly ScheduledJob[]> {
  const [{ jobNames, resolveJob }, { toScheduledJob }] = await Promise.all([
    import('../config/job.ts'),
    import('../app/schedule/scheduled-job.ts'),
  ])
  // `dump --all` of a shard runs every job, so each must say when.
  const chosen = !all
    ? [...new Set(names)]
    : jobNames(loaded).filter(
        (name) => shards !== undefined || resolveJob(loaded, name).schedule !== undefined,
      )
  if (chosen.length === 0) {
    throw new LifeboatError('config', `unable to schedule: no job of '${loaded.path}' has a schedule`, {
      hint: "Write for example jobs.NAME.schedule: '30 3 * * *'.",
    })
  }
  return chosen.map((name) => toScheduledJob(loaded, name))
}

async function filesOf(
  jobs: readonly ScheduledJob[],
  format: NonNullable<ScheduleOptions['format']>,
  options: ScheduleOptions,
  { path: config }: LoadedConfig,
  { environment, reporter }: VerbContext,
): Promise<readonly ScheduleFile[]> {
  const { user = false, runAs, install = false, shards } = options
  if (format === 'kubernetes') {
    const { toCronJobs, toIndexedCronJob } = await import('../app/schedule/kubernetes.ts')
    const image = need(options.image, '--image', 'the container image', 'example.com/lifeboat:1')
    const folders = [...new Set(jobs.flatMap(({ writes }) => writes))]
    if (folders.length > 0) {
      reporter.warn({
        message: `the pod as it is printed can not write to ${folders.join(', ')}, which the configuration names`,
        hint: 'mount a volume at each (for sinks, log, metrics and audit log); a run whose audit log can not be written does not start',
      })
    }
    return [
      shards === undefined
        ? toCronJobs(jobs, { config, image })
        : toIndexedCronJob(jobs, shards, { config, image }),
    ]
  }
  const command = await commandOf(options)
  if (format === 'cron') {
    const { toCrontab } = await import('../app/schedule/crontab.ts')
    // Lines of /etc/cron.d name an account, those of crontab(1) don't.
    return [toCrontab(jobs, { command, config, runAs: install ? (runAs ?? 'root') : runAs })]
  }
  const { toSystemdUnits } = await import('../app/schedule/systemd.ts')
  const { stateFolder } = environment
  return jobs.flatMap((job) => toSystemdUnits(job, { command, config, user, runAs, stateFolder }))
}

async function commandOf({ command }: ScheduleOptions): Promise<string> {
  const [{ isAbsolute }, { fileURLToPath }] = await Promise.all([import('node:path'), import('node:url')])
  if (command === undefined) return fileURLToPath(new URL('../../scripts/lifeboat', import.meta.url))
  if (isAbsolute(command)) return command
  throw new LifeboatError('usage', `unable to start: --command '${command}' is not a full path`, {
    hint: 'Timers have no PATH of yours: write it like /usr/local/bin/lifeboat.',
  })
}

async function install(
  jobs: readonly ScheduledJob[],
  files: readonly ScheduleFile[],
  format: string,
  { user = false }: ScheduleOptions,
  { environment, reporter }: VerbContext,
): Promise<Outcome> {
  const { installSchedule } = await import('../app/schedule/install-schedule.ts')
  const folder = format === 'cron' ? '/etc/cron.d' : user ? environment.userUnitFolder : '/etc/systemd/system'
  const paths = await installSchedule(folder, files)
  if (user) {
    // The service sees it writable only if it is there.
    const { makeFolders } = await import('../core/make-folders.ts')
    await makeFolders(environment.stateFolder)
  }
  reporter.close()
  if (format === 'systemd') {
    const systemctl = user ? 'systemctl --user' : 'systemctl'
    const timers = jobs.map(({ name }) => `lifeboat-${name}.timer`).join(' ')
    reporter.say(`start them with: ${systemctl} daemon-reload && ${systemctl} enable --now ${timers}`)
  }
  return {
    text: paths.map((path) => `${path}\n`).join(''),
    json: (warnings) => ({
      format,
      files: files.map((file, index) => ({ ...file, path: paths[index] })),
      installed: true,
      warnings,
    }),
  }
}
