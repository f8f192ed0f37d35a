import type { Named } from './model.ts'

export interface FullText {
  readonly catalogs: readonly {
    readonly name: string
    readonly isDefault: boolean
    readonly accentSensitive: boolean
  }[]
  readonly stoplists: readonly {
    readonly name: string
    readonly words: readonly { readonly word: string; readonly language: number }[]
  }[]
  readonly indexes: readonly FullTextIndex[]
}

export interface FullTextIndex {
  readonly table: Named
  readonly keyIndex: string
  readonly catalog: string
  readonly enabled: boolean
  /** AUTO, MANUAL or OFF. */
  readonly changeTracking: string
  /** A name in brackets, SYSTEM or OFF, as written. */
  readonly stoplist: string
  readonly columns: readonly {
    readonly name: string
    /** Of a binary column: the one that says what kind of document it holds. */
    readonly typeColumn: string | undefined
    readonly language: number
    readonly semantics: boolean
  }[]
}
