import { lookUp, type ResolvedNotify, refuse, resolveJob, toAgeMs, toMs } from './job.ts'
import type { LoadedConfig } from './load.ts'
import type { JobConfig } from './schema.ts'

export type CheckConfig = NonNullable<JobConfig['checks']>[number]

export type ResolvedDrillTarget =
  | { readonly kind: 'local' }
  | { readonly kind: 'container'; readonly image: string | undefined }
  | {
      readonly kind: 'into'
      readonly url: string
      readonly password: string | undefined
      readonly replace: boolean
    }

export interface ResolvedCheck {
  readonly name: string
  readonly database: string | undefined
  readonly query: string
  readonly expect: ResolvedExpectation
}

/** As src/app/drill/check.ts takes it. */
export type ResolvedExpectation =
  | { readonly kind: 'equals'; readonly value: string | number | boolean }
  | { readonly kind: 'compares'; readonly by: '>=' | '<=' | '>' | '<'; readonly value: number }
  | { readonly kind: 'not-empty' }
  | { readonly kind: 'max-age'; readonly mostMs: number; readonly text: string }

/** How a job is drilled. Secrets are still references. */
export interface ResolvedDrill {
  readonly target: ResolvedDrillTarget
  readonly key:
    | { readonly file: string; readonly passphrase: string | undefined; readonly name: string }
    | undefined
  readonly gpg: boolean
  readonly jobs: number | undefined
  readonly scratch: string | undefined
  readonly runAs: string | undefined
  readonly timeoutMs: number | undefined
  readonly checks: readonly ResolvedCheck[]
  readonly notify: readonly ResolvedNotify[]
}

/** Throws `config` for whatever the drill of the job names and the file does not hold. */
export function resolveDrill(loaded: LoadedConfig, name: string): ResolvedDrill {
  const { config } = loaded
  const resolved = resolveJob(loaded, name)
  const job = lookUp(loaded, 'job', name, config.jobs)
  const own = job.drill ?? {}
  const base = config.defaults?.drill ?? {}
  const drill = { ...base, ...own }
  const ownTarget = own.local ?? own.container ?? own.into
  const notify = drill.notify
  return {
    target: resolveTarget(loaded, name, ownTarget === undefined ? base : own),
    key: drill.key === undefined ? undefined : resolveKey(loaded, name, drill.key),
    gpg: drill.gpg ?? false,
    jobs: drill.jobs,
    scratch: drill.scratch,
    runAs: drill.runAs,
    timeoutMs: toMs(loaded, 'drill.timeout', drill.timeout),
    checks: resolveChecks(loaded, name, job.checks ?? []),
    notify:
      notify === undefined
        ? // The check at healthchecks.io watches the dumps: a drill must not stand in for one.
          resolved.notify.filter(({ type }) => type !== 'healthchecks')
        : resolveJob({ ...loaded, config: withNotify(loaded, name, notify) }, name).notify,
  }
}

function withNotify({ config }: LoadedConfig, name: string, notify: string[]): LoadedConfig['config'] {
  const job = config.jobs?.[name]
  return job === undefined ? config : { ...config, jobs: { ...config.jobs, [name]: { ...job, notify } } }
}

function resolveTarget(
  loaded: LoadedConfig,
  name: string,
  { local, container, into }: NonNullable<JobConfig['drill']>,
): ResolvedDrillTarget {
  const given = [local, container, into].filter((each) => each !== undefined)
  if (given.length > 1) {
    throw refuse(
      loaded,
      `the drill of job '${name}' has several servers to restore to`,
      'Leave one of local, container and into.',
    )
  }
  if (container !== undefined) return { kind: 'container', image: container === true ? undefined : container }
  if (into === undefined) return { kind: 'local' }
  const { url, password, replace = false } = typeof into === 'string' ? { url: into } : into
  return { kind: 'into', url, password, replace }
}

function resolveKey(loaded: LoadedConfig, job: string, name: string): NonNullable<ResolvedDrill['key']> {
  const { secret, passphrase } = lookUp(loaded, 'key', name, loaded.config.keys, job)
  if (secret !== undefined) return { file: secret, passphrase, name }
  throw refuse(
    loaded,
    `key '${name}', which is to open the backups of job '${job}' in a drill, has no secret file`,
    `Write keys.${name}.secret: /path/${name}.sec.asc, or drill.gpg: true where gpg holds it.`,
  )
}

function resolveChecks(
  loaded: LoadedConfig,
  job: string,
  checks: readonly CheckConfig[],
): readonly ResolvedCheck[] {
  const seen = new Set<string>()
  return checks.map(({ name, database, query, expect }) => {
    if (seen.has(name)) {
      throw refuse(loaded, `job '${job}' has two checks '${name}'`, 'Give each a name of its own.')
    }
    seen.add(name)
    return {
      name,
      database,
      query,
      expect: resolveExpectation(loaded, `check '${name}' of job '${job}'`, expect),
    }
  })
}

function resolveExpectation(
  loaded: LoadedConfig,
  what: string,
  expect: CheckConfig['expect'],
): ResolvedExpectation {
  if (typeof expect === 'object') {
    if ('equals' in expect) return { kind: 'equals', value: expect.equals }
    const mostMs = toAgeMs(loaded, `the maxAge of ${what}`, expect.maxAge)
    if (mostMs === undefined) throw new Error('the schema demands a maxAge')
    return { kind: 'max-age', mostMs, text: expect.maxAge }
  }
  if (typeof expect !== 'string') return { kind: 'equals', value: expect }
  if (expect === 'not empty') return { kind: 'not-empty' }
  const comparison = /^(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)$/.exec(expect)
  if (comparison !== null) {
    const [, by, value] = comparison
    return { kind: 'compares', by: by as '>=', value: Number(value) }
  }
  // A misspelt comparison must not become a text that nothing ever equals.
  if (/^[<>=!]|^(?:not|non|is)[\s_-]*empt?y?$|^empty$/i.test(expect)) {
    throw refuse(
      loaded,
      `${what} expects '${expect}', which is no comparison`,
      "Write a value, 'not empty', '>= 10', { maxAge: 26h }, or { equals: '…' } for exactly this text.",
    )
  }
  return { kind: 'equals', value: expect }
}
