import type { DatabaseUrl } from '../../core/database-url.ts'
import type { EngineContext, Probe } from '../../core/engine.ts'
import { toLifeboatError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { readIdentity } from './identity.ts'
import { readInventory } from './inventory.ts'
import { readLogPosition } from './log-position.ts'
import type { MysqlOptions } from './options.ts'
import { readPrivileges } from './privileges.ts'
import type { ServerAccess, Session } from './server-access.ts'
import { readSourceFacts, type SourceFacts } from './source-facts.ts'
import { findClient, judgeClient } from './tools.ts'
import type { ServerVersion } from './version.ts'

export interface ProbeContext {
  readonly url: DatabaseUrl
  readonly options: MysqlOptions
  readonly context: EngineContext
  readonly access: ServerAccess
}

export async function probeSource(
  { url, options, context, access }: ProbeContext,
  signal: AbortSignal,
): Promise<{ readonly probe: Probe; readonly facts: SourceFacts }> {
  return await access.withSession(signal, async (session) => {
    const facts = await readSourceFacts(session, url, options)
    const { server, databases } = facts.inventory
    const position = await readLogPosition(session, server)
    const tools = await findTools('dump', server, context, options, signal)
    const findings: Finding[] = [
      { level: 'ok', topic: 'server', message: `${server.flavour} ${server.text}` },
      await tlsFinding(session, url),
      ...tools.findings,
      ...facts.findings,
      position === undefined
        ? {
            level: 'warning',
            topic: 'binary log',
            message: 'no log position will be noted: the log is off, or the account may not ask for it',
            hint: 'GRANT REPLICATION CLIENT (MariaDB: BINLOG MONITOR) to the account if you want it noted.',
          }
        : { level: 'ok', topic: 'binary log', message: `its position is noted as a bound: ${position}` },
    ]
    if (!facts.findings.some((finding) => finding.topic === 'privileges')) {
      findings.push({ level: 'ok', topic: 'privileges', message: 'all that a whole dump needs' })
    }
    const probe: Probe = {
      flavour: server.flavour,
      serverVersion: server.text,
      identity: await readIdentity(session),
      tools: tools.versions,
      databases: databases.map(({ name, estimateBytes }) => ({ name, estimateBytes })),
      estimateBytes: databases.reduce((sum, database) => sum + database.estimateBytes, 0),
      findings,
    }
    return { probe, facts }
  })
}

export async function probeTarget(
  { url, options, context, access }: ProbeContext,
  signal: AbortSignal,
): Promise<Probe> {
  return await access.withSession(signal, async (session) => {
    const { server, databases } = await readInventory(session, url)
    const tools = await findTools('load', server, context, options, signal)
    return {
      flavour: server.flavour,
      serverVersion: server.text,
      identity: await readIdentity(session),
      tools: tools.versions,
      databases: databases.map(({ name, estimateBytes }) => ({ name, estimateBytes })),
      findings: [
        { level: 'ok', topic: 'server', message: `${server.flavour} ${server.text}` },
        await tlsFinding(session, url),
        ...tools.findings,
        ...(await targetFindings(session, server, options)),
      ],
    }
  })
}

/** A tool that is missing is a finding here, so that doctor lists it beside the others. */
async function findTools(
  job: 'dump' | 'load',
  server: ServerVersion,
  context: EngineContext,
  options: MysqlOptions,
  signal: AbortSignal,
): Promise<{ readonly versions: Probe['tools']; readonly findings: readonly Finding[] }> {
  try {
    const tool = await findClient(job, server, context, signal, options.client)
    const { name, vendor, version } = tool
    return { versions: [{ name, vendor, version }], findings: judgeClient(tool, server) }
  } catch (thrown) {
    const { code, message, hint } = toLifeboatError(thrown)
    if (code !== 'tool-missing' && code !== 'tool-failed') throw thrown
    const finding: Finding = { level: 'failure', topic: 'tools', message, code }
    return { versions: [], findings: [hint === undefined ? finding : { ...finding, hint }] }
  }
}

async function tlsFinding(session: Session, url: DatabaseUrl): Promise<Finding> {
  const topic = 'TLS'
  if (url.socket !== undefined) return { level: 'ok', topic, message: 'a Unix socket, which needs none' }
  if (url.tls === 'disable') {
    return {
      level: 'warning',
      topic,
      message: 'none: passwords and data cross the network in plain text',
      hint: 'Leave tls=disable out, unless the way to the server is safe by itself.',
    }
  }
  const rows = await session.query("SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_version')")
  const read = (name: string) => String(rows.find((row) => row.Variable_name === name)?.Value ?? '')
  const cipher = read('Ssl_cipher')
  if (cipher === '') {
    return { level: 'failure', topic, message: 'the server says that this connection is not encrypted' }
  }
  const message = `${read('Ssl_version')}, ${cipher}`
  if (url.tls !== 'require')
    return { level: 'ok', topic, message: `${message}, certificate verified (${url.tls})` }
  return {
    level: 'warning',
    topic,
    message: `${message}, but the certificate is not verified`,
    hint: 'Give the CA as tls-ca=/path, which turns verification on.',
  }
}

async function targetFindings(
  session: Session,
  server: ServerVersion,
  options: MysqlOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const privileges = await readPrivileges(session, server)
  const [settings] = await session.query(
    'SELECT @@GLOBAL.read_only AS readOnly, @@GLOBAL.log_bin AS logBin, ' +
      '@@GLOBAL.log_bin_trust_function_creators AS trusted, @@GLOBAL.max_allowed_packet AS packet',
  )
  const isSuper = privileges.has('SUPER')
  if (!['0', 'OFF'].includes(String(settings?.readOnly)) && !isSuper && !privileges.has('READ ONLY ADMIN')) {
    findings.push({
      level: 'failure',
      topic: 'target',
      message: 'the target is read-only',
      hint: 'Restore into a server that takes writes: a replica is not one.',
    })
  }
  if (!privileges.has('CREATE')) {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: 'the account has no global CREATE: it may not be able to create the databases',
      hint: 'Use the master user of the target.',
    })
  }
  const setsDefiner = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'].some((each) =>
    privileges.has(each),
  )
  if (!setsDefiner && options.definer.mode === 'keep') {
    findings.push({
      level: 'warning',
      topic: 'DEFINER',
      message: 'the account may not create views, triggers, routines and events for other definers',
      hint: 'Say definer=strip in the URL (or definer=map:OLD=NEW), unless everything was defined by this account.',
    })
  }
  if (Number(settings?.logBin) === 1 && Number(settings?.trusted) === 0 && !isSuper) {
    findings.push({
      level: 'warning',
      topic: 'target',
      message:
        'the target writes a binary log and does not trust creators of functions: triggers and functions may be refused',
      hint: 'Set log_bin_trust_function_creators=1 (on RDS in the parameter group) before restoring.',
    })
  }
  if (Number(settings?.packet) < 64 * 1024 * 1024) {
    findings.push({
      level: 'warning',
      topic: 'target',
      message: `max_allowed_packet is ${settings?.packet} bytes: large rows will be refused`,
      hint: 'Set max_allowed_packet=1G at the target.',
    })
  }
  return findings
}
