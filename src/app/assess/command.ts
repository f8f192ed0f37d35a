import { shellQuote } from '../../core/shell-quote.ts'
import type { Answer } from './answer.ts'
import { type Case, namedKey } from './conditions.ts'
import type { Needed } from './evidence.ts'

/** `true` is a bare flag. */
type Options = Readonly<Record<string, string | readonly string[] | true | undefined>>

/** `lifeboat migrate WAY …`: what the operator has chosen, what is clear, and in capitals what only a person can say. */
export function migrateWords(
  { evidence, db, flags }: Case,
  way: string,
  options: Options,
): readonly string[] {
  return [
    ...['lifeboat', 'migrate', way, '--source', evidence.source, '--target', evidence.target, '--db', db.id],
    ...words({ ...options, profile: flags.profile }),
  ]
}

export function words(options: Options): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (value === true) return [`--${name}`]
    return (typeof value === 'string' ? [value] : value).flatMap((each) => [`--${name}`, each])
  })
}

/** Of a way that makes something new in the target region. All is spelled out: a run may be unable to ask the source. */
export function landingOptions({ db, flags }: Case): Options {
  const { securityGroups, subnetGroup, parameterGroup, optionGroup } = db.landing
  const found = securityGroups.known ? securityGroups.value.ids : []
  const own = db.identity.known ? db.identity.value.instanceClass : null
  return {
    'subnet-group': flags.subnetGroup ?? nameOf(subnetGroup) ?? 'SUBNET-GROUP',
    'security-group': flags.securityGroup ?? (found.length > 0 ? found : 'SECURITY-GROUP'),
    'parameter-group': flags.parameterGroup ?? nameOf(parameterGroup),
    'option-group': flags.optionGroup ?? nameOf(optionGroup),
    class: flags.class ?? own ?? 'CLASS',
    zone: flags.zone,
  }
}

function nameOf(answer: Answer<Pick<Needed, 'name'> | null>): string | undefined {
  return answer.known ? answer.value?.name : undefined
}

/** The key for what is to be encrypted: the named one, that of the source's alias, or the only one that there is. */
export function keyOption(subject: Case): string {
  const { evidence, db } = subject
  const named = namedKey(subject)
  if (named !== undefined) return named
  const usable = evidence.keys.known ? evidence.keys.value.filter(({ wrong }) => wrong === null) : []
  const aliases = db.landing.keyAliases.known ? db.landing.keyAliases.value : []
  const namesake = usable.flatMap((key) => key.aliases).find((alias) => aliases.includes(alias))
  if (namesake !== undefined) return namesake
  const [only] = usable
  if (only === undefined || usable.length > 1) return 'KEY'
  return only.aliases[0] ?? only.arn
}

export function shellText(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ')
}

/** Null for a way that this lifeboat can assess but not yet take, and where there is nothing to start. */
export function loadableCommand(argv: readonly string[], built: readonly string[]): string | null {
  const [program, verb, way] = argv
  if (program === undefined) return null
  return verb === 'migrate' && !built.includes(way ?? '') ? null : shellText(argv)
}
