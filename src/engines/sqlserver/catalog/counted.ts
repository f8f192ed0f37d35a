/**
 * Kinds of objects that are not scripted. They are counted, so that the manifest names what a restored database will
 * not have; a server that lacks the view lacks the kind as well.
 */
export interface CountedKind {
  readonly what: string
  readonly view: string
  readonly where?: string
  readonly reason: string
}

const BY_HAND = 'not scripted: make them again by hand'

export const COUNTED_KINDS: readonly CountedKind[] = [
  {
    what: 'CLR assemblies',
    view: 'sys.assemblies',
    where: 'is_user_defined = 1',
    reason: 'their code is not scripted: create them again from their files',
  },
  {
    what: 'CLR modules',
    view: 'sys.assembly_modules',
    reason: 'they belong to assemblies, which are not scripted',
  },
  { what: 'CLR types', view: 'sys.assembly_types', where: 'is_user_defined = 1', reason: BY_HAND },
  { what: 'search property lists', view: 'sys.registered_search_property_lists', reason: BY_HAND },
  {
    what: 'Service Broker queues',
    view: 'sys.service_queues',
    where: 'is_ms_shipped = 0',
    reason: 'Service Broker is not scripted, nor are messages that wait',
  },
  // Below 65536 lie the services, contracts and message types that every database comes with.
  {
    what: 'Service Broker services',
    view: 'sys.services',
    where: 'service_id >= 65536',
    reason: 'Service Broker is not scripted',
  },
  {
    what: 'Service Broker contracts',
    view: 'sys.service_contracts',
    where: 'service_contract_id >= 65536',
    reason: 'Service Broker is not scripted',
  },
  {
    what: 'Service Broker message types',
    view: 'sys.service_message_types',
    where: 'message_type_id >= 65536',
    reason: 'Service Broker is not scripted',
  },
  {
    what: 'certificates',
    view: 'sys.certificates',
    reason: 'private keys can not be read by SQL: back them up with BACKUP CERTIFICATE',
  },
  { what: 'symmetric keys', view: 'sys.symmetric_keys', reason: 'keys can not be read by SQL' },
  { what: 'asymmetric keys', view: 'sys.asymmetric_keys', reason: 'keys can not be read by SQL' },
  {
    what: 'column master keys',
    view: 'sys.column_master_keys',
    reason: 'Always Encrypted is not scripted',
  },
  {
    what: 'column encryption keys',
    view: 'sys.column_encryption_keys',
    reason: 'Always Encrypted is not scripted',
  },
  {
    what: 'database scoped credentials',
    view: 'sys.database_scoped_credentials',
    reason: 'secrets can not be read by SQL',
  },
  { what: 'external data sources', view: 'sys.external_data_sources', reason: BY_HAND },
  { what: 'external file formats', view: 'sys.external_file_formats', reason: BY_HAND },
  { what: 'numbered procedures', view: 'sys.numbered_procedures', reason: BY_HAND },
  { what: 'plan guides', view: 'sys.plan_guides', reason: BY_HAND },
  { what: 'event notifications', view: 'sys.event_notifications', reason: BY_HAND },
  {
    what: 'statistics made by hand',
    view: 'sys.stats',
    where: "user_created = 1 AND OBJECTPROPERTY(object_id, 'IsMSShipped') = 0",
    reason: 'the server makes its own; add those that a query plan needs',
  },
  {
    what: 'tables with change tracking',
    view: 'sys.change_tracking_tables',
    reason: 'versions start anew: turn it on again',
  },
  {
    what: 'tables with change data capture',
    view: 'sys.tables',
    where: 'is_tracked_by_cdc = 1',
    reason: 'captured changes are not dumped: turn it on again',
  },
  {
    what: 'published or replicated tables',
    view: 'sys.tables',
    where: 'is_published = 1 OR is_merge_published = 1',
    reason: 'replication is not scripted: set it up again',
  },
  {
    what: 'filegroups besides PRIMARY',
    view: 'sys.filegroups',
    where: "name <> 'PRIMARY'",
    reason: "files belong to the server: everything is restored into the target's PRIMARY filegroup",
  },
  {
    what: 'database audit specifications',
    view: 'sys.database_audit_specifications',
    reason: BY_HAND,
  },
  { what: 'sensitivity classifications', view: 'sys.sensitivity_classifications', reason: BY_HAND },
  {
    what: 'database scoped configurations that differ from their defaults',
    view: 'sys.database_scoped_configurations',
    where: 'is_value_default = 0',
    reason: 'they tune a server: set those that are still wanted with ALTER DATABASE SCOPED CONFIGURATION',
  },
]

export function countText({ view, where }: CountedKind): string {
  return `SELECT COUNT_BIG(*) AS found FROM ${view}${where === undefined ? '' : ` WHERE ${where}`}`
}
