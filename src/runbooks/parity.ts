import type { CheckRow } from '../core/runbook.ts'
import type { SecurityRule } from './ports/ec2.ts'
import type { Posture, SeenPosture } from './posture.ts'

/** What can be weaker, and what is compared of it. Each is accepted by its name. */
const FIELDS = {
  encryption: 'encrypted',
  'public-access': 'public',
  'tls-forced': 'tlsForced',
  'security-groups': 'inbound',
  'deletion-protection': 'deletionProtection',
  'backup-retention': 'backupDays',
  'log-exports': 'logExports',
  'iam-authentication': 'iamAuthentication',
  parameters: 'parameters',
} as const satisfies Record<string, keyof Posture>
export type ParityCheck = keyof typeof FIELDS
export const PARITY_CHECKS = Object.keys(FIELDS) as readonly ParityCheck[]

export interface ParityRow extends CheckRow {
  readonly name: ParityCheck
}

/**
 * Meets or exceeds: whatever the target has less of fails, unless somebody has taken that by its name. What is not known of the source
 * is unknown, and so no pass; what can't be seen of the target fails.
 */
export function compareParity(
  source: Partial<Posture>,
  target: SeenPosture,
  accepted: readonly string[],
): readonly ParityRow[] {
  return PARITY_CHECKS.map((name) => rowOf(name, source, target, accepted.includes(name)))
}

function rowOf<Name extends ParityCheck>(
  name: Name,
  source: Partial<Posture>,
  { known, unknown }: SeenPosture,
  isAccepted: boolean,
): ParityRow {
  const { isWeaker, show } = MEASURES[name] as Measure<Posture[(typeof FIELDS)[Name]]>
  const field = FIELDS[name]
  const was = source[field] as Posture[(typeof FIELDS)[Name]] | undefined
  const is = known[field] as Posture[(typeof FIELDS)[Name]] | undefined
  const shownSource = was === undefined ? 'unknown' : show(was, is, was)
  const fails = isAccepted ? 'accepted' : 'failed'
  if (is === undefined) {
    const found = `could not be looked at: ${unknown[field] ?? 'nothing is known of it'}`
    return { name, state: was === undefined ? 'unknown' : fails, found, source: shownSource, accept: name }
  }
  if (was === undefined)
    return { name, state: 'unknown', found: show(is, undefined, is), source: shownSource }
  const row = { name, found: show(is, is, was), source: shownSource }
  return isWeaker(was, is) ? { ...row, state: fails, accept: name } : { ...row, state: 'ok' }
}

interface Measure<Value> {
  isWeaker(was: Value, is: Value): boolean
  /** With both sides, where only what differs is worth showing. */
  show(value: Value, is: Value | undefined, was: Value): string
}

const onOff = (value: boolean) => (value ? 'on' : 'off')
const lost = (was: boolean, is: boolean) => was && !is

const MEASURES: { readonly [Name in ParityCheck]: Measure<Posture[(typeof FIELDS)[Name]]> } = {
  encryption: { isWeaker: lost, show: (value) => (value ? 'encrypted' : 'not encrypted') },
  'public-access': {
    isWeaker: (was, is) => !was && is,
    show: (value) => (value ? 'public' : 'private'),
  },
  'tls-forced': { isWeaker: lost, show: (value) => (value ? 'forced' : 'not forced') },
  'security-groups': {
    isWeaker: (was, is) => widest(is) < widest(was),
    show: (rules) => [...new Set(rules.map(({ peer }) => peer))].sort().join(', ') || 'nobody',
  },
  'deletion-protection': { isWeaker: lost, show: onOff },
  'backup-retention': { isWeaker: (was, is) => is < was, show: (days) => `${days} days` },
  'log-exports': {
    isWeaker: (was, is) => was.some((each) => !is.includes(each)),
    show: (names) => names.join(', ') || 'none',
  },
  'iam-authentication': { isWeaker: lost, show: onOff },
  parameters: {
    isWeaker: (was, is) => differing(was, is).length > 0,
    show(value, is, was) {
      const names = is === undefined ? [] : differing(was, is)
      if (names.length === 0) return `${Object.keys(value).length} set`
      return names.map((name) => `${name}=${value[name] ?? '(default)'}`).join(', ')
    },
  },
}

/** Names that the source sets, and the target sets otherwise or not at all. */
export function differing(source: Posture['parameters'], target: Posture['parameters']): readonly string[] {
  return Object.keys(source)
    .filter((name) => source[name] !== target[name])
    .sort()
}

const NOTHING_OPEN = 1000

/** The shortest prefix that anybody is let in from: 0 is the whole world. Groups and lists are not wide. */
export function widest(rules: readonly Pick<SecurityRule, 'peer'>[]): number {
  const lengths = rules.flatMap(({ peer }) => {
    const [, address, length] = /^([\d.]+|[\da-f:]+)\/(\d+)$/i.exec(peer) ?? []
    if (address === undefined) return []
    // A /64 of IPv6 is one network, as a /32 of IPv4 is one host.
    return [address.includes(':') ? Math.floor(Number(length) / 2) : Number(length)]
  })
  return Math.min(NOTHING_OPEN, ...lengths)
}
