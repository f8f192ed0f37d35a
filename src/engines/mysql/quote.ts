/** A name as SQL writes it: in backticks, which a name itself doubles. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A string literal that is right under every sql_mode: quotes doubled, and no backslash in it that could be one. */
export function quoteText(text: string): string {
  if (!text.includes('\\')) return `'${text.replaceAll("'", "''")}'`
  return `CONVERT(x'${Buffer.from(text, 'utf8').toString('hex')}' USING utf8mb4)`
}

/** The name inside of backticks. */
export function unquoteName(quoted: string): string {
  return quoted.replaceAll('``', '`')
}

export interface Account {
  readonly user: string
  /** Empty for a role of MariaDB. */
  readonly host: string
}

/** An account as statements name it; a role of MariaDB has no host. */
export function quoteAccount(account: Account): string {
  return account.host === ''
    ? quoteName(account.user)
    : `${quoteName(account.user)}@${quoteName(account.host)}`
}

/** Reads `user@host`, 'user'@'host', `user`@`host`; without a host it is `%`, as the servers read it. */
export function parseAccount(text: string): Account | undefined {
  const piece = /`((?:[^`]|``)*)`|'((?:[^']|'')*)'|"((?:[^"]|"")*)"/.source
  const match = new RegExp(`^(?:${piece}|([^@\`'"]*))(?:@(?:${piece}|([^@\`'"]*)))?$`).exec(text.trim())
  if (match === null) return undefined
  const read = (at: number): string | undefined =>
    match[at]?.replaceAll('``', '`') ??
    match[at + 1]?.replaceAll("''", "'") ??
    match[at + 2]?.replaceAll('""', '"') ??
    match[at + 3]
  const user = read(1)
  if (user === undefined) return undefined
  return { user, host: read(5) ?? '%' }
}
