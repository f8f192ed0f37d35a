import { createHash, createHmac } from 'node:crypto'

/** sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownHostLine {
  readonly marker: 'revoked' | 'cert-authority' | undefined
  readonly hosts: string
  readonly type: string
  /** Base64. */
  readonly key: string
  /** For messages: `~/.ssh/known_hosts line 3`. */
  readonly where: string
}

export type HostVerdict =
  | { readonly verdict: 'known' }
  | { readonly verdict: 'unknown'; readonly onlyAuthority: boolean }
  | { readonly verdict: 'changed' | 'revoked'; readonly where: string }

/** Lines that can't be read are passed over, as ssh does: comments, blank lines, types to come. */
export function parseKnownHosts(text: string, file: string): readonly KnownHostLine[] {
  return text.split('\n').flatMap((line, index) => {
    const match =
      /^\s*(?:@(revoked|cert-authority)\s+)?([^\s#@]\S*)\s+(\S+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line)
    if (match === null) return []
    const [, marker, hosts = '', type = '', key = ''] = match
    return [
      { marker: marker as KnownHostLine['marker'], hosts, type, key, where: `${file} line ${index + 1}` },
    ]
  })
}

/** As ssh looks a host up: with its port in brackets unless that is 22. */
export function hostName(host: string, port: number): string {
  const name = host.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

/** Is this line about this host? Names may be hashed, hold wildcards, or be excluded with a `!`. */
export function isAbout(line: KnownHostLine, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(line.hosts)
  if (hashed !== null) {
    const salt = Buffer.from(hashed[1] ?? '', 'base64')
    return createHmac('sha1', salt)
      .update(name)
      .digest()
      .equals(Buffer.from(hashed[2] ?? '', 'base64'))
  }
  let about = false
  for (const pattern of line.hosts.split(',')) {
    const negated = pattern.startsWith('!')
    if (!wildcard(negated ? pattern.slice(1) : pattern).test(name)) continue
    if (negated) return false
    about = true
  }
  return about
}

export function judgeHostKey(lines: readonly KnownHostLine[], name: string, key: Buffer): HostVerdict {
  const base64 = key.toString('base64')
  const about = lines.filter((line) => isAbout(line, name))
  const same = (line: KnownHostLine) => unpadded(line.key) === unpadded(base64)
  const revoked = about.find((line) => line.marker === 'revoked' && same(line))
  if (revoked !== undefined) return { verdict: 'revoked', where: revoked.where }
  const plain = about.filter((line) => line.marker === undefined)
  if (plain.some(same)) return { verdict: 'known' }
  const other = plain.find((line) => line.type === keyType(key)) ?? plain[0]
  if (other !== undefined) return { verdict: 'changed', where: other.where }
  return { verdict: 'unknown', onlyAuthority: about.some((line) => line.marker === 'cert-authority') }
}

/** Types of key under which the host is known, to be asked for first. */
export function knownKeyTypes(lines: readonly KnownHostLine[], name: string): readonly string[] {
  const about = lines.filter((line) => line.marker === undefined && isAbout(line, name))
  return [...new Set(about.map((line) => line.type))]
}

/** The type is the first string of the key: RFC 4253, section 6.6. */
export function keyType(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${unpadded(createHash('sha256').update(key).digest('base64'))}`
}

const unpadded = (base64: string) => base64.replace(/=+$/, '')

function wildcard(pattern: string): RegExp {
  const source = pattern
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}
