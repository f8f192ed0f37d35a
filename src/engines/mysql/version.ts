export interface ServerVersion {
  readonly flavour: 'MariaDB' | 'MySQL'
  /** As the server says it, without build suffixes: `10.11.19`, `8.4.3`. */
  readonly text: string
  readonly numbers: readonly number[]
}

/** `10.11.19-MariaDB-0+deb12u1-log`, `8.4.3`, `5.7.44-log`, `8.0.mysql_aurora.3.05.2`, `5.5.5-10.4.1-MariaDB`. */
export function readServerVersion(version: string, comment: string): ServerVersion {
  // MariaDB up to 10.x puts 5.5.5- before its version in the greeting of the protocol.
  const plain = version.replace(/^5\.5\.5-(?=\d+\.)/, '')
  const text = /^\d+(?:\.\d+)*/.exec(plain)?.[0] ?? plain
  const isMaria = /mariadb/i.test(version) || /mariadb/i.test(comment)
  return { flavour: isMaria ? 'MariaDB' : 'MySQL', text, numbers: parseVersion(text) }
}

export function parseVersion(text: string): readonly number[] {
  return (/^\d+(?:\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number)
}

/** Compares number by number; what is missing counts as 0. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (let at = 0; at < least.length; at += 1) {
    const difference = (version[at] ?? 0) - (least[at] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
