import { randomInt } from 'node:crypto'
import { Accounts } from './accounts.ts'
import { OraError } from './ora-error.ts'

export interface Table {
  readonly tablespace: string
  /** Rows by the SCN from which they hold, oldest first. */
  readonly versions: { scn: number; rows: readonly string[] }[]
}

export interface Schema {
  readonly maintained: boolean
  readonly tablespace: string
  readonly password: string
  readonly tables: Map<string, Table>
}

export interface ServerFile {
  data: Buffer
}

/** What a database keeps: users, their tables, directories with files. */
export class Database {
  readonly schemas = new Map<string, Schema>()
  readonly tablespaces = new Set(['SYSTEM', 'SYSAUX', 'USERS', 'TEMP'])
  readonly directories = new Map<string, { readonly path: string; readonly files: Map<string, ServerFile> }>()
  readonly roles = new Set(['DBA', 'DATAPUMP_EXP_FULL_DATABASE', 'DATAPUMP_IMP_FULL_DATABASE'])
  readonly privileges = new Set([
    'CREATE SESSION',
    'CREATE TABLE',
    'FLASHBACK ANY TABLE',
    'EXEMPT ACCESS POLICY',
  ])
  readonly accounts = new Accounts()
  readonly directoryGrants = new Set(['READ', 'WRITE'])
  readonly dbid = String(randomInt(2 ** 31, 2 ** 32))
  readonly host = `host${randomInt(1e6)}`
  version = '19.0.0.0.0'
  edition = 'Enterprise Edition'
  openMode = 'READ WRITE'
  container = 'PDB1'
  characterSet = 'AL32UTF8'
  /** Only where files are managed by Oracle can a tablespace be made without naming one. */
  managesFiles = true
  /** Bytes that all files together may have. */
  roomBytes = Number.POSITIVE_INFINITY
  /** Bytes of its own files: data, logs and so on. */
  fileBytes = 10 * 1024 ** 2
  /** Oldest SCN that undo still shows. */
  oldestScn = 0
  scn = 1_000_000

  constructor(user: string, password: string) {
    this.addSchema('SYS', { maintained: true, password: 'not to be guessed' })
    this.addSchema(user, { maintained: user === 'SYSTEM', password })
    this.directories.set('DATA_PUMP_DIR', { path: '/u01/app/oracle/dpdump', files: new Map() })
  }

  addSchema(name: string, more: Partial<Omit<Schema, 'tables'>> = {}): Schema {
    const schema = { maintained: false, tablespace: 'USERS', password: '', ...more, tables: new Map() }
    this.schemas.set(name, schema)
    return schema
  }

  write(schema: string, table: string, rows: readonly string[], tablespace = 'USERS'): void {
    const owner = this.schemas.get(schema)
    if (owner === undefined) throw new OraError(1918, `user '${schema}' does not exist`)
    const found = owner.tables.get(table) ?? { tablespace, versions: [] }
    this.scn += 1
    found.versions.push({ scn: this.scn, rows })
    owner.tables.set(table, found)
  }

  rows(schema: string, table: string, scn?: number): readonly string[] {
    const found = this.schemas.get(schema)?.tables.get(table)
    if (found === undefined) throw new OraError(942, 'table or view does not exist')
    if (scn === undefined) return found.versions.at(-1)?.rows ?? []
    if (scn < this.oldestScn)
      throw new OraError(1555, 'snapshot too old: rollback segment number 7 with name "_SYSSMU7$" too small')
    return found.versions.findLast((version) => version.scn <= scn)?.rows ?? []
  }

  files(directory: string): Map<string, ServerFile> {
    const found = this.directories.get(directory)
    if (found === undefined) throw new OraError(29280, 'invalid directory object')
    return found.files
  }

  /** Where room is short, writing stops where the disk ends. */
  append(directory: string, name: string, data: Buffer): void {
    const files = this.files(directory)
    const file = files.get(name)
    if (file === undefined) throw new OraError(29283, 'invalid file operation')
    const used = [...this.directories.values()]
      .flatMap((each) => [...each.files.values()])
      .reduce((sum, each) => sum + each.data.length, 0)
    if (used + data.length > this.roomBytes)
      throw new OraError(
        19502,
        `write error on file "${name}", block number 1 (block size=4096)\nORA-27072: File I/O error\nLinux-x86_64 Error: 28: No space left on device`,
      )
    file.data = Buffer.concat([file.data, data])
  }

  /** Everything of the user's, as text: equal texts mean equal databases. */
  snapshot(): string {
    const schemas = [...this.schemas].filter(([name, { maintained }]) => !maintained && !/^RDS/.test(name))
    return schemas
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { tables, tablespace }]) => {
        const lines = [...tables]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(
            ([table, each]) =>
              `  ${table} in ${each.tablespace}: ${JSON.stringify(each.versions.at(-1)?.rows)}`,
          )
        return [`${name} in ${tablespace}`, ...lines].join('\n')
      })
      .join('\n')
  }
}

/** DBMS_ASSERT.ENQUOTE_NAME, as far as it refuses. */
export function assertName(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.includes('"') || Buffer.byteLength(name) > 128) {
    throw new OraError(44003, 'invalid SQL name')
  }
  return name
}
