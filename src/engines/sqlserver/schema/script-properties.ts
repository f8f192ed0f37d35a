import type { ExtendedProperty } from '../catalog/model.ts'
import { quoteName, quoteText } from '../catalog/quote.ts'
import type { Step } from './step.ts'

export function scriptExtendedProperty({ name, value, levels }: ExtendedProperty): Step {
  const places = levels.flatMap(([type, place], level) => [
    `@level${level}type = ${quoteText(type)}`,
    `@level${level}name = ${quoteText(place)}`,
  ])
  // An argument is a literal or a variable, never an expression; the sql_variant keeps the value's own type.
  const isLiteral = value === undefined || /^(?:N'|-?\d)/.test(value)
  const call = [
    `EXECUTE sys.sp_addextendedproperty @name = ${quoteText(name)}`,
    `@value = ${value === undefined ? 'NULL' : isLiteral ? value : '@value'}`,
    ...places,
  ].join(', ')
  const on = levels.length === 0 ? 'the database' : levels.map(([, place]) => quoteName(place)).join('.')
  return {
    kind: 'extended property',
    name: `${quoteName(name)} of ${on}`,
    onFailure: 'report',
    batches: [isLiteral ? call : `DECLARE @value sql_variant = ${value}\n${call}`],
  }
}
