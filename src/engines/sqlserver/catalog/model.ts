import type { SqlColumn } from '../session.ts'
import type { FullText } from './model-full-text.ts'
import type { Module, Synonym, XmlSchemaCollection } from './model-modules.ts'
import type { ExtendedProperty, ObjectOwner, Permission, Principal, RoleMember } from './model-security.ts'

export type { FullText, FullTextIndex } from './model-full-text.ts'
export type { Module, ModuleKind, Synonym, XmlSchemaCollection } from './model-modules.ts'
export type { ExtendedProperty, ObjectOwner, Permission, Principal, RoleMember } from './model-security.ts'

/** One database as its catalog views describe it: all that the schema parts are written from. */
export interface Catalog {
  readonly database: DatabaseModel
  readonly schemas: readonly SchemaModel[]
  readonly aliasTypes: readonly AliasType[]
  readonly tableTypes: readonly TableType[]
  readonly xmlSchemaCollections: readonly XmlSchemaCollection[]
  readonly sequences: readonly SequenceModel[]
  readonly partitionFunctions: readonly PartitionFunction[]
  readonly partitionSchemes: readonly PartitionScheme[]
  /** By estimated size, largest first; those that can't be dumped are in `notCaptured`. */
  readonly tables: readonly TableModel[]
  readonly modules: readonly Module[]
  readonly indexedViews: readonly IndexedView[]
  readonly securityPolicies: readonly SecurityPolicy[]
  readonly synonyms: readonly Synonym[]
  /** Left out where there is none. */
  readonly fullText?: FullText
  readonly principals: readonly Principal[]
  readonly roleMembers: readonly RoleMember[]
  readonly owners: readonly ObjectOwner[]
  readonly permissions: readonly Permission[]
  readonly extendedProperties: readonly ExtendedProperty[]
  /** Kinds and counts, never names: they go into the manifest. */
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
  /** Views that the server lacks, and what came up while reading. May hold names from inside. */
  readonly warnings: readonly string[]
}

export interface DatabaseModel {
  readonly name: string
  readonly collation?: string
  readonly compatibilityLevel?: number
  readonly containment?: string
  readonly snapshotIsolation: boolean
  readonly readCommittedSnapshot: boolean
}

export interface Named {
  readonly schema: string
  readonly name: string
}

export interface SchemaModel {
  readonly name: string
  readonly owner: string
}

export interface AliasType extends Named {
  readonly base: Omit<SqlColumn, 'name'>
  readonly bound?: Bound
}

export interface SequenceModel extends Named {
  /** The type as written: `bigint`, `decimal(10,0)`, `[dbo].[alias]`. */
  readonly type: string
  readonly start: string
  readonly increment: string
  readonly minimum: string
  readonly maximum: string
  readonly cycles: boolean
  /** Undefined where the server chooses it; 0 is NO CACHE. */
  readonly cache: number | undefined
  /** The last value given out; undefined where none was yet. */
  readonly current: string | undefined
}

export interface PartitionFunction {
  readonly name: string
  readonly parameter: Omit<SqlColumn, 'name'> & { readonly collation?: string }
  readonly boundaryOnRight: boolean
  /** As T-SQL literals. */
  readonly boundaries: readonly string[]
}

export interface PartitionScheme {
  readonly name: string
  readonly function: string
}

export interface ColumnModel extends SqlColumn {
  readonly nullable: boolean
  readonly columnId: number
  readonly identity?: {
    readonly seed: string
    readonly increment: string
    /** Undefined where no row was ever inserted. */
    readonly lastValue: string | undefined
    readonly notForReplication: boolean
  }
  readonly computed?: { readonly definition: string; readonly persisted: boolean }
  /** Period columns of a temporal table. */
  readonly generatedAlways?: 'start' | 'end'
  readonly rowversion: boolean
  readonly sparse: boolean
  readonly columnSet: boolean
  readonly rowguid: boolean
  readonly hidden: boolean
  readonly collation?: string
  readonly default?: { readonly name: string; readonly definition: string; readonly isSystemNamed: boolean }
  /** An alias type, or one of the server's CLR types. */
  readonly userType?: Named
  readonly xmlCollection?: Named & { readonly document: boolean }
  /** The masking function as written: `default()`, `partial(1,"xxx",0)`. */
  readonly maskedWith?: string
  /** Objects of CREATE DEFAULT and CREATE RULE that sp_bindefault and sp_bindrule tied to it. */
  readonly bound?: Bound
}

export interface Bound {
  readonly default?: Named
  readonly rule?: Named
}

export interface IndexColumn {
  readonly name: string
  readonly descending: boolean
}

export type IndexKind =
  | 'clustered'
  | 'nonclustered'
  | 'clustered columnstore'
  | 'nonclustered columnstore'
  | 'hash'
  | 'xml'
  | 'spatial'

export interface IndexModel {
  readonly name: string
  readonly kind: IndexKind
  readonly unique: boolean
  readonly constraint?: { readonly kind: 'primary key' | 'unique'; readonly isSystemNamed: boolean }
  readonly keys: readonly IndexColumn[]
  /** Of a columnstore: its columns. */
  readonly included: readonly string[]
  /** Of an ordered columnstore. */
  readonly ordered: readonly string[]
  readonly filter?: string
  readonly disabled: boolean
  readonly ignoreDuplicateKeys: boolean
  readonly fillFactor: number
  readonly padded: boolean
  readonly allowRowLocks: boolean
  readonly allowPageLocks: boolean
  readonly storage: Storage
  readonly optimizedForSequentialKey?: boolean
  /** Of a columnstore, where it is not 0. */
  readonly compressionDelayMinutes?: number
  /** Of a hash index. */
  readonly bucketCount?: number
  readonly xml?: { readonly using?: string; readonly purpose?: string }
  readonly spatial?: {
    /** `GEOMETRY_GRID` … */
    readonly tessellation: string
    /** x and y of two corners, as exact literals; none for geography. */
    readonly boundingBox?: readonly string[]
    /** LOW, MEDIUM or HIGH of its four levels; none where the server chooses them. */
    readonly grids?: readonly string[]
    readonly cellsPerObject?: number
  }
}

/** Where an index or a heap lies, and how it is packed. */
export interface Storage {
  readonly partitioned?: { readonly scheme: string; readonly column: string }
  /** One per partition, NONE, ROW, PAGE, COLUMNSTORE, COLUMNSTORE_ARCHIVE; empty where the server doesn't say. */
  readonly compression: readonly string[]
}

export interface CheckModel {
  readonly name: string
  readonly definition: string
  readonly isSystemNamed: boolean
  readonly disabled: boolean
  readonly notTrusted: boolean
  readonly notForReplication: boolean
}

export interface ForeignKeyModel {
  readonly name: string
  readonly columns: readonly string[]
  readonly referenced: Named
  readonly referencedColumns: readonly string[]
  /** `NO_ACTION`, `CASCADE`, `SET_NULL`, `SET_DEFAULT`. */
  readonly onDelete: string
  readonly onUpdate: string
  readonly isSystemNamed: boolean
  readonly disabled: boolean
  readonly notTrusted: boolean
  readonly notForReplication: boolean
}

export interface TableModel extends Named {
  readonly objectId: number
  readonly columns: readonly ColumnModel[]
  readonly indexes: readonly IndexModel[]
  readonly checks: readonly CheckModel[]
  readonly foreignKeys: readonly ForeignKeyModel[]
  /** Of a heap; a table with a clustered index lies where that index lies. */
  readonly heap?: Storage
  readonly rowsEstimate?: number
  readonly bytesEstimate?: number
  readonly period?: { readonly startColumn: string; readonly endColumn: string }
  /** Where SYSTEM_VERSIONING is on. */
  readonly temporal?: {
    readonly historySchema: string
    readonly historyTable: string
    readonly startColumn: string
    readonly endColumn: string
    /** `6 MONTH`; undefined is INFINITE. */
    readonly retention: string | undefined
  }
  readonly isHistory: boolean
  readonly memoryOptimized?: { readonly durability: string }
  /** Lock escalation where it is not TABLE. */
  readonly lockEscalation?: string
}

/** A table type has neither foreign keys nor rows; its constraints have no names. */
export interface TableType extends Named {
  readonly columns: readonly ColumnModel[]
  readonly indexes: readonly IndexModel[]
  readonly checks: readonly CheckModel[]
  readonly memoryOptimized: boolean
}

export interface IndexedView extends Named {
  readonly indexes: readonly IndexModel[]
}

export interface SecurityPolicy extends Named {
  readonly enabled: boolean
  readonly notForReplication: boolean
  readonly schemaBound: boolean
  readonly predicates: readonly {
    /** FILTER or BLOCK. */
    readonly kind: string
    readonly definition: string
    readonly target: Named
    /** `AFTER INSERT`, of a BLOCK predicate. */
    readonly operation: string | undefined
  }[]
}

/**
 * Whether the column's values are dumped and loaded. Period columns are: the table is made without its PERIOD, which is
 * added after the load, so the times of the source's rows are kept.
 */
export function travelsAsData(column: ColumnModel): boolean {
  return column.computed === undefined && !column.rowversion && !column.columnSet
}
