import type { SecurityRule } from './ports/ec2.ts'
import type { RdsInstance } from './ports/rds.ts'
import type { RdsCluster } from './ports/rds-clusters.ts'
import type { RegionPorts } from './ports.ts'

/** What can be weaker, and be accepted by its name. */
export const PARITY_CHECKS = [
  'encryption',
  'public-access',
  'tls-forced',
  'security-groups',
  'deletion-protection',
  'backup-retention',
  'log-exports',
  'iam-authentication',
  'parameters',
] as const
export type ParityCheck = (typeof PARITY_CHECKS)[number]

/** How a database is protected, whatever it is. */
export interface Posture {
  readonly encrypted: boolean
  readonly public: boolean
  readonly tlsForced: boolean
  readonly inbound: readonly SecurityRule[]
  readonly deletionProtection: boolean
  readonly backupDays: number
  readonly logExports: readonly string[]
  readonly iamAuthentication: boolean
  /** Those that somebody has set. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface ParityRow {
  readonly check: ParityCheck
  readonly source: string
  readonly target: string
  readonly state: 'ok' | 'weaker' | 'accepted'
}

export type FoundDatabase =
  | { readonly kind: 'instance'; readonly database: RdsInstance }
  | { readonly kind: 'cluster'; readonly database: RdsCluster }

export async function findDatabase(
  { rds }: RegionPorts,
  id: string,
  signal: AbortSignal,
): Promise<FoundDatabase | undefined> {
  const cluster = await rds.cluster(id, signal)
  if (cluster !== undefined) return { kind: 'cluster', database: cluster }
  const instance = await rds.instance(id, signal)
  return instance === undefined ? undefined : { kind: 'instance', database: instance }
}

export async function readPosture(
  found: FoundDatabase,
  { rds, ec2 }: RegionPorts,
  signal: AbortSignal,
): Promise<Posture> {
  const { kind, database } = found
  const group = kind === 'cluster' ? database.parameterGroup : database.parameterGroups[0]?.name
  const set = group === undefined ? undefined : await rds.parameterGroup(kind, group, signal)
  const parameters = Object.fromEntries((set?.parameters ?? []).map(({ name, value }) => [name, value]))
  const groups =
    database.securityGroups.length === 0 ? [] : await ec2.securityGroups(database.securityGroups, signal)
  return {
    encrypted: database.encrypted,
    public: kind === 'cluster' ? await hasPublicMember(database, rds, signal) : database.publiclyAccessible,
    tlsForced: forcesTls(database, parameters),
    inbound: groups.flatMap(({ inbound }) => inbound),
    deletionProtection: database.deletionProtection,
    backupDays: database.backupRetentionDays,
    logExports: database.logExports,
    iamAuthentication: database.iamAuthentication,
    parameters,
  }
}

/** Meets or exceeds: whatever the target has less of is weaker, unless somebody has taken that by its name. */
export function compareParity(
  source: Posture,
  target: Posture,
  accepted: readonly ParityCheck[],
): readonly ParityRow[] {
  const row = (check: ParityCheck, isWeaker: boolean, shown: (of: Posture) => string): ParityRow => ({
    check,
    source: shown(source),
    target: shown(target),
    state: !isWeaker ? 'ok' : accepted.includes(check) ? 'accepted' : 'weaker',
  })
  const lost = (name: 'logExports') => source[name].filter((each) => !target[name].includes(each))
  const others = differing(source, target)
  return [
    row('encryption', source.encrypted && !target.encrypted, (of) =>
      of.encrypted ? 'encrypted' : 'not encrypted',
    ),
    row('public-access', !source.public && target.public, (of) => (of.public ? 'public' : 'private')),
    row('tls-forced', source.tlsForced && !target.tlsForced, (of) =>
      of.tlsForced ? 'forced' : 'not forced',
    ),
    row('security-groups', widest(target.inbound) < widest(source.inbound), ({ inbound }) =>
      shownOpenness(inbound),
    ),
    row('deletion-protection', source.deletionProtection && !target.deletionProtection, (of) =>
      of.deletionProtection ? 'on' : 'off',
    ),
    row('backup-retention', target.backupDays < source.backupDays, (of) => `${of.backupDays} days`),
    row('log-exports', lost('logExports').length > 0, (of) => of.logExports.join(', ') || 'none'),
    row('iam-authentication', source.iamAuthentication && !target.iamAuthentication, (of) =>
      of.iamAuthentication ? 'on' : 'off',
    ),
    row('parameters', others.length > 0, ({ parameters }) =>
      others.length === 0
        ? `${Object.keys(parameters).length} set`
        : others.map((name) => `${name}=${parameters[name] ?? '(default)'}`).join(', '),
    ),
  ]
}

/** Names that the source sets, and the target sets otherwise or not at all. */
function differing(source: Posture, target: Posture): readonly string[] {
  return Object.keys(source.parameters)
    .filter((name) => source.parameters[name] !== target.parameters[name])
    .sort()
}

const NOTHING_OPEN = 1000

/** The shortest prefix that anybody is let in from: 0 is the whole world. Groups and lists are not wide. */
function widest(rules: readonly SecurityRule[]): number {
  const lengths = rules.flatMap(({ peer }) => {
    const [, address, length] = /^([\d.]+|[\da-f:]+)\/(\d+)$/i.exec(peer) ?? []
    if (address === undefined) return []
    // A /64 of IPv6 is one network, as a /32 of IPv4 is one host.
    return [address.includes(':') ? Math.floor(Number(length) / 2) : Number(length)]
  })
  return Math.min(NOTHING_OPEN, ...lengths)
}

function shownOpenness(rules: readonly SecurityRule[]): string {
  const peers = [...new Set(rules.map(({ peer }) => peer))].sort()
  return peers.length === 0 ? 'nobody' : peers.join(', ')
}

function forcesTls(
  { engine, engineVersion }: Pick<RdsInstance, 'engine' | 'engineVersion'>,
  parameters: Readonly<Record<string, string>>,
): boolean {
  const isOn = (value: string | undefined) => value !== undefined && /^(1|on|true)$/i.test(value)
  if (!engine.includes('postgres'))
    return isOn(parameters.require_secure_transport ?? parameters['rds.force_ssl'])
  // RDS: "the default value of rds.force_ssl is 1 (on) for PostgreSQL version 15 and later"; Aurora from 17 on.
  const since = engine.startsWith('aurora') ? 17 : 15
  const byDefault = Number.parseInt(engineVersion, 10) >= since
  const given = parameters['rds.force_ssl']
  return given === undefined ? byDefault : isOn(given)
}

async function hasPublicMember(
  { members }: RdsCluster,
  rds: RegionPorts['rds'],
  signal: AbortSignal,
): Promise<boolean> {
  for (const { instanceId } of members) {
    if ((await rds.instance(instanceId, signal))?.publiclyAccessible === true) return true
  }
  return false
}
