export interface Principal {
  readonly name: string
  readonly kind: 'role' | 'user'
  /** Of a role: who owns it. */
  readonly owner?: string
  readonly defaultSchema?: string
  /** Of a user with a login: its name at the source. */
  readonly login?: string
  /** How a user without a login came about. */
  readonly authentication: 'login' | 'none' | 'database' | 'external'
  /** The right that CREATE USER gives by itself was taken away from the user. */
  readonly mayNotConnect: boolean
}

export interface RoleMember {
  readonly role: string
  readonly member: string
}

/** Of an object or a type that does not belong to the owner of its schema. */
export interface ObjectOwner {
  /** As ALTER AUTHORIZATION takes it: `OBJECT::[dbo].[t]`. */
  readonly securable: string
  readonly owner: string
}

export interface Permission {
  /** `GRANT`, `GRANT_WITH_GRANT_OPTION`, `DENY`, `REVOKE` (of one column). */
  readonly state: string
  /** `SELECT`, `VIEW DEFINITION` … */
  readonly permission: string
  /** What it is about, as ON takes it: `OBJECT::[dbo].[t]`; undefined is the database. */
  readonly securable: string | undefined
  readonly column: string | undefined
  readonly grantee: string
  /** Undefined is dbo. */
  readonly grantor: string | undefined
}

export interface ExtendedProperty {
  readonly name: string
  /** As a T-SQL literal or CAST; undefined is NULL. */
  readonly value: string | undefined
  /** `['SCHEMA', 'dbo'], ['TABLE', 't'], ['COLUMN', 'c']`; empty is the database. */
  readonly levels: readonly (readonly [type: string, name: string])[]
}
