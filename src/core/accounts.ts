/** Who may do what at a server, so that two servers of a kind can be compared. Never a password, nor a hash of one. */
export interface AccountGrants {
  /** `app@%`, or the name of a role; `PUBLIC` stands for everybody. */
  readonly name: string
  /** One right or restriction each, in words that another server of the kind would use too; sorted, none twice. */
  readonly grants: readonly string[]
}

export interface AccountList {
  /** Without those that servers and providers make for themselves; sorted by name. */
  readonly accounts: readonly AccountGrants[]
  /** What could not be looked at, in phrases. */
  readonly limits: readonly string[]
}

/** From one line for each right, whatever the order. An account without any is there too. */
export function accountList(
  names: Iterable<string>,
  rights: Iterable<readonly [name: string, grant: string]>,
  limits: readonly string[] = [],
): AccountList {
  const all = new Map<string, Set<string>>()
  for (const name of names) all.set(name, new Set())
  for (const [name, grant] of rights) all.get(name)?.add(grant)
  const accounts = [...all].map(([name, grants]) => ({ name, grants: [...grants].sort() }))
  return { accounts: accounts.sort((a, b) => (a.name < b.name ? -1 : 1)), limits }
}
