import type { Collations } from './collations.ts'
import type { DefinerRule } from './options.ts'
import { type Account, parseAccount, quoteAccount } from './quote.ts'

export interface RewriteRules {
  readonly definer: DefinerRule
  readonly collations: Collations
  /** The vendor that the statements go to. */
  readonly to: 'MariaDB' | 'MySQL'
}

export interface Rewriter {
  /** The statement to run instead; undefined for one that the target's vendor can't have. Bytes stay bytes. */
  rewrite(statement: Buffer, backslashEscapes: boolean): Buffer | undefined
  readonly definers: ReadonlySet<string>
  /** What was changed, once each, for the operator. */
  readonly changes: ReadonlySet<string>
  readonly omitted: ReadonlySet<string>
}

const NAME = /`(?:[^`]|``)*`|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"]|"")*"|[\w$.%]+/.source

/** Strings, quoted names and comments come first, so that nothing inside of them is ever taken for code. */
function tokens(escapes: boolean): RegExp {
  const single = escapes ? "'[^'\\\\]*(?:\\\\[\\s\\S][^'\\\\]*)*'" : "'[^']*'"
  const double = escapes ? '"[^"\\\\]*(?:\\\\[\\s\\S][^"\\\\]*)*"' : '"[^"]*"'
  const skipped = [single, double, '`[^`]*`', '--(?=\\s)[^\\n]*', '#[^\\n]*', '/\\*(?!!|M!)[\\s\\S]*?\\*/']
  const found = [
    `\\b(?<definer>DEFINER)\\s*=\\s*(?<account>(?:${NAME})(?:\\s*@\\s*(?:${NAME}))?(?:\\(\\))?)`,
    '(?<before>\\b(?:COLLATE|collation_connection|collation_database|collation_server)\\s*=?\\s*)(?<collation>[A-Za-z0-9_]+)',
    '(?<engine>\\bENGINE\\s*=\\s*Aria\\b)',
    '(?<ariaOnly>\\s(?:PAGE_CHECKSUM|TRANSACTIONAL)\\s*=\\s*\\d+|\\sROW_FORMAT\\s*=\\s*PAGE\\b)',
    '(?<versioning>\\sWITH\\s+SYSTEM\\s+VERSIONING\\b)',
    '[A-Za-z_$][\\w$]*',
  ]
  return new RegExp([...skipped, ...found].join('|'), 'gi')
}

const WITH_ESCAPES = tokens(true)
const WITHOUT_ESCAPES = tokens(false)
const WORTH_A_LOOK = /DEFINER|COLLAT|Aria|SYSTEM VERSIONING|SEQUENCE|SETVAL|sql_mode/i

const SET_SQL_MODE = /^(\/\*!\d+ SET sql_mode\s*=\s*')([A-Z0-9_,]*)(')/
/** MySQL 8 took these away, and MariaDB has modes of its own: routines of both would stop at ERROR 1231. */
const FOREIGN_MODES: Readonly<Record<RewriteRules['to'], ReadonlySet<string>>> = {
  MySQL: new Set(
    (
      'NO_AUTO_CREATE_USER DB2 MAXDB MSSQL MYSQL323 MYSQL40 ORACLE POSTGRESQL NO_FIELD_OPTIONS NO_KEY_OPTIONS ' +
      'NO_TABLE_OPTIONS EMPTY_STRING_IS_NULL SIMULTANEOUS_ASSIGNMENT TIME_ROUND_FRACTIONAL'
    ).split(' '),
  ),
  MariaDB: new Set(['TIME_TRUNCATE_FRACTIONAL']),
}

export function createRewriter(rules: RewriteRules): Rewriter {
  const definers = new Set<string>()
  const changes = new Set<string>()
  const omitted = new Set<string>()
  const toMysql = rules.to === 'MySQL'

  function rewriteDefiner(whole: string, text: string): string {
    const account = readDefiner(text)
    if (account === undefined) return whole
    const kept = quoteAccount(account)
    if (rules.definer.mode === 'keep') {
      definers.add(kept)
      return whole
    }
    if (rules.definer.mode === 'strip') {
      changes.add(`DEFINER=${kept} left out: the objects now belong to the account that restores`)
      return ''
    }
    const entry = rules.definer.entries.find(({ old }) => old === undefined || isSame(old, account))
    if (entry === undefined) {
      definers.add(kept)
      return whole
    }
    const now = quoteAccount(entry.now)
    definers.add(now)
    changes.add(`DEFINER=${kept} became ${now}`)
    return `DEFINER=${Buffer.from(now, 'utf8').toString('latin1')}`
  }

  function rewriteCollation(before: string, name: string, whole: string): string {
    // Variables and functions may stand there too: only what looks like a collation is looked up.
    if (!/_(?:ci|cs|bin)$|_ks$/i.test(name)) return whole
    const near = rules.collations.nearest(name)
    if (near === undefined || near === name) return whole
    changes.add(`collation ${name}, which the target does not have, became ${near}`)
    return `${before}${near}`
  }

  return {
    definers,
    changes,
    omitted,
    rewrite(statement, backslashEscapes) {
      const text = statement.toString('latin1')
      if (!WORTH_A_LOOK.test(text)) return statement
      const mode = SET_SQL_MODE.exec(text)
      if (mode !== null) {
        const modes = (mode[2] ?? '').split(',')
        const known = modes.filter((each) => !FOREIGN_MODES[rules.to].has(each))
        if (known.length === modes.length) return statement
        const gone = modes.filter((each) => !known.includes(each))
        changes.add(`sql_mode ${gone.join(', ')} of routines, which the target does not have, was left out`)
        return Buffer.from(
          text.replace(SET_SQL_MODE, (_all, head, _modes, end) => `${head}${known.join(',')}${end}`),
          'latin1',
        )
      }
      if (toMysql) {
        const sequence = /^(?:DROP SEQUENCE IF EXISTS|CREATE SEQUENCE|DO SETVAL\()\s*(`(?:[^`]|``)*`)/i.exec(
          text,
        )
        if (sequence !== null) {
          omitted.add(`sequence ${Buffer.from(sequence[1] ?? '', 'latin1').toString('utf8')}`)
          return undefined
        }
      }
      // Only the head of a CREATE names the object's definer; a routine's body is the author's own business.
      let atDefiner = /^(?:\/\*M?!\d*\s*)?(?:CREATE|ALTER)\b/i.test(text)
      const rewritten = text.replace(backslashEscapes ? WITH_ESCAPES : WITHOUT_ESCAPES, (whole, ...rest) => {
        const groups = rest.at(-1) as Record<string, string | undefined>
        if (groups.definer !== undefined && atDefiner) {
          atDefiner = false
          return rewriteDefiner(whole, groups.account ?? '')
        }
        if (groups.collation !== undefined)
          return rewriteCollation(groups.before ?? '', groups.collation, whole)
        if (!toMysql) return whole
        if (groups.engine !== undefined) {
          changes.add('tables of the engine Aria became InnoDB')
          return 'ENGINE=InnoDB'
        }
        if (groups.versioning !== undefined) {
          changes.add('system versioning, which MySQL does not have, was left out')
          return ''
        }
        return groups.ariaOnly === undefined ? whole : ''
      })
      return rewritten === text ? statement : Buffer.from(rewritten, 'latin1')
    },
  }
}

function readDefiner(text: string): Account | undefined {
  const utf8 = Buffer.from(text, 'latin1').toString('utf8')
  if (/^CURRENT_(?:USER|ROLE)/i.test(utf8)) return undefined
  // A role of MariaDB is a definer without a host.
  if (!/^(?:`(?:[^`]|``)*`|'[^']*'|"(?:[^"]|"")*"|[\w$]+)\s*@/.test(utf8)) {
    const account = parseAccount(utf8)
    return account === undefined ? undefined : { user: account.user, host: '' }
  }
  return parseAccount(utf8.replace(/\s*@\s*(?=[`'"\w%.]*)/, '@'))
}

function isSame(one: Account, other: Account): boolean {
  return one.user === other.user && one.host.toLowerCase() === other.host.toLowerCase()
}
