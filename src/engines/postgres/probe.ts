import type { Probe } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import type { ToolVersion } from '../../core/manifest.ts'
import { readServerFacts, type ServerFacts } from './catalog.ts'
import { connectMaintenance, type Server } from './connection.ts'
import { readIdentity } from './identity.ts'
import { lookIntoDatabases } from './probe-databases.ts'
import { lookAtTarget } from './probe-target.ts'
import { survey } from './survey.ts'
import type { Toolbox } from './toolbox.ts'
import { isUnrestrictForgeable, newerClientHint, type ToolName } from './tools.ts'
import type { PostgresOptions } from './url-options.ts'

export interface ProbeSetting {
  readonly server: Server
  readonly tools: Toolbox
  readonly options: PostgresOptions
}

export async function probe(
  setting: ProbeSetting,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<Probe> {
  const { server, options } = setting
  await using maintenance = await connectMaintenance(server, signal)
  const facts = await readServerFacts(maintenance)
  const tools = await findTools(setting, neededTools(role, options), facts, signal)
  if (role === 'target') tools.findings.push(...(await lookAtPsql(setting, signal)))
  const common = {
    flavour: 'PostgreSQL',
    serverVersion: facts.version,
    identity: await readIdentity(maintenance),
    tools: tools.versions,
  }
  const findings: Finding[] = [
    {
      level: 'ok',
      topic: 'server',
      message: `PostgreSQL ${facts.version}${facts.rds ? ' on RDS or Aurora' : ''}`,
    },
    describeTls(server),
    ...tools.findings,
  ]
  const found = await survey(server, maintenance, signal)
  const databases = found.selection.taken.map(({ name, bytes }) => ({
    name,
    ...(bytes !== undefined && { estimateBytes: bytes }),
  }))
  if (role === 'target') {
    return { ...common, databases, findings: [...findings, ...lookAtTarget(facts)] }
  }
  findings.push(...describeSurvey(found, facts))
  findings.push(...(await lookIntoDatabases(setting, found.selection.taken, facts, signal)))
  return {
    ...common,
    databases,
    estimateBytes: databases.reduce((sum, database) => sum + (database.estimateBytes ?? 0), 0),
    findings,
  }
}

function neededTools(role: 'source' | 'target', options: PostgresOptions): readonly ToolName[] {
  if (role === 'source') return options.layout === 'dumpall' ? ['pg_dumpall'] : ['pg_dump', 'pg_dumpall']
  // psql, which only a script of pg_dumpall needs, is looked at by itself.
  return options.layout === 'dumpall' ? ['psql'] : ['pg_restore']
}

async function findTools(
  { tools }: ProbeSetting,
  names: readonly ToolName[],
  facts: ServerFacts,
  signal: AbortSignal,
): Promise<{ versions: readonly ToolVersion[]; findings: Finding[] }> {
  const versions: ToolVersion[] = []
  const findings: Finding[] = []
  for (const name of names) {
    const tool = await tools.find(name, signal)
    if (tool === undefined) {
      findings.push({
        level: 'failure',
        code: 'tool-missing',
        topic: name,
        message: 'it is neither on PATH nor in /usr/lib/postgresql',
        hint: newerClientHint(facts.major),
      })
      continue
    }
    versions.push({ name, vendor: tool.vendor, version: tool.version })
    const tooOld = tool.major < facts.major && (name === 'pg_dump' || name === 'pg_dumpall')
    findings.push(
      tooOld
        ? {
            level: 'failure',
            topic: name,
            message: `version ${tool.version} is older than the server's ${facts.version}, and refuses to dump it`,
            hint: newerClientHint(facts.major),
          }
        : { level: 'ok', topic: name, message: `version ${tool.version} (${tool.command.join(' ')})` },
    )
  }
  return { versions, findings }
}

/** Which layout a backup has is not known yet, unless the URL says it: a failure then, a warning otherwise. */
async function lookAtPsql(
  { tools, options }: ProbeSetting,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const isSaid = options.layout === 'dumpall'
  const psql = await tools.find('psql', signal).catch((thrown: unknown) => {
    // A command that the configuration names, and that is not there.
    if (thrown instanceof LifeboatError && thrown.code === 'tool-missing') return undefined
    throw thrown
  })
  if (psql === undefined) {
    // With the layout said it is among the tools that are needed, and missed there.
    if (isSaid) return []
    return [
      {
        level: 'warning',
        topic: 'psql',
        message:
          'it is neither on PATH nor in /usr/lib/postgresql: a backup made with layout=dumpall needs it',
        hint: 'Nothing to do for other backups; else run apt-get install postgresql-client.',
      },
    ]
  }
  if (!isSaid || !isUnrestrictForgeable(psql)) return []
  return [
    {
      level: 'warning',
      topic: 'psql',
      message: `version ${psql.version} has CVE-2026-18408: names in the backup of a hostile server could run commands on this machine`,
      hint: 'Install psql 18.6, 17.11, 16.15, 15.19, 14.24 or later, or restore only backups of servers that you trust.',
    },
  ]
}

function describeTls({ url }: Server): Finding {
  if (url.socket !== undefined) return { level: 'ok', topic: 'TLS', message: 'none needed on a Unix socket' }
  switch (url.tls) {
    case 'verify-full':
      return {
        level: 'ok',
        topic: 'TLS',
        message: `in force, certificate and host name verified as ${url.host}`,
      }
    case 'verify-ca':
      return { level: 'ok', topic: 'TLS', message: 'in force, certificate verified, host name not' }
    case 'require':
      return {
        level: 'warning',
        topic: 'TLS',
        message: 'in force, but nobody checks that the server is the right one',
        hint: 'Give its CA as tls-ca=/path in the URL.',
      }
    case 'disable':
      return {
        level: 'warning',
        topic: 'TLS',
        message: 'off: all data, and perhaps the password, pass in the clear',
        hint: 'Leave out tls=disable unless the network between is trusted.',
      }
  }
}

function describeSurvey(found: Awaited<ReturnType<typeof survey>>, facts: ServerFacts): readonly Finding[] {
  const findings: Finding[] = []
  if (found.selection.denied.length > 0) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `'${facts.user}' may not connect to ${found.selection.denied.map((name) => `'${name}'`).join(', ')}`,
      hint: 'Run GRANT CONNECT ON DATABASE … for it, or name one database in the URL.',
    })
  }
  for (const { what, message } of found.named) {
    findings.push({ level: 'warning', topic: 'databases', message, notCaptured: what })
  }
  for (const { what, count, reason } of found.notCaptured) {
    if (found.named.some((told) => told.what === what)) continue
    const message = `${what}${count === undefined ? '' : ` (${count})`}: ${reason}`
    const hint = what === 'role passwords' ? { hint: 'Set new passwords after a restore, or use IAM.' } : {}
    findings.push({ level: 'warning', topic: 'not captured', message, notCaptured: what, ...hint })
  }
  return findings
}
