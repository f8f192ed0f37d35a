import type { Answer } from '../app/assess/answer.ts'
import type { AssessedDatabase, Assessment } from '../app/assess/assess.ts'
import type { PlaneState } from '../app/assess/evidence.ts'
import type { Estimate, Verdict } from '../app/assess/verdict.ts'
import { showTime } from '../app/drill/refusals.ts'
import { table } from './table.ts'

export function assessText(assessment: Assessment, simulated: boolean): string {
  const { source, target, at, tookMs, inventory, databases, problem } = assessment
  const head = simulated ? 'simulated, ' : ''
  return [
    `${source} to ${target}, ${at} (${head}${showTime(tookMs)})`,
    ...(inventory === null ? [] : [`source by inventory ${inventory.id} of ${inventory.ended}`]),
    '',
    planesText(assessment.planes).trimEnd(),
    ...[source, target].flatMap((region) => namelessLines(region, assessment.planes)),
    ...keyLines(assessment),
    ...(problem === null ? [] : ['', `no database could be assessed: ${problem}`]),
    ...databases.map(databaseText),
    '',
  ].join('\n')
}

function planesText(planes: readonly PlaneState[]): string {
  return table(
    [{ title: 'SERVICE' }, { title: 'REGION' }, { title: 'STATE' }, { title: 'WHY' }],
    planes.map(({ service, region, state, silence, reason }) => [
      service,
      region,
      silence === null || silence === 'other' ? state : `${state}, ${silence}`,
      reason ?? '',
    ]),
  )
}

/** A region that was typed wrong looks just like one whose names are gone. */
function namelessLines(region: string, planes: readonly PlaneState[]): string[] {
  const own = planes.filter((plane) => plane.region === region)
  if (own.length === 0 || own.some(({ silence }) => silence !== 'name-not-found')) return []
  return ['', `no service of ${region} has a name in DNS: look whether the region is spelt right`]
}

/** AWS's own are in every region, and no choice. */
function keyLines({ keys, target }: Assessment): string[] {
  if (!keys.known) return []
  const chosen = keys.value.filter(({ aliases }) => !aliases.some((alias) => alias.startsWith('alias/aws/')))
  const usable = chosen.flatMap((key) => (key.wrong === null ? [nameOf(key)] : []))
  return [
    '',
    `keys of ${target} that RDS can use: ${usable.length === 0 ? 'none' : usable.join(', ')}`,
    ...chosen.flatMap((key) => (key.wrong === null ? [] : [`  not ${nameOf(key)}: ${key.wrong}`])),
  ]
}

function nameOf({ arn, aliases }: { readonly arn: string; readonly aliases: readonly string[] }): string {
  return aliases[0] ?? arn
}

function databaseText(db: AssessedDatabase): string {
  const [best] = db.ways
  const lines = [
    '',
    `${db.id}: ${db.identity.known ? what(db.identity) : `not known: ${db.identity.reason}`}`,
    `  endpoint  ${endpointText(db)}`,
    ...(db.login.known || db.login.obstacle !== 'not-asked'
      ? [`  login     ${db.login.known ? db.login.value : `failed: ${db.login.reason}`}`]
      : []),
    ...(db.landing.kept === null ? [] : [`  landing   ${keptText(db.landing.kept)}`]),
    '',
    waysTable(db.ways).trimEnd(),
    ...db.ways.flatMap((way) => detail(way, way === best)),
  ]
  return lines.join('\n')
}

function what({ value, asOf }: Extract<AssessedDatabase['identity'], { known: true }>): string {
  const { engine, engineVersion, instanceClass, gib, status, encrypted } = value
  const size = gib === null ? [] : [`${gib} GiB`]
  const parts = [
    `${engine} ${engineVersion}`,
    ...(instanceClass === null ? [] : [instanceClass]),
    ...size,
    encrypted ? 'encrypted' : 'NOT encrypted',
    asOf === null ? status : `as of ${asOf}`,
  ]
  return parts.join(', ')
}

function keptText({ from, at, entries }: NonNullable<AssessedDatabase['landing']['kept']>): string {
  const settled = entries.filter(({ kind, target }) => kind !== 'role' && target !== null)
  const words = settled.map(({ kind, target }) => `${kind.replace('-', ' ')} ${target}`)
  return `${words.length === 0 ? 'nothing' : words.join(', ')}, by ${from} of ${at}`
}

function endpointText({ look, identity }: AssessedDatabase): string {
  const endpoint = identity.known ? identity.value.endpoint : null
  const where = endpoint === null ? '' : `${endpoint.host}:${endpoint.port}: `
  return `${where}${rungsText(look)}`
}

function rungsText(look: Answer<AssessedDatabase['look'] extends Answer<infer T> ? T : never>): string {
  if (!look.known) return `not asked: ${look.reason}`
  const asked = look.value.rungs.filter(({ outcome }) => outcome !== 'skipped')
  return asked
    .map(({ rung, outcome, reason }) => `${rung} ${outcome}${reason === undefined ? '' : ` (${reason})`}`)
    .join(', ')
}

function waysTable(ways: readonly Verdict[]): string {
  return table(
    [{ title: 'WAY' }, { title: 'STATE' }, { title: 'DATA LOST' }, { title: 'TIME' }, { title: 'WHY' }],
    ways.map(({ way, state, rpo, rto, reasons }) => {
      const isClosed = state === 'closed'
      const [data, time] = isClosed ? ['', ''] : [spanText(rpo), `${spanText(rto)}${restsText(rto)}`]
      return [way, state, data, time, reasons.join('; ')]
    }),
  )
}

function spanText({ leastMs, mostMs }: Estimate): string {
  if (leastMs === null && mostMs === null) return 'not known'
  if (mostMs === null) return `at least ${showTime(leastMs ?? 0)}`
  return leastMs === null || leastMs === mostMs
    ? showTime(mostMs)
    : `${showTime(leastMs)} to ${showTime(mostMs)}`
}

/** What the number is worth to whoever has to decide by it. */
function restsText({ rests: { on, at } }: Estimate): string {
  const day = at === null ? '' : ` ${at.slice(0, 10)}`
  return on === 'nothing' ? '' : ` (${on.replace('-', ' ')}${day})`
}

function detail({ way, state, command, first, breaks, rpo, rto }: Verdict, isBest: boolean): string[] {
  if (state === 'closed') return []
  return [
    '',
    `${way}${isBest && state === 'open' ? ', the best that is open' : ''}`,
    ...(command === null ? [] : [`  ${command}`]),
    `  data: ${rpo.basis}`,
    `  time: ${rto.basis}`,
    ...first.map((line) => `  first: ${line}`),
    ...breaks.map((line) => `  then: ${line}`),
  ]
}
