import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { messageOf } from '../core/errors.ts'
import type { SecurityRule } from './ports/ec2.ts'
import type { Endpoint, RdsInstance } from './ports/rds.ts'
import type { RdsCluster } from './ports/rds-clusters.ts'
import type { RegionPorts } from './ports.ts'

/** How a database is protected, whatever it is. Plain JSON: journals keep it. */
export interface Posture {
  readonly encrypted: boolean
  readonly public: boolean
  readonly tlsForced: boolean
  readonly inbound: readonly InboundRule[]
  readonly deletionProtection: boolean
  readonly backupDays: number
  readonly logExports: readonly string[]
  readonly iamAuthentication: boolean
  /** Those that somebody has set. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface InboundRule extends SecurityRule {
  readonly groupId: string
}

/** As far as it could be looked at, and why the rest could not. */
export interface SeenPosture {
  readonly known: Partial<Posture>
  readonly unknown: Readonly<Partial<Record<keyof Posture, string>>>
}

export type FoundDatabase =
  | { readonly kind: 'instance'; readonly database: RdsInstance }
  | { readonly kind: 'cluster'; readonly database: RdsCluster }

/** Of that kind, or of either where nobody knows. */
export async function findDatabase(
  { rds }: RegionPorts,
  id: string,
  signal: AbortSignal,
  kind?: FoundDatabase['kind'],
): Promise<FoundDatabase | undefined> {
  const cluster = kind === 'instance' ? undefined : await rds.cluster(id, signal)
  if (cluster !== undefined) return { kind: 'cluster', database: cluster }
  if (kind === 'cluster') return undefined
  const instance = await rds.instance(id, signal)
  return instance === undefined ? undefined : { kind: 'instance', database: instance }
}

/** Of a secondary the reader's: the writer's answers nobody there. */
export function endpointOf({ kind, database }: FoundDatabase, takesWrites = true): Endpoint | undefined {
  if (kind === 'instance') return database.endpoint
  const host = takesWrites ? database.writerHost : database.readerHost
  return host === undefined ? undefined : { host, port: database.port }
}

export function parameterGroupOf({ kind, database }: FoundDatabase): string | undefined {
  return kind === 'cluster' ? database.parameterGroup : database.parameterGroups[0]?.name
}

/**
 * What is refused is unknown, and leaves the rest as it is. A control plane that gives no good answer is a failure, for the caller to
 * try again; or with `dead` it is unknown, too.
 */
export async function readPosture(
  found: FoundDatabase,
  { rds, ec2 }: RegionPorts,
  dead: 'throws' | 'unknown',
  signal: AbortSignal,
): Promise<SeenPosture> {
  const { kind, database } = found
  const known: { -readonly [Field in keyof Posture]?: Posture[Field] } = {
    encrypted: database.encrypted,
    deletionProtection: database.deletionProtection,
    backupDays: database.backupRetentionDays,
    logExports: database.logExports,
    iamAuthentication: database.iamAuthentication,
  }
  const unknown: Partial<Record<keyof Posture, string>> = {}
  async function ask(fields: readonly (keyof Posture)[], work: () => Promise<Partial<Posture>>) {
    try {
      Object.assign(known, await work())
    } catch (thrown) {
      if (faultOf(thrown) === undefined || (dead === 'throws' && isTransient(thrown))) throw thrown
      for (const field of fields) unknown[field] = messageOf(thrown)
    }
  }
  await ask(['public'], async () => ({
    public: kind === 'cluster' ? await hasPublicMember(database, rds, signal) : database.publiclyAccessible,
  }))
  await ask(['parameters', 'tlsForced'], async () => {
    const group = parameterGroupOf(found)
    const set = group === undefined ? undefined : await rds.parameterGroup(kind, group, signal)
    const parameters = Object.fromEntries((set?.parameters ?? []).map(({ name, value }) => [name, value]))
    return { parameters, tlsForced: forcesTls(database, parameters) }
  })
  await ask(['inbound'], async () => {
    const ids = database.securityGroups
    const groups = ids.length === 0 ? [] : await ec2.securityGroups(ids, signal)
    if (groups.some(({ name }) => isFence(name))) {
      unknown.inbound = 'it is fenced: who was let in before does not show'
      return {}
    }
    return { inbound: groups.flatMap(({ id, inbound }) => inbound.map((rule) => ({ ...rule, groupId: id }))) }
  })
  return { known, unknown }
}

/** What `migrate fence` puts a database behind: nobody is let in, which is no measure for another one. */
function isFence(name: string): boolean {
  return /^lifeboat-.*-fence$/.test(name)
}

function forcesTls(
  { engine, engineVersion }: Pick<RdsInstance, 'engine' | 'engineVersion'>,
  parameters: Readonly<Record<string, string>>,
): boolean {
  const isOn = (value: string | undefined) => value !== undefined && /^(1|on|true)$/i.test(value)
  const given = parameters[tlsParameter(engine)]
  if (!engine.includes('postgres')) return isOn(given)
  // RDS: "the default value of rds.force_ssl is 1 (on) for PostgreSQL version 15 and later"; Aurora from 17 on.
  const since = engine.startsWith('aurora') ? 17 : 15
  const byDefault = Number.parseInt(engineVersion, 10) >= since
  return given === undefined ? byDefault : isOn(given)
}

/** By which a server of RDS refuses connections without TLS. */
export function tlsParameter(engine: string): 'require_secure_transport' | 'rds.force_ssl' {
  return /mysql|mariadb/.test(engine) ? 'require_secure_transport' : 'rds.force_ssl'
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
