import { createHash } from 'node:crypto'
import type { AccountList } from '../core/accounts.ts'
import type { CloudWatchPort } from '../runbooks/ports/cloudwatch.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { Ec2Port, SecurityRule } from '../runbooks/ports/ec2.ts'
import type { IamPort } from '../runbooks/ports/iam.ts'
import type { KmsPort } from '../runbooks/ports/kms.ts'
import type { DnsRecord, Route53Port } from '../runbooks/ports/route53.ts'
import { found, mustBeNew, refuse } from './checks.ts'
import { DURATIONS } from './durations.ts'
import type { World } from './world.ts'

export function createKms(world: World, region: string): KmsPort {
  const state = world.region(region)
  const on = (operation: string) => ({ operation: `kms:${operation}`, state, world })
  const named = (name: string) =>
    [...state.keys.values()].find(
      ({ id, arn, aliases }) => id === name || arn === name || aliases.includes(name),
    )
  const publicly = ({ policy: _, tags: __, ...key }: NonNullable<ReturnType<typeof named>>) => key
  return {
    key: (name, signal) =>
      world.call('kms:DescribeKey', region, 'read', signal, () => {
        const key = named(name)
        return key === undefined ? undefined : publicly(key)
      }),
    keys: (signal) =>
      world.call('kms:ListKeys', region, 'read', signal, () => [...state.keys.values()].map(publicly)),
    policy: (keyId, signal) =>
      world.call(
        'kms:GetKeyPolicy',
        region,
        'read',
        signal,
        () => found(on('GetKeyPolicy'), named(keyId), keyId).policy,
      ),
    tags: (keyId, signal) =>
      world.call(
        'kms:ListResourceTags',
        region,
        'read',
        signal,
        () => found(on('ListResourceTags'), named(keyId), keyId).tags,
      ),
    createKey: ({ description, policy, tags }, signal) =>
      world.call('kms:CreateKey', region, 'change', signal, () => {
        // A key of one region has no namesake in another.
        const seed = createHash('sha256').update(`${region}/${state.keys.size}`).digest('hex')
        const id = `${seed.slice(0, 8)}-${seed.slice(8, 12)}-4${seed.slice(13, 16)}-8${seed.slice(17, 20)}-${seed.slice(20, 32)}`
        const arn = `arn:aws:kms:${region}:${world.account}:key/${id}`
        state.keys.set(id, {
          ...{ id, arn, description, policy, tags, enabled: true, state: 'Enabled', managedBy: 'customer' },
          ...{ spec: 'SYMMETRIC_DEFAULT', usage: 'ENCRYPT_DECRYPT', multiRegion: false, aliases: [] },
        })
        return { id, arn }
      }),
    createAlias: ({ alias, keyId }, signal) =>
      world.call('kms:CreateAlias', region, 'change', signal, () => {
        mustBeNew(on('CreateAlias'), named(alias) !== undefined, alias)
        const key = found(on('CreateAlias'), named(keyId), keyId)
        key.aliases = [...key.aliases, alias]
      }),
  }
}

export function createEc2(world: World, region: string): Ec2Port {
  const state = world.region(region)
  const on = (operation: string) => ({ operation: `ec2:${operation}`, state, world })
  const same = (a: SecurityRule, b: SecurityRule) =>
    a.protocol === b.protocol && a.fromPort === b.fromPort && a.toPort === b.toPort && a.peer === b.peer
  return {
    securityGroups: (ids, signal) =>
      world.call('ec2:DescribeSecurityGroups', region, 'read', signal, () =>
        [...state.securityGroups.values()].filter(({ id }) => ids?.includes(id) ?? true),
      ),
    createSecurityGroup: (input, signal) =>
      world.call('ec2:CreateSecurityGroup', region, 'change', signal, () => {
        const there = [...state.securityGroups.values()]
        const taken = there.some(({ name, vpcId }) => name === input.name && vpcId === input.vpcId)
        mustBeNew(on('CreateSecurityGroup'), taken, input.name)
        const id = `sg-${(there.length + 1).toString(16).padStart(17, '0')}`
        const outbound = [{ protocol: '-1', peer: '0.0.0.0/0' }]
        state.securityGroups.set(id, { ...input, id, inbound: [], outbound })
        return { id }
      }),
    allowInbound: (groupId, rules, signal) =>
      world.call('ec2:AuthorizeSecurityGroupIngress', region, 'change', signal, () => {
        const group = found(on('AuthorizeSecurityGroupIngress'), state.securityGroups.get(groupId), groupId)
        const fresh = rules.filter((rule) => !group.inbound.some((each) => same(each, rule)))
        group.inbound = [...group.inbound, ...fresh]
      }),
    revokeInbound: (groupId, rules, signal) =>
      world.call('ec2:RevokeSecurityGroupIngress', region, 'change', signal, () => {
        const group = found(on('RevokeSecurityGroupIngress'), state.securityGroups.get(groupId), groupId)
        group.inbound = group.inbound.filter((each) => !rules.some((rule) => same(each, rule)))
      }),
    subnets: (vpcId, signal) =>
      world.call('ec2:DescribeSubnets', region, 'read', signal, () =>
        [...state.subnets.values()].filter((each) => vpcId === undefined || each.vpcId === vpcId),
      ),
    vpcs: (signal) => world.call('ec2:DescribeVpcs', region, 'read', signal, () => [...state.vpcs.values()]),
  }
}

/** Its control plane is in us-east-1, and dies with it. */
const DNS_REGION = 'us-east-1'

export function createRoute53(world: World): Route53Port {
  const on = (operation: string) => ({
    operation: `route53:${operation}`,
    state: world.region(DNS_REGION),
    world,
  })
  const zoneOf = (operation: string, id: string) => found(on(operation), world.zones.get(id), id)
  const same = (a: DnsRecord, b: DnsRecord) =>
    a.name === b.name && a.type === b.type && a.setIdentifier === b.setIdentifier
  return {
    zones: (signal) =>
      world.call('route53:ListHostedZones', DNS_REGION, 'read', signal, () =>
        [...world.zones.values()].map(({ zone }) => zone),
      ),
    records: (zoneId, signal) =>
      world.call(
        'route53:ListResourceRecordSets',
        DNS_REGION,
        'read',
        signal,
        () => zoneOf('ListResourceRecordSets', zoneId).records,
      ),
    change: (zoneId, changes, _comment, signal) =>
      world.call('route53:ChangeResourceRecordSets', DNS_REGION, 'change', signal, () => {
        const call = on('ChangeResourceRecordSets')
        const zone = zoneOf('ChangeResourceRecordSets', zoneId)
        let records = [...zone.records]
        for (const { action, record } of changes) {
          const there = records.find((each) => same(each, record))
          if (action === 'create' && there !== undefined) refuse(call, 'invalid', `${record.name} exists`)
          if (action === 'delete' && !isSameRecord(there, record))
            refuse(call, 'invalid', `${record.name} was not found as given`)
          records = records.filter((each) => each !== there)
          if (there !== undefined) {
            const untilMs = world.time.nowMs() + (there.ttlSeconds ?? 60) * 1000
            const key = `${there.name}/${there.type}`
            // Whoever asked just before keeps the old answer for its whole time.
            if ((world.dnsCache.get(key)?.untilMs ?? 0) < world.time.nowMs())
              world.dnsCache.set(key, { values: there.values, untilMs })
          }
          if (action === 'delete') continue
          records.push(record)
          // Route 53 gives all weighted records of a name the TTL that was given last.
          if (record.routing?.Weight !== undefined) records = records.map((each) => withTtlOf(record, each))
        }
        zone.records = records
        const changeId = `C${String(world.dnsChanges.size + 1).padStart(13, '0')}`
        world.dnsChanges.set(changeId, 'pending')
        world.time.after(DURATIONS.dns, () => {
          world.dnsChanges.set(changeId, 'insync')
        })
        return { changeId }
      }),
    healthChecks: (signal) =>
      world.call('route53:ListHealthChecks', DNS_REGION, 'read', signal, () =>
        [...world.healthChecks.values()].map(({ id, alarm }) => ({ id, alarm })),
      ),
    createHealthCheck: ({ reference, alarm }, signal) =>
      world.call('route53:CreateHealthCheck', DNS_REGION, 'change', signal, () => {
        mustBeNew(on('CreateHealthCheck'), world.healthChecks.has(reference), reference)
        const id = `00000000-0000-4000-8000-${String(world.healthChecks.size + 1).padStart(12, '0')}`
        world.healthChecks.set(reference, { id, alarm })
        return { id }
      }),
    changeStatus: (changeId, signal) =>
      world.call('route53:GetChange', DNS_REGION, 'read', signal, () =>
        found(on('GetChange'), world.dnsChanges.get(changeId), changeId),
      ),
  }
}

function withTtlOf({ name, type, ttlSeconds }: DnsRecord, other: DnsRecord): DnsRecord {
  const isOfGroup = other.name === name && other.type === type && other.ttlSeconds !== undefined
  return isOfGroup && ttlSeconds !== undefined ? { ...other, ttlSeconds } : other
}

function isSameRecord(there: DnsRecord | undefined, record: DnsRecord): boolean {
  const plain = (each: DnsRecord | undefined) => JSON.stringify([each?.ttlSeconds, each?.values, each?.alias])
  return there !== undefined && plain(there) === plain(record)
}

export function createIam(world: World, region: string): IamPort {
  return {
    caller: (signal) =>
      world.call('sts:GetCallerIdentity', region, 'read', signal, () => ({
        account: world.account,
        arn: `arn:aws:iam::${world.account}:role/lifeboat`,
        partition: 'aws',
      })),
    role: (arn, signal) =>
      world.call('iam:GetRole', DNS_REGION, 'read', signal, () => {
        const trust = world.roles.get(arn)
        return trust === undefined ? undefined : { arn, trust }
      }),
    simulate: (_principal, wanted, signal) =>
      world.call('iam:SimulatePrincipalPolicy', DNS_REGION, 'read', signal, () =>
        wanted.flatMap(({ actions, resources }) =>
          actions.flatMap((action) =>
            resources.map((resource) => ({
              action,
              resource,
              decision: world.deniedActions.has(action) ? ('denied' as const) : ('allowed' as const),
            })),
          ),
        ),
      ),
  }
}

export function createCloudWatch(world: World, region: string): CloudWatchPort {
  const state = world.region(region)
  return {
    latest: ({ metric, dimensions }, signal) =>
      world.call('cloudwatch:GetMetricStatistics', region, 'read', signal, () => {
        const id = dimensions.DBInstanceIdentifier ?? dimensions.DBClusterIdentifier ?? ''
        const value = state.metrics.get(`${metric}/${id}`)
        return value === undefined ? undefined : { value, at: world.time.clock.now() }
      }),
    alarms: (signal) => world.call('cloudwatch:DescribeAlarms', region, 'read', signal, () => state.alarms),
    putAlarm: ({ name, metric, dimensions, ...definition }, signal) =>
      world.call('cloudwatch:PutMetricAlarm', region, 'change', signal, () => {
        const arn = `arn:aws:cloudwatch:${region}:${world.account}:alarm:${name}`
        const others = state.alarms.filter((each) => each.name !== name)
        const alarm = { name, arn, metric, dimensions, state: 'INSUFFICIENT_DATA', definition }
        state.alarms.splice(0, state.alarms.length, ...others, alarm)
      }),
  }
}

const LIFTING = 'SET GLOBAL read_only = OFF'

const USUAL_ACCOUNTS: AccountList = {
  accounts: [{ name: 'app@%', grants: ['SELECT ON `shop`.*', 'may log in'] }],
  limits: [],
}

/** The databases themselves, which may answer where their control plane is dead. */
export function createDatabase(world: World): DatabasePort {
  const at = (name: string, kind: 'read' | 'change', signal: AbortSignal, host: string) =>
    world.call(`database:${name}`, 'database', kind, signal, () => world.databases.get(host))
  return {
    async look({ host }, write, signal) {
      const state = await at('look', 'read', signal, host)
      const ok = state !== undefined
      const rungs = ['dns', 'tcp', 'tls', 'login', 'read'] as const
      const writes = !write
        ? ({ rung: 'write', outcome: 'skipped', tookMs: 0 } as const)
        : state === 'writable'
          ? ({ rung: 'write', outcome: 'ok', tookMs: 3 } as const)
          : ({
              rung: 'write',
              outcome: ok ? 'failed' : 'skipped',
              reason: state ?? 'not reached',
              tookMs: 3,
            } as const)
      return {
        addresses: ok ? ['192.0.2.10'] : [],
        rungs: [
          ...rungs.map((rung, index) =>
            ok
              ? ({ rung, outcome: 'ok', tookMs: 5 } as const)
              : ({
                  rung,
                  outcome: index === 0 ? 'failed' : 'skipped',
                  reason: 'ENOTFOUND',
                  tookMs: 5,
                } as const),
          ),
          writes,
        ],
      }
    },
    writable: async ({ host }, signal) => (await at('writable', 'read', signal, host)) ?? 'unreachable',
    async fence({ host }, statements, signal) {
      const state = await world.call('database:fence', 'database', 'change', signal, () => {
        const before = world.databases.get(host)
        if (before !== undefined) world.databases.set(host, 'read-only')
        return before
      })
      return state === undefined ? { done: [], failed: statements } : { done: statements, failed: [] }
    },
    async planFence({ host }, signal) {
      const state = await at('planFence', 'read', signal, host)
      const open = state === 'writable'
      return state === undefined
        ? undefined
        : {
            client: 'mysql',
            statements: open ? ['SET GLOBAL read_only = ON'] : [],
            undo: open ? [LIFTING] : [],
            sessions: "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST",
            limits: ['read_only is gone when the server restarts.'],
          }
    },
    async planUnfence({ host }, signal) {
      const state = await at('planUnfence', 'read', signal, host)
      if (state === undefined) return undefined
      return state === 'read-only' ? { standing: [LIFTING], lifted: [] } : { standing: [], lifted: [LIFTING] }
    },
    async unfence({ host }, undo, signal) {
      await world.call('database:unfence', 'database', 'change', signal, () => {
        if (world.databases.has(host) && undo.length > 0) world.databases.set(host, 'writable')
      })
    },
    async newest({ host }, _query, signal) {
      return (await at('newest', 'read', signal, host)) === undefined
        ? undefined
        : world.time.clock.now().toISOString()
    },
    async accounts({ host }, signal) {
      if ((await at('accounts', 'read', signal, host)) === undefined) return { unknown: 'no answer' }
      return world.accounts.get(host) ?? USUAL_ACCOUNTS
    },
  }
}
