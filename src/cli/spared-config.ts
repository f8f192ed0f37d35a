import type { LoadedConfig } from '../config/load.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { VerbContext } from './run-verb.ts'

/** What a verb takes of a configuration unless it is typed, each with what to type. */
const TYPED = {
  audit: '--audit ./audit.jsonl',
  file: '--file FILE',
  job: '--job NAME',
  signers: "--unsigned-ok (safer, with a signer's public key at hand: --signer FILE)",
} as const

export type Spared = keyof typeof TYPED

interface Typed {
  readonly config?: string | undefined
  readonly audit?: string | undefined
  readonly file?: readonly string[] | undefined
  readonly job?: string | undefined
  readonly signer?: readonly string[] | undefined
  readonly unsignedOk?: boolean | undefined
}

/**
 * The configuration, for a verb that needs nothing of it where all of `spared` is typed. One that can't be read stops the verb
 * all the same: it may demand a signature, or a record. But nobody must be kept from a restore by a slip in it, so the hint says
 * what to type.
 */
export async function findSparedConfig(
  typed: Typed,
  spared: readonly Spared[],
  { environment }: Pick<VerbContext, 'environment'>,
): Promise<LoadedConfig | undefined> {
  const { findConfig } = await import('../config/find-config.ts')
  try {
    return await findConfig(typed.config, environment)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError)) throw thrown
    const flags = spared.flatMap((what) => (isTyped(typed, what) ? [] : [TYPED[what]]))
    throw new LifeboatError(thrown.code, thrown.message, {
      hint: `Mend the file; or go on without it: add ${flags.join(' and ')} to the same command.`,
      cause: thrown,
    })
  }
}

function isTyped(typed: Typed, what: Spared): boolean {
  if (what === 'signers') return typed.unsignedOk === true || typed.signer !== undefined
  return typed[what] !== undefined
}

/** Where metrics go. What they are of is done by now: a configuration that can't be read is a warning. */
export async function metricsFile(
  config: string | undefined,
  { environment, reporter }: Pick<VerbContext, 'environment' | 'reporter'>,
): Promise<string | undefined> {
  const { findConfig } = await import('../config/find-config.ts')
  try {
    return (await findConfig(config, environment))?.config.metrics?.textfile
  } catch (thrown) {
    reporter.warn({
      message: `no metrics are written: ${messageOf(thrown)}`,
      hint: 'Mend the file; docs/configuration.md describes every key.',
    })
    return undefined
  }
}
