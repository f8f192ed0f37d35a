import type { Tags } from '../ports.ts'

export interface SecurityGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly inbound: readonly SecurityRule[]
  readonly outbound: readonly SecurityRule[]
  readonly tags: Tags
}

/** One peer of one range of ports. */
export interface SecurityRule {
  /** `tcp`, `udp`, `icmp`, `-1` for all. */
  readonly protocol: string
  readonly fromPort?: number
  readonly toPort?: number
  /** A CIDR, `sg-…` or `pl-…`. */
  readonly peer: string
  readonly description?: string
}

export interface Subnet {
  readonly id: string
  readonly vpcId: string
  readonly zone: string
  readonly cidr: string
  readonly freeAddresses: number
  readonly name?: string
}

export interface Vpc {
  readonly id: string
  readonly cidr: string
  readonly isDefault: boolean
  readonly name?: string
}

export interface Ec2Port {
  /** The named ones, or all. */
  securityGroups(ids: readonly string[] | undefined, signal: AbortSignal): Promise<readonly SecurityGroup[]>
  createSecurityGroup(
    input: {
      readonly name: string
      readonly description: string
      readonly vpcId: string
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<{ readonly id: string }>
  /** A rule that is there already is no failure. */
  allowInbound(groupId: string, rules: readonly SecurityRule[], signal: AbortSignal): Promise<void>
  /** A rule that is not there is no failure. */
  revokeInbound(groupId: string, rules: readonly SecurityRule[], signal: AbortSignal): Promise<void>
  subnets(vpcId: string | undefined, signal: AbortSignal): Promise<readonly Subnet[]>
  vpcs(signal: AbortSignal): Promise<readonly Vpc[]>
}
