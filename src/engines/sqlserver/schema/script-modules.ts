import type { Bound, Module, Named, SecurityPolicy, Synonym } from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import { moduleText } from './module-text.ts'
import type { Step } from './step.ts'

/** Under the settings that it was made with: they are kept with it, and decide what its text means. */
export function scriptModule(module: Module): Step {
  const databaseTrigger = module.kind === 'database trigger'
  const name = nameOf(module)
  const text = moduleText(module) ?? module.definition
  return {
    kind: module.kind,
    name,
    onFailure: 'retry',
    batches: [
      [
        `SET ANSI_NULLS ${module.ansiNulls ? 'ON' : 'OFF'}`,
        `SET QUOTED_IDENTIFIER ${module.quotedIdentifier ? 'ON' : 'OFF'}`,
      ].join('\n'),
      text,
      // One of them may refuse whatever is made after it: they are enabled at the very end.
      ...(databaseTrigger ? [`DISABLE TRIGGER ${name} ON DATABASE`] : []),
    ],
  }
}

function nameOf(module: Module): string {
  return module.kind === 'database trigger' ? quoteName(module.name) : quoteObject(module)
}

export function scriptTriggerState(module: Module): readonly Step[] {
  const { trigger } = module
  if (trigger === undefined) return []
  const name = nameOf(module)
  const onDatabase = trigger.parent === undefined
  const steps: Step[] = trigger.order.map(({ statement, position }) => ({
    kind: 'order of trigger',
    name,
    onFailure: 'report',
    batches: [
      [
        `EXECUTE sys.sp_settriggerorder @triggername = ${quoteText(name)}, @order = ${quoteText(position)}`,
        `, @stmttype = ${quoteText(statement)}${onDatabase ? ", @namespace = N'DATABASE'" : ''}`,
      ].join(''),
    ],
  }))
  if (trigger.parent !== undefined && trigger.disabled) {
    steps.push({
      kind: 'disabled trigger',
      name,
      onFailure: 'report',
      batches: [`DISABLE TRIGGER ${name} ON ${quoteObject(trigger.parent)}`],
    })
  }
  return steps
}

export function scriptEnabledTrigger(module: Module): readonly Step[] {
  if (module.kind !== 'database trigger' || module.trigger?.disabled !== false) return []
  const name = nameOf(module)
  return [
    {
      kind: 'enabled trigger',
      name,
      onFailure: 'report',
      batches: [`ENABLE TRIGGER ${name} ON DATABASE`],
    },
  ]
}

/** What it stands for need not be there. */
export function scriptSynonym(synonym: Synonym): Step {
  return {
    kind: 'synonym',
    name: quoteObject(synonym),
    onFailure: 'report',
    batches: [`CREATE SYNONYM ${quoteObject(synonym)} FOR ${synonym.target}`],
  }
}

/** Made after the rows: a filter would hide them from the load's own counts. */
export function scriptSecurityPolicy(policy: SecurityPolicy): Step {
  const predicates = policy.predicates.map(({ kind, definition, target, operation }) => {
    const call = definition.startsWith('(') && definition.endsWith(')') ? definition.slice(1, -1) : definition
    return `ADD ${kind} PREDICATE ${call} ON ${quoteObject(target)}${operation === undefined ? '' : ` ${operation}`}`
  })
  const options = [
    `STATE = ${policy.enabled ? 'ON' : 'OFF'}`,
    `SCHEMABINDING = ${policy.schemaBound ? 'ON' : 'OFF'}`,
  ]
  return {
    kind: 'security policy',
    name: quoteObject(policy),
    onFailure: 'collect',
    batches: [
      [
        `CREATE SECURITY POLICY ${quoteObject(policy)}`,
        `  ${predicates.join(',\n  ')}`,
        `  WITH (${options.join(', ')})${policy.notForReplication ? ' NOT FOR REPLICATION' : ''}`,
      ].join('\n'),
    ],
  }
}

/** `column` is left out for an alias type. */
export function scriptBound(object: Named, column: string | undefined, bound: Bound): readonly Step[] {
  const name = column === undefined ? quoteObject(object) : `${quoteObject(object)}.${quoteName(column)}`
  const bind = (procedure: string, what: Named | undefined): readonly Step[] =>
    what === undefined
      ? []
      : [
          {
            kind: 'bound default or rule',
            name: `${quoteObject(what)} on ${name}`,
            onFailure: 'report',
            batches: [`EXECUTE sys.${procedure} ${quoteText(quoteObject(what))}, ${quoteText(name)}`],
          },
        ]
  return [...bind('sp_bindefault', bound.default), ...bind('sp_bindrule', bound.rule)]
}
