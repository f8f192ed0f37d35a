import type { Tags } from '../ports.ts'

export interface SubnetGroup {
  readonly name: string
  readonly vpcId: string
  readonly description: string
  readonly subnets: readonly { readonly id: string; readonly zone: string }[]
}

export interface ParameterGroup {
  readonly name: string
  readonly family: string
  readonly description: string
  /** Only those that somebody has set. */
  readonly parameters: readonly GroupParameter[]
}

export interface GroupParameter {
  readonly name: string
  readonly value: string
  readonly apply: 'immediate' | 'pending-reboot'
}

export interface OptionGroup {
  readonly name: string
  readonly engine: string
  readonly majorVersion: string
  readonly description: string
  readonly vpcId?: string
  readonly options: readonly GroupOption[]
}

export interface GroupOption {
  readonly name: string
  readonly version?: string
  readonly port?: number
  readonly settings: Readonly<Record<string, string>>
  readonly securityGroups: readonly string[]
}

/** What can be had in this region at all; not what there is room for right now. */
export interface Orderable {
  readonly instanceClass: string
  readonly zones: readonly string[]
  readonly storageTypes: readonly string[]
  readonly multiAz: boolean
}

export interface Quota {
  /** `DBInstances`, `ManualSnapshots`, `AllocatedStorage` … */
  readonly name: string
  readonly used: number
  readonly most: number
}

export interface RdsGroups {
  subnetGroup(name: string, signal: AbortSignal): Promise<SubnetGroup | undefined>
  subnetGroups(signal: AbortSignal): Promise<readonly SubnetGroup[]>
  createSubnetGroup(
    input: {
      readonly name: string
      readonly description: string
      readonly subnetIds: readonly string[]
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<void>
  parameterGroup(
    of: 'instance' | 'cluster',
    name: string,
    signal: AbortSignal,
  ): Promise<ParameterGroup | undefined>
  parameterGroups(of: 'instance' | 'cluster', signal: AbortSignal): Promise<readonly ParameterGroup[]>
  createParameterGroup(
    input: {
      readonly of: 'instance' | 'cluster'
      readonly name: string
      readonly family: string
      readonly description: string
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<void>
  /** Any number: the adapter sends 20 at a time, as RDS takes them. */
  setParameters(
    of: 'instance' | 'cluster',
    name: string,
    parameters: readonly GroupParameter[],
    signal: AbortSignal,
  ): Promise<void>
  optionGroup(name: string, signal: AbortSignal): Promise<OptionGroup | undefined>
  optionGroups(signal: AbortSignal): Promise<readonly OptionGroup[]>
  createOptionGroup(
    input: {
      readonly name: string
      readonly engine: string
      readonly majorVersion: string
      readonly description: string
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<void>
  setOptions(name: string, options: readonly GroupOption[], signal: AbortSignal): Promise<void>
  /** Empty where the version or the class can't be had here. */
  orderable(
    what: { readonly engine: string; readonly engineVersion: string; readonly instanceClass?: string },
    signal: AbortSignal,
  ): Promise<readonly Orderable[]>
  /** Versions that are offered here, with the family of their parameter groups. */
  engineVersions(
    engine: string,
    signal: AbortSignal,
  ): Promise<readonly { readonly version: string; readonly family: string }[]>
  quotas(signal: AbortSignal): Promise<readonly Quota[]>
}
