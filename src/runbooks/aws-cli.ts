import type { CliLine, Permission, StatusCheck } from '../core/runbook.ts'

/** `aws rds describe-db-instances --region … --name value`; a list gives one word for each, `true` a bare flag. */
export function aws(
  region: string,
  service: string,
  command: string,
  options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): CliLine {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`]
    return [`--${name}`, ...(typeof value === 'object' ? value : [String(value)])]
  })
  return { argv: ['aws', service, command, '--region', region, ...words] }
}

/** The same, which prints what `query` picks, and what it has to print. */
export function awsCheck(
  region: string,
  service: string,
  command: string,
  options: Parameters<typeof aws>[3],
  query: string,
  expect: string,
): StatusCheck {
  return { ...aws(region, service, command, { ...options, query, output: 'text' }), expect }
}

/** As the CLI takes tags. */
export function tagWords(tags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(tags).map(([name, value]) => `Key=${name},Value=${value}`)
}

export function rdsArn(region: string, account: string, type: string, name: string): string {
  return `arn:aws:rds:${region}:${account}:${type}:${name}`
}

/** The actions that describe things know no resources worth naming. */
export function mayLook(...actions: readonly string[]): Permission {
  return { actions, resources: ['*'] }
}
