import type { Named } from './model.ts'

export type ModuleKind =
  | 'view'
  | 'procedure'
  | 'function'
  | 'trigger'
  | 'database trigger'
  | 'default'
  | 'rule'

/** An object that is its own CREATE text. */
export interface Module extends Named {
  readonly objectId: number
  readonly kind: ModuleKind
  readonly definition: string
  readonly quotedIdentifier: boolean
  readonly ansiNulls: boolean
  readonly schemaBound: boolean
  /** Modules of this database that it refers to, as far as the server knows. */
  readonly dependsOn: readonly number[]
  readonly trigger?: TriggerModel
}

export interface TriggerModel {
  /** Of a DML trigger: its table or view. */
  readonly parent?: Named
  readonly disabled: boolean
  /** `INSERT` → `First`, as sp_settriggerorder takes them. */
  readonly order: readonly { readonly statement: string; readonly position: 'First' | 'Last' }[]
}

export interface Synonym extends Named {
  /** As written: `[server].[db].[schema].[name]`. */
  readonly target: string
}

export interface XmlSchemaCollection extends Named {
  /** The schemas' XML text, one after the other. */
  readonly text: string
}
