type Known<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

/** The same fields without those that the answer had not; an empty text is none either. */
export function known<Fields extends object>(fields: Fields): Known<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(entries) as Known<Fields>
}

/** An answer that lacks what it can't be understood without: a proxy's, or one of a server that is half dead. */
export class IncompleteAnswer extends Error {
  constructor(field: string) {
    super(`the answer has no ${field}`)
    this.name = 'IncompleteAnswer'
  }
}

export function given<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined || value === '') throw new IncompleteAnswer(field)
  return value
}

/** Of lists whose entries the SDK types as possibly absent. */
export function texts(values: readonly (string | undefined)[] | undefined): string[] {
  return (values ?? []).filter((value) => value !== undefined && value !== '') as string[]
}
