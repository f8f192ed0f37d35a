/** What the entries of a list are called, where that is not `member`: as the API model of RDS has it. */
const ENTRIES: Readonly<Record<string, string>> = {
  AccountQuotas: 'AccountQuota',
  AssociatedRoles: 'DBInstanceRole',
  AvailabilityZones: 'AvailabilityZone',
  DBClusterEndpoints: 'DBClusterEndpointList',
  DBClusterMembers: 'DBClusterMember',
  DBClusterSnapshots: 'DBClusterSnapshot',
  DBClusters: 'DBCluster',
  DBEngineVersions: 'DBEngineVersion',
  DBInstanceAutomatedBackups: 'DBInstanceAutomatedBackup',
  DBInstanceAutomatedBackupsReplications: 'DBInstanceAutomatedBackupsReplication',
  DBInstances: 'DBInstance',
  DBParameterGroups: 'DBParameterGroup',
  DBSnapshots: 'DBSnapshot',
  GlobalClusterMembers: 'GlobalClusterMember',
  GlobalClusters: 'GlobalClusterMember',
  OptionGroupMemberships: 'OptionGroupMembership',
  OptionGroupsList: 'OptionGroup',
  OptionSettings: 'OptionSetting',
  Options: 'Option',
  OrderableDBInstanceOptions: 'OrderableDBInstanceOption',
  Parameters: 'Parameter',
  ReadReplicaDBClusterIdentifiers: 'ReadReplicaDBClusterIdentifier',
  ReadReplicaDBInstanceIdentifiers: 'ReadReplicaDBInstanceIdentifier',
  StatusInfos: 'DBInstanceStatusInfo',
  TagList: 'Tag',
  VpcSecurityGroupMemberships: 'VpcSecurityGroupMembership',
  VpcSecurityGroups: 'VpcSecurityGroupMembership',
}

/** An answer in the XML of AWS's query protocol. */
export function queryAnswer(action: string, result: object): string {
  return `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${fields(result)}</${action}Result>${metadata()}</${action}Response>`
}

export function queryError(code: string, message: string): string {
  return `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type>${element('Code', code)}${element('Message', message)}</Error><RequestId>${REQUEST_ID}</RequestId></ErrorResponse>`
}

export const REQUEST_ID = '7a62c49f-347e-4fc4-9331-6e8e5c0a1e0f'

function metadata(): string {
  return `<ResponseMetadata><RequestId>${REQUEST_ID}</RequestId></ResponseMetadata>`
}

function fields(value: object): string {
  return Object.entries(value)
    .map(([name, inner]) => element(name, inner))
    .join('')
}

function element(name: string, value: unknown): string {
  if (value === undefined) return ''
  return `<${name}>${content(name, value)}</${name}>`
}

function content(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((entry) => element(ENTRIES[name] ?? 'member', entry)).join('')
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object' && value !== null) return fields(value)
  return String(value).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
