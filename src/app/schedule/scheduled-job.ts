import { dirname } from 'node:path'
import { resolveJob, resolveSigning } from '../../config/job.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { LifeboatError } from '../../core/errors.ts'
import { parseFileSinkUrl } from '../../sinks/file/url.ts'

/** What a timer has to know of a job. */
export interface ScheduledJob {
  readonly name: string
  /** Cron expression, as it was written. */
  readonly schedule: string
  readonly jitterMs: number | undefined
  readonly runTimeoutMs: number | undefined
  /** Environment variables that hold secrets of its run. */
  readonly variables: readonly string[]
  /** Files that hold secrets of its run. */
  readonly secretFiles: readonly string[]
  /** Folders that its run writes to. */
  readonly writes: readonly string[]
}

/** Throws `config` where a job has no schedule, or a secret that only a person can give. */
export function toScheduledJob(loaded: LoadedConfig, name: string): ScheduledJob {
  const job = resolveJob(loaded, name)
  if (job.schedule === undefined) {
    throw new LifeboatError('config', `unable to schedule job '${name}': it has no schedule`, {
      hint: `Write jobs.${name}.schedule: '30 3 * * *', or defaults.schedule.`,
    })
  }
  const references = [
    job.source.password,
    resolveSigning(loaded).passphrase,
    ...job.sinks.flatMap(({ password, passphrase }) => [password, passphrase]),
    ...job.notify.flatMap(({ url, key }) => [url, key]),
  ].filter((reference) => reference !== undefined)
  if (references.some((reference) => reference.startsWith('prompt:'))) {
    throw new LifeboatError(
      'config',
      `unable to schedule job '${name}': it asks for a secret at the terminal`,
      { hint: 'No timer can type: write file:PATH or env:NAME instead of prompt: in the configuration.' },
    )
  }
  const after = (scheme: string) =>
    unique(references.flatMap((each) => (each.startsWith(scheme) ? [each.slice(scheme.length)] : [])))
  return {
    name,
    schedule: job.schedule,
    jitterMs: job.jitterMs,
    runTimeoutMs: job.runTimeoutMs,
    variables: after('env:'),
    secretFiles: after('file:'),
    writes: unique([
      ...job.sinks.flatMap(({ url }) => folderOf(url)),
      ...[job.metricsFile, loaded.config.log?.file, loaded.config.audit?.file].flatMap((file) =>
        file === undefined ? [] : [dirname(file)],
      ),
    ]),
  }
}

function folderOf(url: string): string[] {
  return /^file:/i.test(url) ? [parseFileSinkUrl(url).folder] : []
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)]
}
