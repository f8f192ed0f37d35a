import type { Expr, TypeName } from './ast.ts'
import type { Names } from './statements.ts'

export interface IndexOptions {
  readonly [option: string]: string
}

/** ON scheme(column), ON [PRIMARY]. */
export interface Placement {
  readonly space: string
  readonly column: string | undefined
}

export interface KeyColumn {
  readonly name: string
  readonly descending: boolean
}

interface Constraint {
  readonly name: string | undefined
}

export type ConstraintDef =
  | (Constraint & {
      readonly kind: 'primary' | 'unique'
      readonly clustered: boolean | undefined
      readonly columns: readonly KeyColumn[]
      readonly options: IndexOptions
      readonly placement: Placement | undefined
    })
  | (Constraint & {
      readonly kind: 'check'
      readonly expr: Expr
      readonly notForReplication: boolean
      readonly column?: string
    })
  | (Constraint & {
      readonly kind: 'foreign'
      readonly columns: readonly string[]
      readonly target: Names
      readonly targetColumns: readonly string[]
      readonly onDelete: number
      readonly onUpdate: number
      readonly notForReplication: boolean
    })
  | (Constraint & { readonly kind: 'default'; readonly expr: Expr; readonly column: string })
  | (Constraint & { readonly kind: 'index'; readonly index: IndexDef })
  | (Constraint & { readonly kind: 'period'; readonly start: string; readonly end: string })

export interface IndexDef {
  readonly name: string
  readonly unique: boolean
  readonly type: 1 | 2 | 5 | 6
  readonly columns: readonly KeyColumn[]
  readonly included: readonly string[]
  readonly filter: Expr | undefined
  readonly options: IndexOptions
  readonly placement: Placement | undefined
}

export interface ColumnDef {
  readonly name: string
  readonly type: TypeName | undefined
  readonly computed: { readonly expr: Expr; readonly persisted: boolean } | undefined
  readonly nullable: boolean | undefined
  readonly identity:
    | { readonly seed: string; readonly increment: string; readonly notForReplication: boolean }
    | undefined
  readonly collation: string | undefined
  readonly sparse: boolean
  readonly columnSet: boolean
  readonly rowguid: boolean
  readonly masked: string | undefined
  readonly generated: 0 | 1 | 2
  readonly hidden: boolean
  readonly constraints: readonly ConstraintDef[]
}

export type AlterTable =
  | {
      readonly action: 'add'
      readonly columns: readonly ColumnDef[]
      readonly constraints: readonly ConstraintDef[]
      readonly check: boolean
    }
  | { readonly action: 'alter-column'; readonly column: ColumnDef }
  | {
      readonly action: 'alter-column-property'
      readonly column: string
      readonly add: boolean
      readonly property: string
      readonly value?: string
    }
  | {
      readonly action: 'drop'
      readonly items: readonly { readonly kind: 'constraint' | 'column'; readonly name: string }[]
    }
  | { readonly action: 'drop-period' }
  | {
      readonly action: 'check'
      readonly names: 'ALL' | readonly string[]
      readonly enable: boolean
      readonly validate: boolean | undefined
    }
  | {
      readonly action: 'versioning'
      readonly on: boolean
      readonly history: Names | undefined
      readonly consistencyCheck: boolean
      readonly retention: { readonly count: number; readonly unit: string } | undefined
    }
  | { readonly action: 'lock-escalation'; readonly value: string }
  | { readonly action: 'triggers'; readonly names: 'ALL' | readonly string[]; readonly enable: boolean }
  | { readonly action: 'rebuild'; readonly options: IndexOptions }
