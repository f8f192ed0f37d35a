import type { Tool } from './tools.ts'
import { parseVersion } from './version.ts'

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

/** The last releases whose definitions are known (by mysqldump.cc) not to name the character set that it is told. */
const KNOWN_UP_TO = 12

/** The same for a tool that writes definitions, too. */
export function wholeToolCharset(tool: Pick<Tool, 'vendor' | 'version'>, user: string): string {
  const [major = 0] = parseVersion(tool.version)
  return major >= 10 && major <= KNOWN_UP_TO ? toolCharset(tool, user) : DUMP_CHARSET
}

/** What a dump says of the character set that it is in, for a head where the tool must not. */
export const NAMES_LINE = namesLine(DUMP_CHARSET)
/** What a tool writes that was told single bytes. */
export const WRONG_NAMES_LINE = namesLine(SINGLE_BYTES)

function namesLine(charset: string): string {
  return `/*!40101 SET NAMES ${charset} */;\n`
}
