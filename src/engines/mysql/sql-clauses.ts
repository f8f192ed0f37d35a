/** Strings and quoted names of one statement of SHOW CREATE USER, which has backslash escapes. */
const QUOTED = /'(?:[^'\\]|\\[\s\S]|'')*'|`(?:[^`]|``)*`/g

export interface BareStatement {
  /** Strings and quoted names are stood in for by `«N»`. */
  readonly bare: string
  /** A piece of it, with what was quoted. */
  whole(piece: string): string
}

export function withoutQuoted(statement: string): BareStatement {
  const quoted: string[] = []
  return {
    bare: statement.replace(QUOTED, (text) => `«${quoted.push(text) - 1}»`),
    whole: (piece) => piece.replace(/«(\d+)»/g, (_all, at: string) => quoted[Number(at)] ?? ''),
  }
}

/** Applies an edit to what is outside of strings and quoted names. */
export function editOutsideQuotes(statement: string, edit: (text: string) => string): string {
  const { bare, whole } = withoutQuoted(statement)
  return whole(edit(bare))
}

/**
 * Takes DEFAULT ROLE out of CREATE USER, since the role may not exist yet; and turns the hex form of a hash back into
 * a string where that is plain text, which every server and every reader understands.
 */
export function cutClauses(statement: string): {
  readonly text: string
  readonly defaultRole: string | undefined
} {
  let defaultRole: string | undefined
  const text = editOutsideQuotes(statement, (bare) =>
    bare.replace(/ DEFAULT ROLE ((?:«\d+»(?:@«\d+»)?,? ?)+)/, (_all, roles: string) => {
      defaultRole = roles
      return ' '
    }),
  )
  const restored = defaultRole === undefined ? undefined : restore(statement, defaultRole)
  return {
    text: text.replace(/ AS 0x((?:[0-9A-F]{2})+)/i, (all, hex: string) => readableHash(hex) ?? all),
    defaultRole: restored,
  }
}

function restore(statement: string, bare: string): string {
  const quoted = statement.match(QUOTED) ?? []
  return bare.replace(/«(\d+)»/g, (_all, at: string) => quoted[Number(at)] ?? '').trim()
}

function readableHash(hex: string): string | undefined {
  const bytes = Buffer.from(hex, 'hex')
  return /^[A-Za-z0-9*]+$/.test(bytes.toString('latin1')) ? ` AS '${bytes.toString('latin1')}'` : undefined
}
