import type { EngineContext, Probe } from '../../core/engine.ts'
import type { Finding } from '../../core/finding.ts'
import { lookAtTools, type ToolLook } from './choose-tool.ts'
import { listDatabases, type Selection, selectDatabases } from './databases.ts'
import { DRIVER } from './driver-version.ts'
import { readIdentity } from './identity.ts'
import { openMaintenance } from './maintenance.ts'
import { smallestFirst } from './native/database-sizes.ts'
import { precheckNative } from './native/precheck.ts'
import type { SqlServerOptions } from './options.ts'
import { lookIntoDatabase } from './probe-database.ts'
import type { Server } from './server-access.ts'
import { readServerFacts } from './server-facts.ts'
import type { SessionSource } from './session.ts'

const NO_TOOLS: ToolLook = { versions: [], findings: [] }

export interface ProbeSetting {
  readonly server: Server
  readonly sessions: SessionSource
  readonly options: SqlServerOptions
  readonly context: EngineContext
}

export async function probe(
  setting: ProbeSetting,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<Probe> {
  const { server, sessions, options, context } = setting
  await using maintenance = await openMaintenance(server, sessions, signal)
  const facts = await readServerFacts(maintenance, signal)
  const tools = options.layout === 'bcp' ? await lookAtTools(options, context, signal) : NO_TOOLS
  const findings: Finding[] = [
    {
      level: 'ok',
      topic: 'server',
      message: `${facts.flavour} ${facts.version}, ${facts.edition}${facts.rds ? ', on RDS' : ''}`,
    },
    describeTls(server),
    ...tools.findings,
  ]
  const common = {
    flavour: facts.flavour,
    serverVersion: facts.version,
    identity: await readIdentity(maintenance, signal),
    tools: [DRIVER, ...tools.versions],
  }
  if (options.layout === 'native') {
    findings.push(...(await precheckNative(maintenance, { role, staging: context.staging }, signal)))
  }
  const all = await listDatabases(maintenance, signal)
  if (role === 'target') {
    findings.push(...(await lookAtTarget(setting, facts.login, signal)))
    return { ...common, databases: all.map(({ name }) => ({ name })), findings }
  }
  const selection = selectDatabases(all, server.url.database)
  findings.push(...describeSelection(selection, facts.login))
  const databases: { name: string; estimateBytes?: number }[] = []
  if (options.layout === 'native') {
    const names = selection.taken.map(({ name }) => name)
    databases.push(...(await smallestFirst(maintenance, names, signal)))
  }
  for (const database of options.layout === 'native' ? [] : selection.taken) {
    const { estimateBytes, ...seen } = await lookIntoDatabase(sessions, database, options, signal)
    findings.push(...seen.findings)
    databases.push({ name: database.name, ...(estimateBytes !== undefined && { estimateBytes }) })
  }
  findings.push({
    level: 'warning',
    topic: 'not captured',
    message: 'logins, Agent jobs, linked servers and other objects of the server itself',
    hint: 'Script logins with sp_help_revlogin, or make them again at the target; users are mapped by name.',
    notCaptured: SERVER_LEVEL,
  })
  const estimates = databases.flatMap(({ estimateBytes }) => estimateBytes ?? [])
  return {
    ...common,
    databases,
    ...(estimates.length > 0 && { estimateBytes: estimates.reduce((sum, bytes) => sum + bytes, 0) }),
    findings,
  }
}

/** As the manifest has it: a person is told only once. */
export const SERVER_LEVEL = 'logins, Agent jobs and other server-level objects'

function describeTls({ url, address }: Server): Finding {
  switch (url.tls) {
    case 'verify-full':
      return {
        level: 'ok',
        topic: 'TLS',
        message: `in force, certificate and host name verified as ${address.host}`,
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
        message: 'off: all data passes in the clear, and the password all but that',
        hint: 'Leave out tls=disable unless the network between is trusted.',
      }
  }
}

function describeSelection({ taken, denied, left }: Selection, login: string): readonly Finding[] {
  const findings: Finding[] = []
  if (taken.length === 0 && denied.length === 0 && left.length > 0) {
    const states = left.map(({ name, state }) => `'${name}' is ${state}`).join(', ')
    return [
      {
        level: 'failure',
        topic: 'databases',
        message: `no database that is meant is online: ${states}`,
        hint: 'Bring it online (ALTER DATABASE … SET ONLINE), or name another one in the URL.',
      },
    ]
  }
  if (taken.length === 0 && denied.length === 0) {
    findings.push({
      level: 'warning',
      topic: 'databases',
      message: 'the server has no user database',
      hint: 'Check that this is the right server.',
    })
  }
  if (denied.length > 0) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `login '${login}' has no user in ${denied.map((name) => `'${name}'`).join(', ')}`,
      hint: 'Run CREATE USER … FOR LOGIN … in it and ALTER ROLE db_owner ADD MEMBER …, or name one database in the URL.',
    })
  }
  for (const { name, state } of left) {
    findings.push({
      level: 'warning',
      topic: 'databases',
      message: `database '${name}' is ${state} and not dumped`,
      hint: 'Bring it online, or name the database that is meant in the URL.',
      notCaptured: NOT_ONLINE,
    })
  }
  return findings
}

export const NOT_ONLINE = 'databases that are not online'

export const CREATE_PERMISSION_TEXT = `SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS may_create`

async function lookAtTarget(
  { server, sessions }: ProbeSetting,
  login: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  const [row] = await maintenance.query(CREATE_PERMISSION_TEXT, signal)
  if (row?.may_create === null || Number(row?.may_create) === 1) {
    return [{ level: 'ok', topic: 'privileges', message: `login '${login}' may create databases` }]
  }
  return [
    {
      level: 'warning',
      topic: 'privileges',
      message: `login '${login}' may not create databases: only empty ones that exist can be restored into`,
      hint: 'Run ALTER SERVER ROLE dbcreator ADD MEMBER … for it, or create the databases empty beforehand.',
    },
  ]
}
