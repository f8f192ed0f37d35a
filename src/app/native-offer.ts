import { LifeboatError } from '../core/errors.ts'
import { shellLine } from '../core/shell-line.ts'

/** What a run is about, as far as it was told. */
interface About {
  readonly source?: string
  readonly target?: string
  readonly db?: readonly string[]
}

/** They get no database out of anywhere: another way is none for them. */
const NO_WAYS_OUT = /^(fence|unfence|prepare|cutover)\b/

export function isWayOut(way: string): boolean {
  return !NO_WAYS_OUT.test(way)
}

/** With no control plane at all: what lifeboat has dumped goes into whatever server there is. */
const ANYWHERE =
  'the native way without AWS goes into any server that you have: lifeboat restore latest --from SINK --into DATABASE-URL --key FILE; where there is no backup yet and the old database answers, lifeboat dump makes one'

/**
 * What else to do where a way does not get on, in a sentence to type from. The native way needs RDS of the target region: where just that
 * is silent, it is no help.
 */
export function nativeOffer(way: string, flags: unknown, silent: string | undefined): string {
  const { source, target, db } = flags as About
  if (!isWayOut(way)) return 'Start it again once that answers.'
  if (way === 'native' || (silent !== undefined && silent === target))
    return `Where RDS of ${target ?? 'the target region'} gives no answer, ${ANYWHERE}.`
  const line = [
    ...['lifeboat', 'migrate', 'native', '--source', source ?? 'REGION', '--target', target ?? 'REGION'],
    ...['--db', db?.[0] ?? 'ID', '--backups', 'SINK', '--key', 'FILE', '--security-group', 'ID'],
    ...(silent === undefined ? [] : ['--inventory', 'FILE']),
  ]
  return `The native way needs only RDS of ${target ?? 'the target region'}: ${shellLine({ argv: line })}; with --dump-now it dumps the old database first. Where no RDS answers, ${ANYWHERE}.`
}

/** The region whose call has failed. */
export function silentRegion(thrown: unknown): string | undefined {
  const region = thrown instanceof LifeboatError ? thrown.details?.region : undefined
  return typeof region === 'string' ? region : undefined
}
