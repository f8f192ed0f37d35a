import { dirname, join } from 'node:path'
import { normaliseCron } from '../../config/cron-expression.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import { dumpArguments, inSeconds, MARK, type ScheduleFile, type ScheduleSettings } from './schedule-file.ts'
import type { ScheduledJob } from './scheduled-job.ts'

export interface CrontabSettings extends ScheduleSettings {
  /** For /etc/cron.d, whose lines name the account; undefined for a person's own crontab. */
  readonly runAs: string | undefined
}

/** One line for each job. */
export function toCrontab(jobs: readonly ScheduledJob[], settings: CrontabSettings): ScheduleFile {
  const lines = [
    MARK,
    'SHELL=/bin/sh',
    // cron's own is /usr/bin:/bin.
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...jobs.flatMap((job) => [
      ...(job.variables.length === 0 ? [] : [`# ${envFile(job, settings)} sets ${job.variables.join(', ')}`]),
      [normaliseCron(job.schedule), ...(settings.runAs === undefined ? [] : [settings.runAs])].join(' ') +
        ` ${commandOf(job, settings)}`,
    ]),
  ]
  return { name: 'lifeboat', text: `${lines.join('\n')}\n` }
}

function commandOf(job: ScheduledJob, settings: CrontabSettings): string {
  const jitter = job.jitterMs === undefined ? [] : ['--jitter', `${inSeconds(job.jitterMs)}s`]
  const command = [settings.command, ...dumpArguments(job.name, settings), ...jitter]
    .map(shellQuote)
    .join(' ')
  const variables =
    job.variables.length === 0 ? '' : `set -a; . ${shellQuote(envFile(job, settings))}; set +a; exec `
  // crontab(5): an unescaped % is the end of the line.
  return `${variables}${command}`.replaceAll('%', '\\%')
}

function envFile(job: ScheduledJob, { config }: CrontabSettings): string {
  return join(dirname(config), `${job.name}.env`)
}
