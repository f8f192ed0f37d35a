import { type DatabaseUrl, refuseUnknownOptions } from '../../core/database-url.ts'
import { LifeboatError } from '../../core/errors.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

export type Remap = ReadonlyMap<string, string>

export type TableExistsAction = 'SKIP' | 'APPEND' | 'TRUNCATE' | 'REPLACE'

export interface OracleOptions {
  readonly layout: 'datapump' | 'expdp'
  /** Schemas to take; undefined takes all that are not Oracle's. */
  readonly schemas: readonly string[] | undefined
  /** Tables to take, all of one schema: Data Pump's TABLE mode knows no more. */
  readonly tables: readonly TableName[] | undefined
  /** Of servers that don't know service names. */
  readonly sid: string | undefined
  /** Folder with an ewallet.pem that holds a client certificate and its key. */
  readonly wallet: string | undefined
  /** Directory object in which the server keeps its pieces. */
  readonly directory: string
  readonly pieceBytes: number
  /** What the operator knows to be free for the pieces. */
  readonly roomBytes: number | undefined
  /** Size of the disk that all files of the database share with the pieces: the allocated storage of an RDS instance. */
  readonly storageBytes: number | undefined
  /** How pieces come and go: over the SQL connection, or by RDS through the bucket of --staging. */
  readonly via: 'sql' | 's3'
  /** What an older target can read: VERSION of Data Pump. */
  readonly version: string
  /** ORA- numbers in a job's log that are no failure here. */
  readonly tolerated: ReadonlySet<number>
  readonly remapSchemas: Remap
  readonly remapTablespaces: Remap
  readonly tableExistsAction: TableExistsAction
}

const KNOWN = [
  'layout',
  'schemas',
  'tables',
  'sid',
  'wallet',
  'directory',
  'piece',
  'room',
  'storage',
  'via',
  'version',
  'tolerate',
  'remap-schema',
  'remap-tablespace',
  'table-exists-action',
]
const GIB = 1024 ** 3
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: GIB, T: 1024 * GIB }
const LEAST_SIZE_BYTES = 1024 ** 2

/** `more` are options that only another layout knows. */
export function readUrlOptions(url: DatabaseUrl, more: readonly string[] = []): OracleOptions {
  refuseUnknownOptions(url, [...KNOWN, ...more])
  const { options } = url
  if (url.socket !== undefined)
    throw refuse('Oracle has no Unix sockets', 'Write oracle://user@host:1521/SERVICE.')
  const tables = options.get('tables')
  const schemas = options.get('schemas')
  if (tables !== undefined && schemas !== undefined) {
    throw refuse('schemas= and tables= exclude each other', 'Give one of the two.')
  }
  if (options.has('sid') && url.database !== undefined) {
    throw refuse('it names both a service and a sid', 'Leave out the path or sid=.')
  }
  return {
    layout: oneOf(options.get('layout') ?? 'datapump', 'layout', ['datapump', 'expdp'] as const),
    schemas: schemas === undefined ? undefined : readNames(schemas, 'schemas'),
    tables: tables === undefined ? undefined : readTables(tables),
    sid: plain(options.get('sid'), 'sid'),
    wallet: options.get('wallet'),
    directory: readNames(options.get('directory') ?? 'DATA_PUMP_DIR', 'directory')[0] ?? '',
    pieceBytes: readPiece(options.get('piece')),
    roomBytes: readSize(options.get('room'), 'room'),
    storageBytes: readSize(options.get('storage'), 'storage'),
    via: oneOf(options.get('via') ?? 'sql', 'via', ['sql', 's3'] as const),
    version: plain(options.get('version'), 'version') ?? 'COMPATIBLE',
    tolerated: readCodes(options.get('tolerate')),
    remapSchemas: readPairs(options.get('remap-schema'), 'remap-schema'),
    remapTablespaces: readPairs(options.get('remap-tablespace'), 'remap-tablespace'),
    tableExistsAction: oneOf(
      (options.get('table-exists-action') ?? 'skip').toUpperCase(),
      'table-exists-action',
      ['SKIP', 'APPEND', 'TRUNCATE', 'REPLACE'] as const,
    ),
  }
}

/** As in SQL: upper case unless quoted. */
export function readName(text: string, option: string): string {
  const quoted = /^"([^"]+)"$/.exec(text)?.[1]
  if (quoted !== undefined && Buffer.byteLength(quoted) <= 128) return quoted
  if (/^[\p{L}][\p{L}\p{N}_$#]{0,127}$/u.test(text)) return text.toUpperCase()
  throw refuse(
    `'${text}' in ${option}= is not a name of Oracle`,
    'Write names as in SQL: SHOP, or "Odd name" with its quotes.',
  )
}

function readNames(text: string, option: string): readonly string[] {
  return [...new Set(splitList(text).map((name) => readName(name, option)))]
}

/** At commas that stand outside of double quotes; what is left open stays whole, and is no name. */
function splitList(text: string, at = ','): readonly string[] {
  const items = ['']
  let quoted = false
  for (const letter of text) {
    if (letter === '"') quoted = !quoted
    if (letter === at && !quoted) items.push('')
    else items.push(`${items.pop()}${letter}`)
  }
  return items.map((item) => item.trim())
}

function readTables(text: string): readonly TableName[] {
  const tables = splitList(text).map((item) => {
    const [schema, table, ...more] = splitList(item, '.')
    if (schema === undefined || table === undefined || more.length > 0) {
      throw refuse(`'${item}' in tables= is not SCHEMA.TABLE`, 'Write tables=SHOP.ORDERS,SHOP.LINES.')
    }
    return { schema: readName(schema, 'tables'), table: readName(table, 'tables') }
  })
  if (new Set(tables.map(({ schema }) => schema)).size > 1) {
    throw refuse(
      'tables= names tables of several schemas, which one job of Data Pump cannot take',
      'Take one schema per run, or whole schemas by schemas=.',
    )
  }
  return tables
}

function readPairs(text: string | undefined, option: string): Remap {
  if (text === undefined) return new Map()
  return new Map(
    splitList(text).map((item) => {
      const [from, to, ...more] = splitList(item, ':')
      if (from === undefined || to === undefined || more.length > 0) {
        throw refuse(`'${item}' in ${option}= is not OLD:NEW`, `Write ${option}=SHOP:SHOP_COPY.`)
      }
      return [readName(from, option), readName(to, option)] as const
    }),
  )
}

function readPiece(text: string | undefined): number {
  const bytes = readSize(text, 'piece') ?? 2 * GIB
  if (bytes < 1024 * GIB) return bytes
  throw refuse(`piece=${text} is not a size below 1T`, 'Write piece=2G, or leave it out.')
}

function readSize(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const match = /^(\d{1,12})([KMGT]?)(?:i?B)?$/i.exec(text)
  const bytes = Number(match?.[1]) * (UNITS[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN)
  if (bytes >= LEAST_SIZE_BYTES && Number.isSafeInteger(bytes)) return bytes
  throw refuse(`${option}=${text} is not a size of 1M or more`, `Write ${option}=2G, or leave it out.`)
}

function readCodes(text: string | undefined): ReadonlySet<number> {
  if (text === undefined) return new Set()
  return new Set(
    splitList(text).map((code) => {
      const number = /^ORA-(\d{4,5})$/i.exec(code)?.[1]
      if (number !== undefined) return Number(number)
      throw refuse(
        `'${code}' in tolerate= is not like ORA-39127`,
        'Take it from the log that the message cites.',
      )
    }),
  )
}

/** It becomes part of a connect descriptor, whose brackets it must not close. */
function plain(text: string | undefined, option: string): string | undefined {
  if (text === undefined || /^[\w.$#-]+$/.test(text)) return text
  throw refuse(`${option}=${text} holds what no such name has`, 'Letters, digits, _ . $ # and - are allowed.')
}

export function readService(url: DatabaseUrl): string | undefined {
  return plain(url.database, 'the service of the path')
}

function oneOf<T extends string>(text: string, option: string, known: readonly T[]): T {
  const found = known.find((each) => each === text)
  if (found !== undefined) return found
  throw refuse(
    `${option}=${text.toLowerCase()} is not one of ${known.join(', ').toLowerCase()}`,
    'Leave it out for the usual way.',
  )
}

function refuse(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, { hint })
}
