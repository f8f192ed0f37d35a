import { LifeboatError } from '../core/errors.ts'
import type { InventoryAction, InventoryOptions } from './inventory.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

const MOST_IDS: Readonly<Record<InventoryAction, number>> = { take: 0, show: 1, export: 1, diff: 2 }

/** Options that mean something to some actions only: elsewhere they would be passed over in silence. */
const ONLY_OF: readonly (readonly [keyof InventoryOptions, string, readonly InventoryAction[]])[] = [
  ['source', '--source', ['take']],
  ['target', '--target', ['take']],
  ['db', '--db', ['take']],
  ['to', '--to', ['take']],
  ['recipient', '--recipient', ['take']],
  ['signingKey', '--signing-key', ['take']],
  ['signingGpg', '--signing-gpg', ['take']],
  ['at', '--at', ['show', 'export', 'diff']],
  ['key', '--key', ['show', 'export', 'diff']],
  ['gpg', '--gpg', ['show', 'export', 'diff']],
  ['live', '--live', ['diff']],
  ['profile', '--profile', ['take', 'diff']],
  ['timeout', '--timeout', ['take', 'diff']],
  ['out', '--out', ['export']],
  ['plain', '--plain', ['export']],
]

export async function inventory(
  action: InventoryAction,
  ids: readonly string[],
  options: InventoryOptions,
  context: VerbContext,
): Promise<Outcome> {
  for (const [name, flag, actions] of ONLY_OF) {
    if (options[name] !== undefined && !actions.includes(action)) {
      throw usage(
        `${flag} is not for 'inventory ${action}'`,
        `Leave it out; it is for ${actions.join(', ')}.`,
      )
    }
  }
  if (ids.length > MOST_IDS[action]) {
    throw usage(
      `too many arguments for 'inventory ${action}': ${ids.join(' ')}`,
      'lifeboat inventory --help shows how it is written.',
    )
  }
  switch (action) {
    case 'take':
      return (await import('./inventory-take.ts')).take(options, context)
    case 'show':
      return (await import('./inventory-read.ts')).show(ids[0], options, context)
    case 'export':
      return (await import('./inventory-export.ts')).exportOne(ids[0], options, context)
    case 'diff':
      return (await import('./inventory-diff.ts')).diff(ids, options, context)
  }
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to start: ${reason}`, { hint })
}
