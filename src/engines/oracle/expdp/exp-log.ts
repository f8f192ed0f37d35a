import { LifeboatError } from '../../../core/errors.ts'
import { explainText } from '../failures.ts'

/** What a log of the original Export or Import says. */
export interface ExpLog {
  /** Whether its last word is "terminated successfully without warnings". */
  readonly ending: 'without warnings' | 'with warnings' | 'unsuccessfully' | 'none'
  readonly complaints: readonly ExpComplaint[]
  /** Rows by `SCHEMA.TABLE`, partitions added up. */
  readonly rows: ReadonlyMap<string, number>
}

export interface ExpComplaint {
  /** `EXP-00056`, `IMP-00041`. */
  readonly code: string
  /** With the lines that belong to it. */
  readonly text: string
  /** The table that the tool was at, where it was at one. */
  readonly object: string | undefined
}

const CODE = /^((?:EXP|IMP|ORA|LRM|UDE|UDI)-\d{5}): ?/
/** `. . exporting table  EMP  14 rows exported`, `. . importing partition  "T":"P1"  5 rows imported`. */
const AT =
  /^\. \. (?:exporting|importing|skipping) (table|composite partition|subpartition|partition)\s+(?:"([^"]+)"|([^\s":]+))(?::"?[^"\s]+"?)?(?:\s+(\d+) rows (?:exported|imported))?/
const ROWS_LATER = /^\s+(\d+) rows (?:exported|imported)$/
const OWNER =
  /^(?:\. )?(?:about to export (.+)'s (?:tables|objects)|Current user changed to (.+)|importing (.+)'s objects into (.+))(?: via .*)?$/i

/** `user` is the owner until the log names another: that of a tool that exports its own tables. */
export function readExpLog(text: string, user: string): ExpLog {
  const complaints: { code: string; text: string; object: string | undefined }[] = []
  const rows = new Map<string, number>()
  let ending: ExpLog['ending'] = 'none'
  let owner = user
  let table: string | undefined
  const count = (name: string, more: string) => rows.set(name, (rows.get(name) ?? 0) + Number(more))
  for (const line of text.split(/\r?\n/)) {
    const end = /terminated (successfully without warnings|successfully with warnings|unsuccessfully)/.exec(
      line,
    )?.[1]
    if (end !== undefined) ending = end.replace('successfully w', 'w') as ExpLog['ending']
    const newOwner = OWNER.exec(line)
    if (newOwner !== null) owner = bare(newOwner[4] ?? newOwner[1] ?? newOwner[2] ?? owner)
    const at = AT.exec(line)
    if (at !== null) {
      // The lines of partitions give their own names; exp's come below that of their table.
      const name = at[2] ?? at[3] ?? ''
      if (at[1] === 'table' || line.includes(':')) table = `${owner}.${name}`
      if (at[4] !== undefined && table !== undefined) count(table, at[4])
    }
    const later = ROWS_LATER.exec(line)?.[1]
    if (later !== undefined && table !== undefined) count(table, later)
    const code = CODE.exec(line)?.[1]
    if (code !== undefined) complain(complaints, code, line.trim(), table)
  }
  return { ending, complaints, rows }
}

/** An ORA- line is the cause of the EXP- or IMP- line above it. */
function complain(
  complaints: { code: string; text: string; object: string | undefined }[],
  code: string,
  line: string,
  object: string | undefined,
): void {
  const above = complaints.at(-1)
  if (above !== undefined && code.startsWith('ORA-') && !above.code.startsWith('ORA-')) {
    above.text += `\n${line}`
    return
  }
  complaints.push({ code, text: line, object: namedIn(line) ?? object })
}

function namedIn(line: string): string | undefined {
  const [, schema, name] = /"?([\w$#]+)"?\."?([\w$#]+)"?/.exec(line.replace(CODE, '')) ?? []
  return schema === undefined ? undefined : `${schema}.${name}`
}

function bare(name: string): string {
  return name.trim().replace(/^"(.*)"$/, '$1')
}

const SHOWN = 5
const CUT_OFF =
  'It names nothing that was wrong, so it was cut off: check the connection and the server, then run again.'

/** Objects that were made and don't compile, as a dump of them doesn't on the source either. */
const MERE_WARNINGS: ReadonlySet<string> = new Set(['IMP-00041'])

/**
 * Throws unless the log proves a whole run: both tools exit 0 with warnings, too (Database Utilities, "Exit Codes":
 * EX_OKWARN is 0 on UNIX), and a table that could not be read is a warning to them. Returns what may be let pass.
 */
export function judgeExpLog(
  log: ExpLog,
  tool: 'exp' | 'imp',
  tolerated: ReadonlySet<number>,
): readonly string[] {
  const { complaints, ending } = log
  const failed = complaints.filter(
    ({ code, text }) => !MERE_WARNINGS.has(code) && !numbersOf(text).some((ora) => tolerated.has(ora)),
  )
  const ended = ending === 'without warnings' || (ending === 'with warnings' && complaints.length > 0)
  if (failed.length === 0 && ended) return complaints.map(({ text }) => text)
  const objects = [...new Set(failed.flatMap(({ object }) => object ?? []))]
  const how = ending === 'none' ? 'its log has no last line' : `it ended ${ending}`
  const about = objects.length === 0 ? '' : `, about ${objects.slice(0, 10).join(', ')}`
  const texts = failed.slice(0, SHOWN).map(({ text }) => text)
  const more = failed.length > SHOWN ? [`… and ${failed.length - SHOWN} more`] : []
  const text = failed.map((complaint) => complaint.text).join('\n')
  throw new LifeboatError(
    'tool-failed',
    [`unable to trust '${tool}': ${how}${about}, whatever its exit code`, ...texts, ...more].join('\n'),
    { hint: failed.length === 0 ? CUT_OFF : explainText(text).hint, details: { objects, ending } },
  )
}

/** `ORA-01555`, and `ORACLE error 1555` as EXP-00008 and IMP-00017 have it. */
function numbersOf(text: string): readonly number[] {
  return [...text.matchAll(/ORA-(\d{5})|ORACLE error (\d+)/g)].map((match) => Number(match[1] ?? match[2]))
}
