import { aws } from './aws-cli.ts'
import type { CutoverOptions } from './cutover-options.ts'
import type { Endpoint } from './ports/rds.ts'

/** What no DNS record changes: said before, after, and most of all when DNS can't be written. */
export function elsewhere(options: CutoverOptions): string[] {
  const { source, target, from, to, templates } = options
  const next = to === null ? 'the new endpoint' : `${to.host}:${to.port}`
  return [
    `Connection strings that name ${from.host} itself take ${next}: configuration files, poolers, proxies, ETL, replicas and subscriptions, BI tools, /etc/hosts.`,
    ...[source, target].map(
      (region) => `Parameter store of ${region} may hold it: ${parameterLine(region, from)}`,
    ),
    `Secrets Manager keeps host and port in each secret of a database: ${secretsLine(target)}`,
    ...(to === null ? [] : templates.map((template) => `Set: ${fill(template, to)}`)),
    'Restart services that resolve the name only once (the JVM with networkaddress.cache.ttl=-1, connection pools, nginx): what is open stays at the old database.',
    'TLS: a client that checks the host name wants the real endpoint, since no certificate of RDS has your name in it; it needs the CA bundle of the new region, too.',
    'IAM tokens are signed for the real endpoint, its port and its region, not for a CNAME.',
  ]
}

/** For the day on which Route 53's control plane is dead: what would have switched without it. */
export function unpreparedDns(): string[] {
  return [
    'Route 53 goes on answering with what it has; only changes need its control plane, which is in us-east-1 whatever region your zones serve.',
    'Had failover records with health checks been there (PRIMARY and SECONDARY, the check on an alarm or on a port of yours), they would switch with no change of a record.',
    'Had an Application Recovery Controller cluster been there, its routing controls would switch from five regions, without that control plane.',
    'For public zones accelerated recovery moves the control plane to us-west-2 within about an hour, if it was enabled beforehand; private zones have no such thing.',
    'Without any of these: give clients the new endpoint itself, by configuration, /etc/hosts, or a record in a DNS server of your own.',
  ]
}

export function fill(template: string, { host, port }: Endpoint): string {
  return template.replaceAll('{host}', host).replaceAll('{port}', String(port))
}

function parameterLine(region: string, { host }: Endpoint): string {
  const options = { path: '/', recursive: true, query: `Parameters[?contains(Value, '${host}')].Name` }
  return typed(aws(region, 'ssm', 'get-parameters-by-path', options).argv)
}

function secretsLine(region: string): string {
  return typed(aws(region, 'secretsmanager', 'list-secrets', { query: 'SecretList[].Name' }).argv)
}

function typed(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `"${word}"`)).join(' ')
}
