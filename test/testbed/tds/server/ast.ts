import type { TdsType, TdsValue } from '../backend.ts'

export interface TypeName {
  /** [schema,] name */
  readonly parts: readonly string[]
  readonly args: readonly (number | 'max')[]
}

export interface Order {
  readonly by: Expr
  readonly descending: boolean
}

export type Expr =
  | { readonly kind: 'literal'; readonly type: TdsType; readonly value: TdsValue; readonly text: string }
  | { readonly kind: 'name'; readonly parts: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'unary'; readonly op: '-' | '+' | '~'; readonly operand: Expr }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'compare'; readonly op: string; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'logic'; readonly op: 'AND' | 'OR'; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'not'; readonly operand: Expr }
  | { readonly kind: 'is-null'; readonly operand: Expr; readonly negated: boolean }
  | {
      readonly kind: 'in'
      readonly operand: Expr
      readonly list: readonly Expr[] | Query
      readonly negated: boolean
    }
  | {
      readonly kind: 'like'
      readonly operand: Expr
      readonly pattern: Expr
      readonly escape?: Expr
      readonly negated: boolean
    }
  | { readonly kind: 'exists'; readonly query: Query }
  | { readonly kind: 'subquery'; readonly query: Query }
  | {
      readonly kind: 'case'
      readonly operand?: Expr
      readonly whens: readonly { when: Expr; result: Expr }[]
      readonly otherwise?: Expr
    }
  | {
      readonly kind: 'convert'
      readonly operand: Expr
      readonly type: TypeName
      readonly style?: Expr
      readonly attempt: boolean
      readonly asCast: boolean
    }
  | {
      readonly kind: 'call'
      readonly name: readonly string[]
      readonly args: readonly Expr[]
      readonly star: boolean
      readonly distinct: boolean
      readonly over?: { readonly partition: readonly Expr[]; readonly order: readonly Order[] }
      readonly withinGroup?: readonly Order[]
    }
  | { readonly kind: 'collate'; readonly operand: Expr; readonly collation: string }
  | { readonly kind: 'next-value'; readonly name: readonly string[] }

export interface SelectItem {
  readonly expr?: Expr
  readonly alias?: string
  /** `*` or `t.*` */
  readonly star?: readonly string[]
  /** SELECT @x = … */
  readonly assign?: string
}

export type Source =
  | {
      readonly kind: 'table'
      readonly name: readonly string[]
      readonly alias?: string
      readonly hints: readonly string[]
      readonly systemTime?: boolean
    }
  | {
      readonly kind: 'function'
      readonly name: readonly string[]
      readonly args: readonly Expr[]
      readonly alias?: string
    }
  | {
      readonly kind: 'query'
      readonly query: Query
      readonly alias: string
      readonly columns?: readonly string[]
    }
  | {
      readonly kind: 'values'
      readonly rows: readonly (readonly Expr[])[]
      readonly alias: string
      readonly columns: readonly string[]
    }
  | {
      readonly kind: 'join'
      readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS' | 'CROSS APPLY' | 'OUTER APPLY'
      readonly left: Source
      readonly right: Source
      readonly on?: Expr
    }

export interface Select {
  readonly distinct: boolean
  readonly top?: Expr
  readonly items: readonly SelectItem[]
  readonly into?: readonly string[]
  readonly from?: Source
  readonly where?: Expr
  readonly groupBy: readonly Expr[]
  readonly having?: Expr
}

export interface Query {
  readonly ctes: readonly {
    readonly name: string
    readonly columns?: readonly string[]
    readonly query: Query
  }[]
  readonly first: Select | Query
  readonly rest: readonly {
    readonly op: 'UNION' | 'UNION ALL' | 'EXCEPT' | 'INTERSECT'
    readonly select: Select | Query
  }[]
  readonly orderBy: readonly Order[]
  readonly offset?: Expr
  readonly fetch?: Expr
}

export const isQuery = (value: object): value is Query => 'first' in value
