import { aws } from './aws-cli.ts'
import type { CutoverOptions } from './cutover-options.ts'
import type { Endpoint } from './ports/rds.ts'

/** What no DNS record changes: said before, after, and most of all when DNS can't be written. */
export function elsewhere(options: CutoverOptions): string[] {
  const { source, target, from, to, templates, services } = options
  const next = to === null ? 'the new endpoint' : `${to.host}:${to.port}`
  const { host } = from
  return [
    `Connection strings that name ${host} itself take ${next}: configuration files, poolers, proxies, ETL, replicas and subscriptions, BI tools, /etc/hosts. On a host: grep -rIl '${host}' /etc /opt /srv /home`,
    ...[source, target].flatMap((region) => lookingLines(region, host)),
    `Kubernetes: kubectl get configmaps,deployments,statefulsets,daemonsets,cronjobs --all-namespaces --output yaml | grep -n '${host}'; what is in a Secret is base64: look there by its names.`,
    'RDS Proxy has the database as its target, in its own region: make one in the other region, and name that as the new endpoint.',
    ...(to === null ? [] : templates.map((template) => `Set: ${fill(template, to, from)}`)),
    ...services.map((service) => `Restart: ${service}`),
    'Restart services that resolve the name only once (the JVM with networkaddress.cache.ttl=-1, connection pools, nginx), and those whose environment holds it: what is open stays at the old database.',
    'TLS: a client that checks the host name wants the real endpoint, since no certificate of RDS has your name in it; it needs the CA bundle of the new region, too.',
    'IAM tokens are signed for the real endpoint, its port and its region, not for a CNAME.',
  ]
}

/** Each prints names, never a value. */
export function lookingLines(region: string, host: string): string[] {
  const words = (service: string, command: string, query: string, more: Parameters<typeof aws>[3] = {}) =>
    typed(aws(region, service, command, { ...more, query, output: 'text' }).argv)
  const secret = words(
    'secretsmanager',
    'get-secret-value',
    `[Name, contains(SecretString || '', '${host}')]`,
    {
      'secret-id': '$NAME',
    },
  )
  const task = words(
    'ecs',
    'describe-task-definition',
    `taskDefinition.[taskDefinitionArn, contains(to_string(containerDefinitions), '${host}')]`,
    { 'task-definition': '$NAME' },
  )
  const each = (names: string, line: string) => `for NAME in $(${names}); do ${line}; done`
  return [
    `Parameter store of ${region}: ${words('ssm', 'get-parameters-by-path', `Parameters[?contains(Value, '${host}')].Name`, { path: '/', recursive: true, 'with-decryption': true })}`,
    `Secrets of ${region}, True after those that have it: ${each(words('secretsmanager', 'list-secrets', 'SecretList[].Name'), secret)}`,
    `Environment variables of Lambda in ${region}: ${words('lambda', 'list-functions', `Functions[?contains(to_string(Environment.Variables), '${host}')].FunctionName`)}`,
    `Environment variables of ECS in ${region}, True after those that have it: ${each(words('ecs', 'list-task-definitions', 'taskDefinitionArns[]', { status: 'ACTIVE' }), task)}`,
    `Database Migration Service of ${region}: ${words('dms', 'describe-endpoints', `Endpoints[?ServerName=='${host}'].EndpointIdentifier`)}`,
  ]
}

/** `{host}` and `{port}` of the new one, `{old-host}` and `{old-port}` of the old one. */
export function fill(template: string, to: Endpoint, from: Endpoint): string {
  return template
    .replaceAll('{host}', to.host)
    .replaceAll('{port}', String(to.port))
    .replaceAll('{old-host}', from.host)
    .replaceAll('{old-port}', String(from.port))
}

function typed(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `"${word}"`)).join(' ')
}
