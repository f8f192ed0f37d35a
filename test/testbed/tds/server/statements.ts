import type { Expr, Query, Source, TypeName } from './ast.ts'
import type {
  AlterTable,
  ColumnDef,
  ConstraintDef,
  IndexDef,
  IndexOptions,
  Placement,
} from './table-statements.ts'

export type Names = readonly string[]

export interface PermissionTarget {
  readonly class: 'DATABASE' | 'OBJECT' | 'SCHEMA' | 'TYPE' | 'USER' | 'ROLE'
  readonly name: Names
  readonly columns: readonly string[]
}

export interface Argument {
  readonly name: string | undefined
  readonly value: Expr
  readonly output: boolean
}

export interface ModuleParameter {
  readonly name: string
  readonly type: TypeName
  readonly default: Expr | undefined
  readonly output: boolean
  readonly readonly: boolean
}

export interface ModuleStatement {
  readonly kind: 'module'
  readonly verb: 'CREATE' | 'ALTER' | 'CREATE OR ALTER'
  readonly type: 'V' | 'P' | 'FN' | 'IF' | 'TF' | 'TR'
  readonly name: Names
  /** The whole batch: what sys.sql_modules shows. */
  readonly definition: string
  readonly schemaBound: boolean
  readonly encrypted: boolean
  readonly columns: readonly string[] | undefined
  readonly query: Query | undefined
  readonly parameters: readonly ModuleParameter[]
  readonly returns: TypeName | undefined
  readonly body: readonly Statement[] | undefined
  readonly trigger:
    | { readonly on: Names | 'DATABASE'; readonly events: readonly string[]; readonly insteadOf: boolean }
    | undefined
}

export type Statement = { readonly line: number; readonly text: string } & StatementBody

export type StatementBody =
  | { readonly kind: 'select'; readonly query: Query }
  | {
      readonly kind: 'insert'
      readonly target: Names
      readonly columns: readonly string[] | undefined
      readonly rows: readonly (readonly (Expr | 'default')[])[] | Query | 'defaults'
    }
  | {
      readonly kind: 'update'
      readonly target: Names
      readonly set: readonly { readonly column: string; readonly value: Expr }[]
      readonly from: Source | undefined
      readonly where: Expr | undefined
    }
  | {
      readonly kind: 'delete'
      readonly target: Names
      readonly from: Source | undefined
      readonly where: Expr | undefined
      readonly top: Expr | undefined
    }
  | { readonly kind: 'truncate'; readonly target: Names }
  | {
      readonly kind: 'insert-bulk'
      readonly target: Names
      readonly columns: readonly { readonly name: string; readonly type: TypeName }[]
      readonly hints: readonly string[]
    }
  | {
      readonly kind: 'declare'
      readonly variables: readonly {
        readonly name: string
        readonly type: TypeName
        readonly value: Expr | undefined
      }[]
    }
  | { readonly kind: 'set-variable'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'set-option'; readonly option: string; readonly value: string; readonly table?: Names }
  | { readonly kind: 'use'; readonly name: string }
  | { readonly kind: 'create-database'; readonly name: string; readonly collation: string | undefined }
  | {
      readonly kind: 'alter-database'
      readonly name: string | 'CURRENT'
      readonly options: readonly { readonly name: string; readonly value: string }[]
      readonly collation: string | undefined
      readonly rename?: string
      /** Whoever is in it is sent away. */
      readonly immediate?: boolean
    }
  | { readonly kind: 'drop-database'; readonly names: readonly string[]; readonly ifExists: boolean }
  | {
      readonly kind: 'create-table'
      readonly name: Names
      readonly columns: readonly ColumnDef[]
      readonly constraints: readonly ConstraintDef[]
      readonly placement: Placement | undefined
      readonly options: IndexOptions
      readonly versioning: Extract<AlterTable, { action: 'versioning' }> | undefined
    }
  | { readonly kind: 'alter-table'; readonly name: Names; readonly change: AlterTable }
  | {
      readonly kind: 'drop'
      readonly what: string
      readonly names: readonly Names[]
      readonly ifExists: boolean
    }
  | { readonly kind: 'create-index'; readonly table: Names; readonly index: IndexDef }
  | {
      readonly kind: 'alter-index'
      readonly table: Names
      readonly name: string | 'ALL'
      readonly action: 'DISABLE' | 'REBUILD'
      readonly options: IndexOptions
    }
  | { readonly kind: 'drop-index'; readonly table: Names; readonly name: string; readonly ifExists: boolean }
  | { readonly kind: 'create-schema'; readonly name: string; readonly owner: string | undefined }
  | {
      readonly kind: 'create-type'
      readonly name: Names
      readonly base: TypeName | undefined
      readonly nullable: boolean | undefined
      readonly columns: readonly ColumnDef[]
      readonly constraints: readonly ConstraintDef[]
    }
  | {
      readonly kind: 'sequence'
      readonly create: boolean
      readonly name: Names
      readonly type: TypeName | undefined
      readonly facts: {
        readonly start?: bigint
        readonly restart?: bigint | null
        readonly increment?: bigint
        readonly minimum?: bigint | null
        readonly maximum?: bigint | null
        readonly cycle?: boolean
        readonly cache?: number | null | false
      }
    }
  | {
      readonly kind: 'partition-function'
      readonly name: string
      readonly type: TypeName
      readonly right: boolean
      readonly values: readonly Expr[]
    }
  | {
      readonly kind: 'partition-scheme'
      readonly name: string
      readonly function: string
      readonly all: boolean
      readonly to: readonly string[]
    }
  | ModuleStatement
  | { readonly kind: 'synonym'; readonly name: Names; readonly target: string }
  | {
      readonly kind: 'create-user'
      readonly name: string
      readonly login: string | undefined
      readonly without: boolean
      readonly schema: string | undefined
      readonly password: string | undefined
    }
  | {
      readonly kind: 'alter-user'
      readonly name: string
      readonly login: string | undefined
      readonly schema: string | undefined
      readonly rename: string | undefined
    }
  | { readonly kind: 'create-role'; readonly name: string; readonly owner: string | undefined }
  | { readonly kind: 'create-application-role'; readonly name: string; readonly schema: string | undefined }
  | { readonly kind: 'alter-role'; readonly name: string; readonly add: boolean; readonly member: string }
  | {
      readonly kind: 'create-login'
      readonly name: string
      readonly password: string
      readonly sid: string | undefined
    }
  | {
      readonly kind: 'alter-server-role'
      readonly name: string
      readonly add: boolean
      readonly member: string
    }
  | { readonly kind: 'alter-login'; readonly name: string; readonly enable: boolean }
  | {
      readonly kind: 'drop-principal'
      readonly what: 'USER' | 'ROLE' | 'LOGIN' | 'SCHEMA'
      readonly name: string
      readonly ifExists: boolean
    }
  | {
      readonly kind: 'permission'
      readonly verb: 'GRANT' | 'DENY' | 'REVOKE'
      readonly permissions: readonly string[]
      readonly columns: readonly string[]
      readonly target: PermissionTarget | undefined
      readonly principals: readonly string[]
      readonly grantOption: boolean
      readonly optionOnly: boolean
    }
  | { readonly kind: 'authorization'; readonly class: string; readonly name: Names; readonly owner: string }
  | {
      readonly kind: 'exec'
      readonly procedure: Names
      readonly args: readonly Argument[]
      readonly result: string | undefined
    }
  | { readonly kind: 'exec-text'; readonly sql: Expr }
  | {
      readonly kind: 'transaction'
      readonly action: 'begin' | 'commit' | 'rollback' | 'save'
      readonly name: string | undefined
    }
  | {
      readonly kind: 'if'
      readonly condition: Expr
      readonly then: Statement
      readonly otherwise: Statement | undefined
    }
  | { readonly kind: 'while'; readonly condition: Expr; readonly body: Statement }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | { readonly kind: 'try'; readonly body: readonly Statement[]; readonly handler: readonly Statement[] }
  | { readonly kind: 'throw'; readonly args: readonly Expr[] }
  | { readonly kind: 'raiserror'; readonly args: readonly Expr[] }
  | { readonly kind: 'print'; readonly value: Expr }
  | { readonly kind: 'return'; readonly value: Expr | undefined }
  | {
      readonly kind: 'dbcc'
      readonly command: string
      readonly args: readonly Expr[]
      readonly words: readonly string[]
    }
  | {
      readonly kind: 'trigger-state'
      readonly enable: boolean
      readonly names: 'ALL' | readonly Names[]
      readonly on: Names | 'DATABASE'
    }
  | { readonly kind: 'kill'; readonly spid: number }
