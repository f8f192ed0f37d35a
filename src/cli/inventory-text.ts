import type { Change, Drift } from '../app/inventory/diff.ts'
import {
  type Inventory,
  type RegionInventory,
  sourceOf,
  targetOf,
  type Unknown,
} from '../app/inventory/record.ts'
import { showCount } from './amounts.ts'
import { copyLines, databaseLines } from './inventory-database-text.ts'
import { printable } from './printable.ts'

export function inventoryText(inventory: Inventory, signedBy: string | undefined): string {
  const { id, job, account, started, dns, unknown } = inventory
  const to = targetOf(inventory)
  const lines = [
    `inventory ${id} of ${job}, taken ${started}`,
    `  account ${account ?? 'unknown'}${signedBy === undefined ? '' : `; signed by ${signedBy}`}`,
    '',
    ...regionLines(sourceOf(inventory), 'source'),
    ...(to === undefined ? [] : ['', ...regionLines(to, 'target'), ...zoneLines(to)]),
    ...section(
      'DNS records that lead to them',
      dns.flatMap(({ zone, records }) =>
        records.map(
          ({ name, type, ttlSeconds, values, alias }) =>
            `${name} ${type} ${[...values, ...(alias === undefined ? [] : [`alias of ${alias.host}`])].join(' ')}` +
            `${ttlSeconds === undefined ? '' : `, TTL ${ttlSeconds} s`} (${zone.private ? 'private' : 'public'} zone ${zone.name}, ${zone.id})`,
        ),
      ),
    ),
    ...section(
      'Roles of IAM',
      inventory.roles.map(({ arn }) => arn),
    ),
    ...section('What stands for what in the target', inventory.landing.flatMap(landingLines)),
    ...section('Unknown', unknown.map(unknownText)),
  ]
  return printable(`${lines.join('\n')}\n`)
}

function regionLines(region: RegionInventory, side: 'source' | 'target'): string[] {
  const databases = [...databaseLines(region), ...(side === 'target' ? copyLines(region) : [])]
  const none = side === 'source' ? 'no databases' : 'nothing of them is across'
  return [
    `${side} ${region.region}`,
    ...(databases.length === 0 ? [`  ${none}`] : databases.map((line) => `  ${line}`)),
  ]
}

/** Of the target it is enough to see what there is to choose from. */
function zoneLines(region: RegionInventory): string[] {
  const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name).join(', ')
  const own = (things: readonly { readonly name: string }[]) =>
    names(things.filter(({ name }) => !/^default[.:]/.test(name)))
  const lines: readonly (readonly [string, string])[] = [
    ['subnet groups', names(region.subnetGroups)],
    ['security groups', region.securityGroups.map(({ id, name }) => `${id} ${name}`).join(', ')],
    ['parameter groups', own([...region.instanceParameterGroups, ...region.clusterParameterGroups])],
    ['option groups', own(region.optionGroups)],
    ['keys', region.keys.map(({ id, aliases }) => aliases[0] ?? id).join(', ')],
  ]
  return lines.map(([what, value]) => `  ${what}: ${value === '' ? 'none' : value}`)
}

function landingLines({ database, entries }: Inventory['landing'][number]): string[] {
  return entries.map(({ kind, source, target, missing }) =>
    target === null
      ? `${database}: ${kind} ${source}: MISSING: ${missing}`
      : `${database}: ${kind} ${source} -> ${target}`,
  )
}

export function unknownText({ region, what, of, reason }: Unknown): string {
  const name = of === undefined ? '' : ` (${of})`
  return `${what}${name}${region === undefined ? '' : ` of ${region}`}: ${reason}`
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `- ${line}`)]
}

export function driftText(before: Inventory, after: Inventory, drift: Drift, live: boolean): string {
  const { changes, notCompared } = drift
  const spans = `${before.id} (${before.started}) and ${live ? 'now' : `${after.id} (${after.started})`}`
  const summary =
    changes.length === 0
      ? `no drift between ${spans}`
      : `${showCount(changes.length, 'difference')} between ${spans}`
  const lines = [
    summary,
    ...changes.flatMap(changeLines),
    ...section(
      'Not compared',
      notCompared.map(
        ({ region, what, reason }) => `${what}${region === null ? '' : ` of ${region}`}: ${reason}`,
      ),
    ),
  ]
  return printable(`${lines.join('\n')}\n`)
}

function changeLines({ region, what, name, change, fields }: Change): string[] {
  return [
    `${change}: ${what} ${name}${region === null ? '' : ` (${region})`}`,
    ...fields.map(
      ({ field, before, after }) => `  ${field}: ${before ?? 'not there'} -> ${after ?? 'not there'}`,
    ),
  ]
}
