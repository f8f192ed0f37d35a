import { access, constants } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ResolvedDrill } from '../config/drill.ts'
import type { ResolvedJob, ResolvedSigning } from '../config/job.ts'
import type { Clock } from '../core/clock.ts'
import { messageOf, toLifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { createAuditLog } from './audit/log.ts'
import { jobKeyChecks } from './check-job-keys.ts'
import { readKeyFiles } from './key-files.ts'
import { openEngine, openSink, type SinkContext } from './registry.ts'

export interface CheckJobRequest {
  readonly job: ResolvedJob
  readonly signing: ResolvedSigning
  readonly signers: readonly string[]
  readonly drill: ResolvedDrill
  readonly searchPath: string
  readonly sinkContext: Omit<SinkContext, 'password' | 'passphrase'>
  readonly hasVariable: (name: string) => boolean
  /** File of the audit log, where there is one. */
  readonly audit: string | undefined
  readonly clock: Clock
}

/** What can be known of a job without a connection: its URLs and options, keys and secrets. */
export async function checkJob(request: CheckJobRequest): Promise<readonly Finding[]> {
  const { job, signing, drill, searchPath, sinkContext } = request
  const findings: Finding[] = []
  const attempt = async (topic: string, work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (thrown) {
      const { message, hint, code } = toLifeboatError(thrown)
      findings.push({ level: 'failure', topic, message, code, ...(hint !== undefined && { hint }) })
    }
  }
  await attempt('source', async () => {
    await using engine = await openEngine(job.source.url, { searchPath })
    return engine.target
  })
  for (const { name, url } of job.sinks) {
    await attempt(`sink ${name}`, async () => {
      await using sink = await openSink(url, { ...sinkContext, password: undefined, passphrase: undefined })
      return sink.name
    })
  }
  const { checkRecipients } = await import('../stages/openpgp/index.ts')
  for (const path of job.recipients) {
    await attempt('recipient', async () => {
      findings.push(...(await checkRecipients(await readKeyFiles([path]), request.clock.now())))
    })
  }
  if (job.recipients.length === 0) {
    findings.push({
      level: 'warning',
      topic: 'recipient',
      message: 'encryption is off: whoever can read a sink can read the data',
      hint: 'Name recipients, unless that is meant.',
    })
  }
  for (const [topic, check] of jobKeyChecks(request)) await attempt(topic, check)
  const { target } = drill
  if (target.kind === 'into') {
    await attempt('drill', async () => {
      await using engine = await openEngine(target.url, { searchPath })
      return engine.target
    })
  }
  const { audit, clock } = request
  if (audit !== undefined) await attempt('audit log', () => createAuditLog(audit, clock).check())
  findings.push(...(await checkMetrics(job.metricsFile)))
  const secrets = [
    ['source password', job.source.password],
    ['passphrase of the signing key', signing.passphrase],
    ['passphrase of the drill key', drill.key?.passphrase],
    ['password of the scratch server', target.kind === 'into' ? target.password : undefined],
    ...job.sinks.flatMap(({ name, password, passphrase }) => [
      [`password of sink ${name}`, password] as const,
      [`passphrase of sink ${name}`, passphrase] as const,
    ]),
    ...job.notify.flatMap(({ name, url, key }) => [
      [`url of notification ${name}`, url] as const,
      [`key of notification ${name}`, key] as const,
    ]),
  ] as const
  for (const [topic, reference] of secrets) {
    if (reference !== undefined) findings.push(...(await checkReference(topic, reference, request)))
  }
  return findings
}

/** No run fails for want of metrics. */
async function checkMetrics(file: string | undefined): Promise<readonly Finding[]> {
  if (file === undefined) return []
  try {
    await access(dirname(file), constants.W_OK | constants.X_OK)
    return []
  } catch (thrown) {
    return [
      {
        level: 'warning',
        topic: 'metrics',
        message: `unable to write metrics '${file}': ${messageOf(thrown)}`,
        hint: 'Make its folder, writable for the account that runs lifeboat.',
      },
    ]
  }
}

async function checkReference(
  topic: string,
  reference: string,
  { hasVariable, sinkContext }: CheckJobRequest,
): Promise<readonly Finding[]> {
  const [, scheme, rest = ''] = /^([a-z]+):(.*)$/s.exec(reference) ?? []
  if (scheme === 'env' && !hasVariable(rest)) {
    return [
      {
        level: 'warning',
        topic,
        message: `environment variable '${rest}' is not set here`,
        hint: 'It must be where the job runs.',
      },
    ]
  }
  if (scheme === 'prompt') {
    return [
      {
        level: 'warning',
        topic,
        message: 'it is asked for at the terminal',
        hint: 'Cron can not answer: use file:PATH for a job that runs by itself.',
      },
    ]
  }
  if (scheme !== 'file') return []
  const path = rest.startsWith('~/') ? join(sinkContext.home, rest.slice(2)) : rest
  try {
    await access(path, constants.R_OK)
    return []
  } catch (thrown) {
    return [
      {
        level: 'failure',
        topic,
        code: 'config',
        message: `unable to read file '${path}': ${messageOf(thrown)}`,
        hint: 'Write the secret there, readable for the user who runs lifeboat.',
      },
    ]
  }
}
