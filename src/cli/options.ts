import { InvalidArgumentError, Option } from 'commander'
import { CLASSIFICATIONS } from '../core/classification.ts'
import { LifeboatError } from '../core/errors.ts'

/** Options that several verbs share. None has a default here: those live in config/defaults.ts. */
export const option = {
  json: () => new Option('--json', 'print one JSON object on stdout (docs/json.md), errors as one on stderr'),
  config: () =>
    new Option('--config <file>', 'configuration (default: LIFEBOAT_CONFIG, or the usual places)'),
  classification: () =>
    new Option(
      '--classification <class>',
      'hold a run without a configuration to the rules of a class',
    ).choices(CLASSIFICATIONS),
  emergency: () => new Option('--emergency', 'override what the class demands; it is written down'),
  audit: () =>
    new Option('--audit <file>', 'record the run in this audit log (default: that of the configuration)'),
  simulate: () =>
    new Option(
      '--simulate [kind]',
      'rehearse in a cloud in memory: instance (default), cluster or lone-cluster',
    ).choices(['instance', 'cluster', 'lone-cluster']),
  fault: () =>
    several(
      '--fault <fault>',
      'in the simulation: dead:REGION, dark:REGION, full:REGION/CLASS, FAULT:OPERATION:TIMES',
    ),
  job: () => new Option('--job <name>', 'name of the series of backups'),
  login: () =>
    new Option(
      '--login <url>',
      'account for the old database and the new one, like mysql://admin@any?tls=verify-full',
    ),
  password: () =>
    new Option('--password <ref>', "the database account's password: env:NAME, file:PATH or prompt:"),
  sinkPassword: () =>
    new Option('--sink-password <ref>', 'password for an ssh:// sink: env:NAME, file:PATH or prompt:'),
  sinkPassphrase: () =>
    new Option('--sink-passphrase <ref>', 'passphrase of the SSH key: env:NAME, file:PATH or prompt:'),
  key: () =>
    new Option('--key <file>', 'OpenPGP secret key that opens the backup; repeat for several').argParser(
      collect,
    ),
  passphrase: () => new Option('--passphrase <ref>', 'its passphrase: env:NAME, file:PATH or prompt:'),
  gpg: () => new Option('--gpg', 'decrypt with the gpg program, for keys in gpg-agent or on a card'),
  logFormat: () =>
    new Option('--log-format <format>', 'json: an object on a line of stderr for each event').choices([
      'text',
      'json',
    ]),
  logFile: () => new Option('--log-file <file>', 'such lines to a file, stderr as ever'),
  staging: () =>
    new Option(
      '--staging <s3-url>',
      "bucket in the database's own region that the server itself reads and writes (layout=native, via=s3)",
    ),
  signer: () =>
    new Option(
      '--signer <file>',
      'OpenPGP public key that must have signed the backup; repeat for several',
    ).argParser(collect),
  unsignedOk: () =>
    new Option('--unsigned-ok', 'take a backup that nobody signed, though signers are configured'),
  recipient: () =>
    new Option('--recipient <file>', 'OpenPGP public key to encrypt to; repeat for several').argParser(
      collect,
    ),
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/** `90s`, `10m`, `2h` → milliseconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? []
  const ms = Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
  // Timers of Node end at 2^31 - 1 ms and would fire at once beyond it.
  if (amount !== undefined && ms > 0 && ms < 2 ** 31) return ms
  throw new InvalidArgumentError('Write it like 90s, 10m or 2h.')
}

export function parseLease(text: string): number {
  const ms = parseDuration(text)
  if (ms >= 60_000 && ms <= 24 * 3_600_000) return ms
  throw new InvalidArgumentError('It is between 1m and 24h.')
}

/** `26h`, `8d` → milliseconds: an age, which no timer has to wait for. */
export function parseAge(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'm' | 'h' | 'd']
  if (amount !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('Write it like 90m, 26h or 8d.')
}

export function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  }
}

/** `0.02`, in whichever currency is meant. */
export function parsePrice(text: string): number {
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a number like 0.02.')
}

/** For what a command can't do without. Not commander's own check, since a configuration file may give it one day. */
export function need(value: string | undefined, flag: string, what: string, example: string): string {
  if (value !== undefined && value !== '') return value
  throw new LifeboatError('usage', `unable to start: ${flag} is missing, which names ${what}`, {
    hint: `Add ${flag} ${example}`,
  })
}

/** Lines below a verb's own help. */
export function helpTail(
  examples: readonly string[],
  codes: readonly (readonly [number | string, string])[],
): string {
  return [
    '',
    'Examples:',
    ...examples.map((line) => `  ${line}`),
    '',
    'Exit codes:',
    ...codes.map(([code, meaning]) => `  ${String(code).padEnd(8)} ${meaning}`),
  ].join('\n')
}

/** May be repeated; an empty value is refused. */
export function several(flags: string, what: string): Option {
  return new Option(flags, what).argParser((value: string, before: readonly string[] | undefined) => {
    if (value === '') throw new InvalidArgumentError('It is empty.')
    return [...(before ?? []), value]
  })
}
