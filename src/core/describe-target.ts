import type { DatabaseUrl } from './database-url.ts'

/** As a person knows a server, without secrets: `postgres://user@host:5432/shop`, and through a tunnel what is dialled. */
export function describeTarget(url: DatabaseUrl, defaultPort: number, user = url.user): string {
  const port = url.port ?? defaultPort
  const at = url.socket ?? `${bracketed(url.host ?? '')}:${port}`
  const scope = url.database === undefined ? '' : `/${url.database}`
  const whole = `${url.scheme}://${user === undefined ? '' : `${user}@`}${at}${scope}`
  if (url.connect === undefined) return whole
  return `${whole} by way of ${bracketed(url.connect.host)}:${url.connect.port ?? port}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
