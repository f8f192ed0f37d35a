import { z } from 'zod'
import type { Alarm } from '../../runbooks/ports/cloudwatch.ts'
import type { SecurityGroup, SecurityRule, Subnet, Vpc } from '../../runbooks/ports/ec2.ts'
import type { KmsKey } from '../../runbooks/ports/kms.ts'
import type {
  GroupOption,
  GroupParameter,
  OptionGroup,
  ParameterGroup,
  SubnetGroup,
} from '../../runbooks/ports/rds-groups.ts'
import type { DnsRecord, HostedZone } from '../../runbooks/ports/route53.ts'
import type { Tags } from '../../runbooks/ports.ts'
import { date, flag, maybe, objectOf, tags, text, texts, whole } from './schema.ts'

export const subnetGroupSchema = objectOf<SubnetGroup>()({
  name: text,
  vpcId: text,
  description: text,
  subnets: z.array(z.object({ id: text, zone: text })),
})

export const subnetSchema = objectOf<Subnet>()({
  id: text,
  vpcId: text,
  zone: text,
  cidr: text,
  freeAddresses: whole,
  name: maybe(text),
})

export const vpcSchema = objectOf<Vpc>()({ id: text, cidr: text, isDefault: flag, name: maybe(text) })

const rules = z.array(
  objectOf<SecurityRule>()({
    protocol: text,
    fromPort: maybe(whole),
    toPort: maybe(whole),
    peer: text,
    description: maybe(text),
  }),
)

export const securityGroupSchema = objectOf<SecurityGroup>()({
  id: text,
  name: text,
  description: text,
  vpcId: text,
  inbound: rules,
  outbound: rules,
  tags,
})

export const parameterGroupSchema = objectOf<ParameterGroup>()({
  name: text,
  family: text,
  description: text,
  parameters: z.array(
    objectOf<GroupParameter>()({
      name: text,
      value: text,
      apply: z.enum(['immediate', 'pending-reboot']),
    }),
  ),
})

export const optionGroupSchema = objectOf<OptionGroup>()({
  name: text,
  engine: text,
  majorVersion: text,
  description: text,
  vpcId: maybe(text),
  options: z.array(
    objectOf<GroupOption>()({
      name: text,
      version: maybe(text),
      port: maybe(whole),
      settings: z.record(z.string(), z.string()),
      securityGroups: texts,
    }),
  ),
})

/** With its policy and tags, where they could be read: a key for the other side is made from them. */
export interface InventoryKey extends KmsKey {
  readonly policy?: string
  readonly tags?: Tags
}

export const keySchema = objectOf<InventoryKey>()({
  id: text,
  arn: text,
  enabled: flag,
  state: text,
  managedBy: z.enum(['customer', 'aws']),
  spec: text,
  usage: text,
  multiRegion: flag,
  aliases: texts,
  description: maybe(text),
  deletion: maybe(date),
  policy: maybe(text),
  tags: maybe(tags),
})

export const alarmSchema = objectOf<Alarm>()({
  name: text,
  arn: text,
  metric: maybe(text),
  dimensions: z.record(z.string(), z.string()),
  state: text,
  definition: z.record(z.string(), z.unknown()),
})

export const hostedZoneSchema = objectOf<HostedZone>()({
  id: text,
  name: text,
  private: flag,
  vpcs: z.array(z.object({ id: text, region: text })),
})

type Alias = NonNullable<DnsRecord['alias']>

export const dnsRecordSchema = objectOf<DnsRecord>()({
  name: text,
  type: text,
  ttlSeconds: maybe(whole),
  values: texts,
  setIdentifier: maybe(text),
  routing: maybe(z.record(z.string(), z.union([z.string(), z.number()]))),
  healthCheckId: maybe(text),
  alias: maybe(objectOf<Alias>()({ zoneId: text, host: text, evaluateHealth: flag })),
})
