/** A name as T-SQL writes it: in brackets, of which a name doubles the closing one. */
export function quoteName(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`
}

/** `[schema].[name]`. */
export function quoteObject(object: { readonly schema: string; readonly name: string }): string {
  return `${quoteName(object.schema)}.${quoteName(object.name)}`
}

/** A Unicode literal; T-SQL knows no escape in it but the doubled quote. */
export function quoteText(text: string): string {
  return `N'${text.replaceAll("'", "''")}'`
}
