import { Argument, Command } from 'commander'
import { defaults } from '../config/defaults.ts'
import type { ResolvedInventory } from '../config/inventory.ts'
import type { ResolvedJob } from '../config/job.ts'
import type { LoadedConfig } from '../config/load.ts'
import { ERROR_CODES } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { findingJson, findingText } from './finding-text.ts'
import { helpTail, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { columnsOf } from './wrap.ts'

interface ConfigOptions {
  readonly config?: string
  readonly json?: boolean
}

export function configCommand(done: (exitCode: number) => void): Command {
  return new Command('config')
    .summary('check the configuration, and explain what each job will do')
    .description(
      'check reads lifeboat.yaml, says what each job will dump, where to and for whom, and finds mistakes, ' +
        'without a connection to anything. schema prints the JSON Schema that editors use.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['check', 'schema']))
    .addOption(option.config())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        ['lifeboat config check', 'lifeboat config check --config ./lifeboat.yaml', 'lifeboat config schema'],
        [
          [0, 'every job can run, as far as can be known beforehand'],
          [3, 'the file has mistakes: each is named with its line'],
          ['other', 'that of the first failure, as the job would end with it'],
        ],
      ),
    )
    .action(async (action: 'check' | 'schema', options: ConfigOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => (action === 'check' ? check(options, context) : schema())))
    })
}

async function schema(): Promise<Outcome> {
  const { configJsonSchema } = await import('../config/json-schema.ts')
  const made = configJsonSchema()
  return { text: `${JSON.stringify(made, null, 2)}\n`, json: () => made }
}

interface CheckedJob {
  readonly job: string
  readonly lines: readonly string[]
  readonly facts: object
  readonly findings: readonly Finding[]
}

async function check(options: ConfigOptions, context: VerbContext): Promise<Outcome> {
  const [{ needConfig }, { jobNames }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
  ])
  const loaded = await needConfig(options.config, context.environment)
  const checked: CheckedJob[] = []
  for (const name of jobNames(loaded)) checked.push(await checkOne(loaded, name, context))
  const color = process.stdout.isTTY === true && context.environment.color
  const text = checked.map(({ job, lines, findings }) => {
    const told = findings.filter(({ level }) => level !== 'ok')
    return [
      `${job}\n`,
      ...lines.map((line) => `  ${line}\n`),
      ...told.map((finding) => findingText(finding, color, columnsOf(process.stdout))),
    ].join('')
  })
  const first = checked.flatMap(({ findings }) => findings).find(({ level }) => level === 'failure')
  return {
    text: checked.length === 0 ? `${loaded.path}: no mistakes, and no jobs\n` : `${text.join('\n')}`,
    json: (warnings) => ({
      path: loaded.path,
      jobs: checked.map(({ job, facts, findings }) => ({ job, ...facts, checks: findings.map(findingJson) })),
      warnings,
    }),
    exitCode: first === undefined ? 0 : ERROR_CODES[first.code ?? 'unsupported'].exit,
  }
}

async function checkOne(loaded: LoadedConfig, name: string, context: VerbContext): Promise<CheckedJob> {
  const { environment } = context
  const [
    { resolveJob, resolveSigners, resolveSigning },
    { checkJob },
    { planJob },
    { systemClock },
    { judgeJob },
    { classText, policyFindings, promiseText },
    { resolveDrill },
  ] = await Promise.all([
    import('../config/job.ts'),
    import('../app/check-job.ts'),
    import('./dump-plan.ts'),
    import('../core/clock.ts'),
    import('./job-policy.ts'),
    import('../app/policy/policy-findings.ts'),
    import('../config/drill.ts'),
  ])
  const job = resolveJob(loaded, name)
  const drill = resolveDrill(loaded, name)
  const { searchPath, home, stateFolder, agentSocket } = environment
  const findings = await checkJob({
    job,
    signing: resolveSigning(loaded),
    signers: resolveSigners(loaded),
    drill,
    searchPath,
    sinkContext: { home, stateFolder, agentSocket },
    hasVariable: environment.has,
    audit: loaded.config.audit?.file,
    clock: systemClock,
  })
  const plan = planJob({ encryption: true }, job, loaded)
  const verdicts = await judgeJob(
    plan,
    { audit: loaded.config.audit !== undefined, ask: { notAsked: 'which the run asks the place' } },
    context.signal,
  )
  const { classification, classified, rtoMs, rpoMs } = job
  const [first, ...copies] = job.sinks
  const seconds = (ms: number | undefined) => (ms === undefined ? 'never' : `after ${ms / 1000} s`)
  const { source, codec, level, jobs, counts, stallTimeoutMs, runTimeoutMs, recipients, lease } = plan
  return {
    job: name,
    findings: [...findings, ...policyFindings(verdicts, false)],
    lines: [
      `class     ${classText(classification, classified)}`,
      `must      ${verdicts.length === 0 ? 'nothing' : verdicts.map(({ rule, state }) => `${rule} ${state === 'unknown' ? 'not looked at' : state}`).join(', ')}`,
      `dumps     ${source}`,
      `to        ${first.name} (${first.url})`,
      ...copies.map((sink) => `copied to ${sink.name} (${sink.url})`),
      ...(plan.signing.file === undefined && plan.signing.gpg === undefined
        ? ['signed by nobody: whoever writes to a sink can replace the backup']
        : [`signed by ${plan.signing.file ?? `gpg, key ${plan.signing.gpg}`}`]),
      `opens for ${recipients.length === 0 ? 'everybody: it is not encrypted' : recipients.join(', ')}`,
      `as        ${codec}${level === undefined ? '' : ` level ${level}`}, ${jobs} part(s) at once, rows ${counts === 'exact' ? 'counted' : 'not counted'}`,
      `promises  a restore within ${promiseText(rtoMs)}, data no older than ${promiseText(rpoMs)}`,
      `verifies  ${plan.verify ? 'what it stored, after each dump' : 'nothing after a dump'}`,
      `keeps     ${keeps(job.retention)}`,
      `drills    ${DRILL_PLACES[drill.target.kind]}, with ${drill.checks.length} check(s)${drill.key === undefined && !drill.gpg && recipients.length > 0 ? '; a key has to be given' : ''}`,
      ...(plan.inventory === undefined ? [] : [`writes up ${inventoryText(plan.inventory)}`]),
      lease === undefined
        ? 'alone     not necessarily: it takes no lease'
        : `alone     ${lease.waitMs === 0 ? 'gives up' : `waits ${lease.waitMs / 1000} s`} while another run is under way; a dead one blocks it for ${lease.ttlMs / 1000} s`,
      `runs      ${job.schedule === undefined ? 'when somebody starts it' : `at ${job.schedule}`}`,
      `tells     ${job.notify.length === 0 ? 'nobody' : job.notify.map(({ name: to, on }) => `${to} (${on.join(', ')})`).join('; ')}`,
      `recorded  ${loaded.config.audit === undefined ? 'nowhere: there is no audit log' : `in ${loaded.config.audit.file}`}`,
      `measured  ${job.metricsFile === undefined ? 'nowhere: there are no metrics' : `in ${job.metricsFile}`}`,
      `gives up  ${seconds(stallTimeoutMs)} without a byte; as a whole ${seconds(runTimeoutMs)}`,
    ],
    facts: {
      source,
      sinks: job.sinks.map(({ name: sink, url }) => ({ name: sink, url })),
      recipients,
      signing: plan.signing.file ?? plan.signing.gpg ?? null,
      codec,
      level: level ?? null,
      jobs,
      counts,
      classification,
      classified,
      rules: verdicts.map(({ rule, demand, state, found }) => ({ rule, demand, state, found })),
      verify: plan.verify,
      rtoMs: rtoMs ?? null,
      rpoMs: rpoMs ?? null,
      drillMaxAgeMs: plan.drillMaxAgeMs,
      drill: { into: drill.target.kind, checks: drill.checks.map((check) => check.name) },
      inventory: plan.inventory === undefined ? null : inventoryFacts(plan.inventory),
      retention: job.retention ?? null,
      schedule: job.schedule ?? null,
      notify: job.notify.map(({ name: to, type, on }) => ({ name: to, type, on })),
      stallTimeoutMs,
      runTimeoutMs: runTimeoutMs ?? null,
      lease: lease ?? null,
      audit: loaded.config.audit?.file ?? null,
      metrics: job.metricsFile ?? null,
    },
  }
}

function inventoryText({ region, target, databases }: ResolvedInventory): string {
  const what = databases === undefined ? 'all databases' : databases.join(', ')
  const other = target === undefined ? '' : `, and what of it is in ${target}`
  return `${what} of ${region}${other}, after each dump`
}

function inventoryFacts({ region, target, databases, profile, timeoutMs }: ResolvedInventory): object {
  const facts = { region, target: target ?? null, databases: databases ?? null }
  return { ...facts, profile: profile ?? null, timeoutMs: timeoutMs ?? defaults.inventoryTimeoutMs }
}

const DRILL_PLACES = {
  local: 'into a throwaway server of this machine',
  container: 'into a throwaway server in a container',
  into: 'into a scratch server',
} as const

function keeps(retention: ResolvedJob['retention']): string {
  const rules = Object.entries(retention ?? {}).flatMap(([rule, most]) =>
    most === undefined || rule === 'minimum' ? [] : `${most} ${rule}`,
  )
  if (rules.length === 0) return 'every backup: no rule of retention'
  const { minimum } = retention ?? {}
  return `${rules.join(', ')}${minimum === undefined ? '' : `, and at least ${minimum}`}; the rest goes when it is pruned`
}
