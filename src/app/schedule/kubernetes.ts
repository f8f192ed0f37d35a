import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { stringify } from 'yaml'
import { normaliseCron } from '../../config/cron-expression.ts'
import { LifeboatError } from '../../core/errors.ts'
import { dumpArguments, inSeconds, MARK, type ScheduleFile } from './schedule-file.ts'
import type { ScheduledJob } from './scheduled-job.ts'

export interface KubernetesSettings {
  /** Full path of the configuration, in the container as here. */
  readonly config: string
  readonly image: string
}

/** Time for a run that was told to stop to clear away what is unfinished. */
const GRACE_SECONDS = 120

/** A CronJob for each job. */
export function toCronJobs(jobs: readonly ScheduledJob[], settings: KubernetesSettings): ScheduleFile {
  return toFile(
    jobs.map((job) =>
      cronJob(job.name, [job], settings, { args: [...dumpArguments(job.name, settings), ...jitter([job])] }),
    ),
  )
}

/**
 * One CronJob whose pods divide all the jobs. Kubernetes sets JOB_COMPLETION_INDEX in each pod of an Indexed Job, and
 * puts it in for `$(…)` among the arguments.
 */
export function toIndexedCronJob(
  jobs: readonly ScheduledJob[],
  shards: number,
  settings: KubernetesSettings,
): ScheduleFile {
  const [first, ...others] = jobs
  const other = others.find(
    ({ schedule }) => normaliseCron(schedule) !== normaliseCron(first?.schedule ?? ''),
  )
  if (first !== undefined && other !== undefined) {
    throw new LifeboatError(
      'config',
      `unable to schedule all jobs as one: '${first.name}' has the schedule ${first.schedule}, '${other.name}' ${other.schedule}`,
      {
        hint: 'Give all of them one schedule (defaults.schedule), or leave out --shards for a CronJob each.',
      },
    )
  }
  const shard = ['--shard', `$(JOB_COMPLETION_INDEX)/${shards}`]
  const args = ['dump', '--all', ...shard, '--config', settings.config, ...jitter(jobs)]
  const indexed = { completionMode: 'Indexed', completions: shards, parallelism: shards }
  return toFile([cronJob('all', jobs, settings, { args, ...indexed })])
}

interface Work {
  readonly args: readonly string[]
  readonly completionMode?: string
  readonly completions?: number
  readonly parallelism?: number
}

function cronJob(
  name: string,
  jobs: readonly ScheduledJob[],
  { config, image }: KubernetesSettings,
  { args, ...indexed }: Work,
): object {
  const resource = resourceName(name)
  const labels = { 'app.kubernetes.io/name': 'lifeboat', 'app.kubernetes.io/instance': resource }
  const folder = dirname(config)
  const deadline = deadlineSeconds(jobs)
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: resource, labels },
    spec: {
      schedule: normaliseCron(jobs[0]?.schedule ?? ''),
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      // A run that was missed is made up for within the hour.
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: {
          backoffLimit: 0,
          ...(deadline !== undefined && { activeDeadlineSeconds: deadline }),
          ...indexed,
          template: {
            metadata: { labels },
            spec: {
              restartPolicy: 'Never',
              automountServiceAccountToken: false,
              terminationGracePeriodSeconds: GRACE_SECONDS,
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 65532,
                runAsGroup: 65532,
                fsGroup: 65532,
                seccompProfile: { type: 'RuntimeDefault' },
              },
              containers: [
                {
                  name: 'lifeboat',
                  image,
                  args,
                  env: [
                    { name: 'LIFEBOAT_STATE_DIR', value: '/var/lib/lifeboat' },
                    { name: 'TMPDIR', value: '/tmp' },
                    ...variables(jobs),
                  ],
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                  resources: {
                    requests: { cpu: '500m', memory: '512Mi' },
                    limits: { memory: '2Gi' },
                  },
                  volumeMounts: [
                    { name: 'files', mountPath: folder, readOnly: true },
                    { name: 'state', mountPath: '/var/lib/lifeboat' },
                    { name: 'tmp', mountPath: '/tmp' },
                  ],
                },
              ],
              volumes: [
                { name: 'files', secret: { secretName: 'lifeboat-files', defaultMode: 0o440 } },
                { name: 'state', emptyDir: {} },
                { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '256Mi' } },
              ],
            },
          },
        },
      },
    },
  }
}

function variables(jobs: readonly ScheduledJob[]): object[] {
  const names = [...new Set(jobs.flatMap((job) => job.variables))]
  return names.map((name) => ({
    name,
    valueFrom: { secretKeyRef: { name: 'lifeboat', key: name } },
  }))
}

function jitter(jobs: readonly ScheduledJob[]): string[] {
  const most = mostJitterMs(jobs)
  return most === 0 ? [] : ['--jitter', `${inSeconds(most)}s`]
}

function mostJitterMs(jobs: readonly ScheduledJob[]): number {
  return Math.max(0, ...jobs.map(({ jitterMs }) => jitterMs ?? 0))
}

/** lifeboat gives up by itself in time; this is for a pod that can't. None where a job may take as long as it likes. */
function deadlineSeconds(jobs: readonly ScheduledJob[]): number | undefined {
  const most = jobs.reduce((sum, { runTimeoutMs = Number.POSITIVE_INFINITY }) => sum + runTimeoutMs, 0)
  return Number.isFinite(most) ? inSeconds(most + mostJitterMs(jobs)) + GRACE_SECONDS : undefined
}

/** CronJobs have names of at most 52 lower-case letters, digits and '-'; two jobs must not end up with one. */
function resourceName(job: string): string {
  const name = `lifeboat-${job}`
  if (name.length <= 52 && /^[a-z0-9-]*[a-z0-9]$/.test(name)) return name
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const hash = createHash('sha256').update(job).digest('hex').slice(0, 8)
  return `${plain.slice(0, 43).replace(/-+$/, '')}-${hash}`
}

function toFile(documents: readonly object[]): ScheduleFile {
  return {
    name: 'lifeboat.yaml',
    text: documents
      .map((each) => `${MARK}\n${stringify(each, { lineWidth: 0, aliasDuplicateObjects: false })}`)
      .join('---\n'),
  }
}
