import type { DatabaseUrl } from '../../core/database-url.ts'
import type { Probe } from '../../core/engine.ts'
import type { Finding } from '../../core/finding.ts'
import type { ConnectionSource, OracleConnection } from './connection.ts'
import {
  READ_DIRECTORY,
  READ_DIRECTORY_GRANTS,
  READ_OBJECT_OWNERS,
  READ_PACKAGES,
  READ_POLICIES,
} from './dictionary-statements.ts'
import { lookAtPrivileges } from './probe-privileges.ts'
import { lookAtRoom } from './room.ts'
import { readServerFacts, type ServerFacts, text } from './server-facts.ts'
import { type Survey, survey } from './survey.ts'
import type { OracleOptions } from './url-options.ts'

export interface ProbeSetting {
  readonly url: DatabaseUrl
  readonly source: ConnectionSource
  readonly options: OracleOptions
}

export async function probe(
  { url, source, options }: ProbeSetting,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<Probe> {
  await using connection = await source.open(signal)
  const facts = await readServerFacts(connection, signal)
  const findings: Finding[] = [...describeServer(facts), describeTls(url)]
  const common = {
    flavour: 'Oracle',
    serverVersion: facts.version,
    identity: facts.identity,
    tools: [{ name: 'DBMS_DATAPUMP', vendor: 'Oracle', version: facts.version }],
  }
  findings.push(...(await lookAtDirectory(connection, options.directory, signal)))
  findings.push(...(await lookAtPackages(connection, signal)))
  if (role === 'target') {
    findings.push(...lookAtPrivileges(facts, { role, schemas: undefined }))
    const owners = await connection.query(READ_OBJECT_OWNERS, {}, signal)
    const databases = owners
      .map((row) => ({ name: text(row.owner) }))
      .filter(({ name }) => facts.users.includes(name))
    return { ...common, databases, findings }
  }
  const found = await survey(connection, facts, options, signal)
  const [policies] = await connection.query(READ_POLICIES, {}, signal)
  const schemas = found.schemas.map(({ name }) => name)
  findings.push(...lookAtPrivileges(facts, { role, schemas, policies: Number(policies?.policies ?? 0) }))
  findings.push(...describeSurvey(found))
  const basis = found.estimateFrom === 'segments' ? 'by its segments' : 'by the statistics of its tables'
  findings.push(
    ...(await lookAtRoom(connection, { bytes: found.estimateBytes, basis }, facts, options, signal)),
  )
  return { ...common, databases: found.schemas, estimateBytes: found.estimateBytes, findings }
}

function describeServer(facts: ServerFacts): readonly Finding[] {
  const findings: Finding[] = [
    {
      level: 'ok',
      topic: 'server',
      message: `${facts.product} ${facts.version}${facts.rds ? ' on RDS' : ''}, container ${facts.container}, ${facts.characterSet} and ${facts.nationalCharacterSet}`,
    },
  ]
  if (facts.container === 'CDB$ROOT') {
    findings.push({
      level: 'failure',
      topic: 'server',
      message: 'this is the root of a container database: the data lies in its pluggable databases',
      hint: 'Give the service of a pluggable database as the path of the URL, one run for each.',
    })
  }
  if (facts.openMode !== undefined && facts.openMode !== 'READ WRITE') {
    findings.push({
      level: 'failure',
      topic: 'server',
      message: `it is open ${facts.openMode}: Data Pump has to write the table of its job`,
      hint: 'Give the primary, or open the standby as a snapshot standby.',
    })
  }
  return findings
}

function describeTls({ tls, host }: DatabaseUrl): Finding {
  switch (tls) {
    case 'verify-full':
      return { level: 'ok', topic: 'TLS', message: `in force, certificate and host name verified as ${host}` }
    case 'verify-ca':
      return { level: 'ok', topic: 'TLS', message: 'in force, certificate verified, host name not' }
    case 'require':
      return {
        level: 'warning',
        topic: 'TLS',
        message: 'in force, certificate verified by the authorities of this machine, host name not',
        hint: 'Give tls=verify-full, and the CA as tls-ca=/path where it is your own.',
      }
    case 'disable':
      return {
        level: 'warning',
        topic: 'TLS',
        message: 'off: all data passes in the clear',
        hint: 'Leave out tls=disable, and give the port of TLS, unless the network between is trusted.',
      }
  }
}

async function lookAtDirectory(
  connection: OracleConnection,
  directory: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const binds = { p_directory: directory }
  const [row] = await connection.query(READ_DIRECTORY, binds, signal)
  const grants = new Set(
    (await connection.query(READ_DIRECTORY_GRANTS, binds, signal)).map((each) => text(each.privilege)),
  )
  const lacking = ['READ', 'WRITE'].filter((privilege) => !grants.has(privilege))
  if (row !== undefined && lacking.length === 0) {
    return [{ level: 'ok', topic: 'directory', message: `${directory} is ${text(row.path)}` }]
  }
  return [
    {
      level: 'failure',
      topic: 'directory',
      message:
        row === undefined
          ? `there is no directory object '${directory}', or this account may not see it`
          : `this account may not ${lacking.join(' nor ')} '${directory}'`,
      hint: `Run GRANT READ, WRITE ON DIRECTORY ${directory} TO the account, or name another by directory=.`,
    },
  ]
}

async function lookAtPackages(
  connection: OracleConnection,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const there = new Set((await connection.query(READ_PACKAGES, {}, signal)).map((row) => text(row.name)))
  const lacking = ['DBMS_DATAPUMP', 'UTL_FILE', 'DBMS_LOB', 'DBMS_ASSERT'].filter((name) => !there.has(name))
  if (lacking.length === 0) return []
  return [
    {
      level: 'failure',
      topic: 'packages',
      message: `this account may not execute ${lacking.join(', ')}`,
      hint: `Run GRANT EXECUTE ON ${lacking[0]} TO the account, as SYS or by rdsadmin.rdsadmin_util.grant_sys_object.`,
    },
  ]
}

function describeSurvey(found: Survey): readonly Finding[] {
  const findings: Finding[] = found.notCaptured.map(({ what, count, reason }) => ({
    level: 'warning',
    topic: 'not captured',
    message: `${what}${count === undefined ? '' : ` (${count})`}: ${reason}`,
    notCaptured: what,
  }))
  if (found.missing.length > 0) {
    findings.push({
      level: 'failure',
      topic: 'schemas',
      code: 'usage',
      message: `not there, or not to be seen by this account: ${found.missing.join(', ')}`,
      hint: 'Check schemas= or tables= in the URL; names are in upper case unless quoted.',
    })
  }
  return findings
}
