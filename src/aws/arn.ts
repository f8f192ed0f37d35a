/** `arn:partition:service:region:account:…`; undefined for what is no ARN. */
export function parseArn(
  text: string,
): { readonly partition: string; readonly region: string; readonly account: string } | undefined {
  const [arn, partition, , region, account, ...rest] = text.split(':')
  if (arn !== 'arn' || partition === undefined || region === undefined || account === undefined)
    return undefined
  return rest.length === 0 ? undefined : { partition, region, account }
}

/** Prefixes of regions outside of the partition `aws`, and where the services without a region are controlled there. */
const PARTITIONS = [
  ['cn-', 'cn-north-1'],
  ['us-gov-', 'us-gov-west-1'],
  ['us-isof-', 'us-isof-south-1'],
  ['us-isob-', 'us-isob-east-1'],
  ['us-iso-', 'us-iso-east-1'],
  ['eu-isoe-', 'eu-isoe-west-1'],
  ['eusc-', 'eusc-de-east-1'],
] as const

/** Where the control planes of IAM and Route 53 are, for whoever works in this region. */
export function globalRegionOf(region: string, service: 'iam' | 'route53'): string {
  if (service === 'route53' && region.startsWith('cn-')) return 'cn-northwest-1'
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'us-east-1'
}
