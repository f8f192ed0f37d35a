import type { Tool } from './tools.ts'

/** What every session of a dump is in, and what a dump says that it is in. */
export const DUMP_CHARSET = 'utf8mb4'

/**
 * Two thirds of all that MariaDB's dump tool computes is asking its library, for each byte of each value, whether a
 * character of several bytes begins there (escape_string_for_mysql), lest it escapes the second half of one. In UTF-8
 * no such half can be taken for a quote or a backslash, so a tool that believes in single bytes writes the same values
 * in a third of the time. The server must go on sending UTF-8: the gate sets the session to it, and sees to it that the
 * tool never takes that back.
 */
export const SINGLE_BYTES = 'latin1'

/**
 * What a gated tool is told. Oracle's asks for other character sets on its way; a user's name beyond ASCII would be sent
 * in the wrong one.
 */
export function toolCharset(tool: Pick<Tool, 'vendor'>, user: string): string {
  return tool.vendor === 'MariaDB' && /^[\x20-\x7e]*$/.test(user) ? SINGLE_BYTES : DUMP_CHARSET
}

/** A statement after which the server would no longer send UTF-8. */
export const TAKES_BACK = new RegExp(`\\b(?:character_set\\w*|NAMES|CHARSET)\\b[\\s=']*${SINGLE_BYTES}`, 'i')

/** For the head of a dump whose tool must not name the character set that it was told. */
export const NAMES_LINE = `/*!40101 SET NAMES ${DUMP_CHARSET} */;\n`
