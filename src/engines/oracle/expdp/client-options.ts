import type { DatabaseUrl } from '../../../core/database-url.ts'
import { LifeboatError } from '../../../core/errors.ts'

/** What only layout=expdp knows. */
export interface ClientOptions {
  /** `exp` is the original Export, for servers that Data Pump or the thin driver can't reach. */
  readonly tool: 'expdp' | 'exp'
  /** A name of tnsnames.ora whose password lies in a wallet of Oracle's clients: `/@alias`. */
  readonly alias: string | undefined
}

export const CLIENT_OPTION_NAMES = ['tool', 'alias'] as const

export function readClientOptions(url: DatabaseUrl): ClientOptions {
  const tool = url.options.get('tool') ?? 'expdp'
  if (tool !== 'expdp' && tool !== 'exp') {
    throw refuse(
      `tool=${tool} is not one of expdp, exp`,
      'Leave it out for Data Pump, or write tool=exp for an old server.',
    )
  }
  const alias = url.options.get('alias')
  if (alias !== undefined && !/^[\w.$#-]+$/.test(alias)) {
    throw refuse(
      `alias=${alias} is not a name of tnsnames.ora`,
      'Letters, digits, _ . $ # and - are allowed.',
    )
  }
  return { tool, alias }
}

function refuse(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, { hint })
}
