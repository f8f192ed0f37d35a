import type { TdsType, TdsValue } from '../backend.ts'
import type { Expr } from './ast.ts'

/** Every record is immutable: a change puts another in its place, so that a transaction can put the old one back. */

export interface SqlObject {
  readonly id: number
  readonly schemaId: number
  readonly name: string
  /** As in sys.objects: U, V, P, FN, IF, TF, TR, SN, SO, PK, UQ, F, C, D, TT. */
  readonly type: string
  readonly parentId: number
  readonly created: string
  readonly systemNamed?: boolean
  readonly table?: TableFacts
  readonly module?: ModuleFacts
  readonly sequence?: SequenceFacts
  readonly synonym?: string
  readonly check?: CheckFacts
  readonly foreignKey?: ForeignKeyFacts
  readonly default?: { readonly columnId: number; readonly expr: Expr; readonly text: string }
  /** PK and UQ: which index of the parent. */
  readonly indexId?: number
}

export interface Column {
  readonly id: number
  readonly name: string
  readonly type: TdsType
  /** An alias type's id, or the base type's. */
  readonly userTypeId: number
  readonly nullable: boolean
  readonly collation: string | null
  readonly identity?: {
    readonly seed: string
    readonly increment: string
    readonly notForReplication: boolean
  }
  readonly computed?: { readonly text: string; readonly expr: Expr; readonly persisted: boolean }
  readonly rowguid: boolean
  readonly sparse: boolean
  readonly columnSet: boolean
  readonly masked: string | null
  readonly generated: 0 | 1 | 2
  readonly hidden: boolean
}

export interface IndexColumn {
  readonly columnId: number
  readonly keyOrdinal: number
  readonly partitionOrdinal: number
  readonly descending: boolean
  readonly included: boolean
}

export interface Index {
  readonly id: number
  readonly name: string | null
  /** 0 heap, 1 clustered, 2 nonclustered, 5 clustered columnstore, 6 nonclustered columnstore. */
  readonly type: 0 | 1 | 2 | 5 | 6
  readonly unique: boolean
  readonly primary: boolean
  readonly uniqueConstraint: boolean
  readonly ignoreDupKey: boolean
  readonly fillFactor: number
  readonly padded: boolean
  readonly disabled: boolean
  readonly allowRowLocks: boolean
  readonly allowPageLocks: boolean
  readonly filter: { readonly text: string; readonly expr: Expr } | null
  readonly dataSpaceId: number
  readonly compression: string
  readonly columns: readonly IndexColumn[]
}

export interface TableFacts {
  readonly columns: readonly Column[]
  readonly nextColumnId: number
  readonly indexes: readonly Index[]
  /** PERIOD FOR SYSTEM_TIME */
  readonly period: { readonly start: number; readonly end: number } | null
  readonly temporal: {
    readonly historyId: number
    readonly retention: number
    readonly retentionUnit: string
  } | null
  readonly historyOf: number | null
  readonly lockEscalation: string
  /** Of a table type: its id among the types. */
  readonly tableTypeId?: number
}

export interface ModuleFacts {
  readonly text: string
  readonly ansiNulls: boolean
  readonly quotedIdentifier: boolean
  readonly schemaBound: boolean
  readonly encrypted: boolean
  /** Names that the text mentions after FROM, JOIN, EXEC …, for sys.sql_expression_dependencies. */
  readonly references: readonly Reference[]
  readonly columns?: readonly { readonly name: string; readonly type: TdsType; readonly nullable: boolean }[]
  readonly trigger?: {
    readonly events: readonly string[]
    readonly insteadOf: boolean
    readonly disabled: boolean
    readonly order: Readonly<Record<string, 'First' | 'Last'>>
    readonly database: boolean
  }
}

export interface Reference {
  readonly database: string | null
  readonly schema: string | null
  readonly name: string
}

export interface SequenceFacts {
  readonly type: TdsType
  readonly userTypeId: number
  readonly start: bigint
  readonly increment: bigint
  readonly minimum: bigint
  readonly maximum: bigint
  readonly cycle: boolean
  readonly cached: boolean
  readonly cacheSize: number | null
}

export interface CheckFacts {
  readonly columnId: number
  readonly expr: Expr
  readonly text: string
  readonly disabled: boolean
  readonly notTrusted: boolean
  readonly notForReplication: boolean
}

export interface ForeignKeyFacts {
  readonly columns: readonly number[]
  readonly referencedId: number
  readonly referencedColumns: readonly number[]
  readonly keyIndexId: number
  readonly onDelete: number
  readonly onUpdate: number
  readonly disabled: boolean
  readonly notTrusted: boolean
  readonly notForReplication: boolean
}

export interface UserType {
  readonly id: number
  readonly schemaId: number
  readonly name: string
  readonly base: TdsType
  readonly nullable: boolean
  readonly tableObjectId: number | null
}

export interface SchemaRecord {
  readonly id: number
  readonly name: string
  readonly ownerId: number
}

export interface Principal {
  readonly id: number
  readonly name: string
  /** S user, R role, A application role, G group, U Windows user. */
  readonly type: string
  readonly defaultSchema: string | null
  readonly sid: string | null
  readonly ownerId: number | null
  readonly fixed: boolean
  /** INSTANCE, NONE, DATABASE */
  readonly authentication: string
  readonly password?: string
}

export interface Permission {
  readonly class: number
  readonly majorId: number
  readonly minorId: number
  readonly granteeId: number
  readonly grantorId: number
  readonly name: string
  readonly state: 'G' | 'D' | 'W'
}

export interface PartitionFunction {
  readonly id: number
  readonly name: string
  readonly right: boolean
  readonly type: TdsType
  readonly values: readonly TdsValue[]
}

export interface DataSpace {
  readonly id: number
  readonly name: string
  readonly type: 'FG' | 'PS'
  readonly functionId: number | null
  readonly destinations: readonly number[]
}

export interface ExtendedProperty {
  readonly class: number
  readonly majorId: number
  readonly minorId: number
  readonly name: string
  readonly value: TdsValue
  readonly type: TdsType
}

export type Row = readonly TdsValue[]

/** Committed rows, and those of the one transaction that is writing. */
export interface TableData {
  rows: readonly Row[]
  pending: { readonly owner: object; rows: readonly Row[] } | null
  /** Not undone by a rollback, as on a real server. */
  lastIdentity: bigint | null
  /** When it was written last since the server's start, for sys.dm_db_index_usage_stats. */
  lastWrite?: number
}

export interface DatabaseOptions {
  readonly collation: string
  readonly compatibility: number
  readonly snapshotIsolation: boolean
  readonly readCommittedSnapshot: boolean
  readonly recovery: string
  readonly readOnly: boolean
  readonly state: string
  readonly userAccess: string
}

export interface Database {
  readonly id: number
  readonly name: string
  readonly created: string
  readonly brokerGuid: string
  readonly options: Map<'options', DatabaseOptions>
  readonly schemas: Map<number, SchemaRecord>
  readonly types: Map<number, UserType>
  readonly objects: Map<number, SqlObject>
  readonly principals: Map<number, Principal>
  /** `role:member` */
  readonly roleMembers: Map<string, { readonly roleId: number; readonly memberId: number }>
  readonly permissions: Map<string, Permission>
  readonly functions: Map<number, PartitionFunction>
  readonly dataSpaces: Map<number, DataSpace>
  readonly properties: Map<string, ExtendedProperty>
  readonly data: Map<number, TableData>
  readonly sequenceValues: Map<number, { value: bigint; used: boolean }>
  owner: string
  nextObjectId: number
  rowversion: bigint
}

export interface Login {
  readonly name: string
  readonly password: string
  readonly sid: string
  readonly id: number
  readonly sysadmin: boolean
  readonly serverRoles: readonly string[]
  readonly disabled?: boolean
  /** At the server: VIEW ANY DEFINITION and its like. */
  readonly permissions?: readonly { readonly name: string; readonly state: Permission['state'] }[]
}
