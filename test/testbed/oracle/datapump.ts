import { randomUUID } from 'node:crypto'
import type { Database } from './database.ts'
import {
  HEADER_BYTES,
  header,
  literals,
  type Piece,
  parsePiece,
  pieceName,
  type Unloaded,
} from './dump-piece.ts'
import { OraError } from './ora-error.ts'

export type JobState = 'DEFINING' | 'EXECUTING' | 'COMPLETING' | 'COMPLETED' | 'STOPPING' | 'STOPPED'

/** What a test wants a job to go through. */
export interface JobScript {
  /** Polls in which it EXECUTES. */
  polls?: number
  /** Never comes to its end. */
  hangs?: boolean
  /** Stops by itself, in its middle. */
  stops?: boolean
  /** Lines for the log: an ORA- among them counts as an error, and the job completes all the same. */
  log?: readonly string[]
  /** Its log is cut before its last line. */
  endsSilently?: boolean
  /** Rows of this table that it leaves out without a word. */
  skipsRowsOf?: string
}

/** DBMS_DATAPUMP: the jobs of one server, as a state machine that each GET_STATUS moves on. */
export class DataPump {
  readonly jobs = new Map<string, Job>()
  readonly #database: Database
  script: JobScript = {}

  constructor(database: Database) {
    this.#database = database
  }

  open(operation: string, mode: string, name: string, owner: string): Job {
    if (!['EXPORT', 'IMPORT'].includes(operation) || !['SCHEMA', 'TABLE', 'FULL'].includes(mode)) {
      throw new OraError(39001, 'invalid argument value')
    }
    if (!this.#database.privileges.has('CREATE TABLE')) {
      throw new OraError(
        31633,
        `unable to create master table "${owner}.${name}"\nORA-01031: insufficient privileges`,
      )
    }
    if (this.jobs.has(name) || this.#database.schemas.get(owner)?.tables.has(name) === true) {
      throw new OraError(
        31634,
        'job already exists\nORA-31664: unable to construct unique job name when defaulted',
      )
    }
    const job = new Job(this.#database, { operation, mode, name, owner }, this.script)
    this.jobs.set(name, job)
    // The master table.
    this.#database.write(owner, name, [])
    return job
  }

  attach(name: string): Job {
    const job = this.jobs.get(name)
    if (job === undefined) throw new OraError(31626, 'job does not exist')
    return job
  }

  /** Ended jobs take their master table with them; `stop_job` with keep_master => 0, too. */
  forget(job: Job): void {
    this.jobs.delete(job.name)
    this.#database.schemas.get(job.owner)?.tables.delete(job.name)
  }

  byHandle(handle: unknown): Job {
    const job = [...this.jobs.values()].find((each) => each.handle === handle)
    if (job === undefined)
      throw new OraError(31623, 'a job is not attached to this session via the specified handle')
    return job
  }
}

let handles = 0

export class Job {
  readonly handle = ++handles
  readonly operation: string
  readonly mode: string
  readonly name: string
  readonly owner: string
  readonly script: JobScript
  readonly #database: Database
  readonly #filters = new Map<string, string>()
  readonly #parameters = new Map<string, unknown>()
  readonly #remaps: { what: string; from: string; to: string }[] = []
  state: JobState = 'DEFINING'
  percent = 0
  errors = 0
  parallel = 1
  #polls = 0
  #said: string[] = []
  #dump: { directory: string; template: string; pieceBytes: number } | undefined
  #log: { directory: string; name: string } | undefined
  #unloaded: Unloaded | undefined

  constructor(
    database: Database,
    what: { operation: string; mode: string; name: string; owner: string },
    script: JobScript,
  ) {
    this.#database = database
    this.operation = what.operation
    this.mode = what.mode
    this.name = what.name
    this.owner = what.owner
    this.script = script
  }

  #define(): void {
    if (this.state !== 'DEFINING') throw new OraError(39012, 'Client detached before the job started.')
  }

  addFile(file: { name: string; directory: string; kind: 'dump' | 'log'; bytes?: string }): void {
    this.#define()
    if (!this.#database.directories.has(file.directory)) {
      throw new OraError(
        39001,
        `invalid argument value\nORA-39087: directory name ${file.directory} is invalid`,
      )
    }
    if (!this.#database.directoryGrants.has('WRITE')) {
      throw new OraError(
        39002,
        'invalid operation\nORA-39070: Unable to open the log file.\nORA-29283: invalid file operation',
      )
    }
    if (file.kind === 'log') {
      this.#log = { directory: file.directory, name: file.name }
      return
    }
    if (!file.name.includes('%U')) throw new OraError(39001, 'invalid argument value')
    if (this.operation === 'EXPORT' && !/^\d+$/.test(file.bytes ?? ''))
      throw new OraError(39001, 'invalid argument value')
    this.#dump = { directory: file.directory, template: file.name, pieceBytes: Number(file.bytes ?? 0) }
  }

  metadataFilter(name: string, value: string, path = ''): void {
    this.#define()
    this.#filters.set(`${name} ${path}`.trim(), value)
  }

  metadataRemap(what: string, from: string, to: string): void {
    this.#define()
    if (!['REMAP_SCHEMA', 'REMAP_TABLESPACE'].includes(what))
      throw new OraError(39001, 'invalid argument value')
    this.#remaps.push({ what, from, to })
  }

  setParameter(name: string, value: unknown): void {
    this.#define()
    if (!['FLASHBACK_SCN', 'TABLE_EXISTS_ACTION'].includes(name))
      throw new OraError(39001, 'invalid argument value')
    this.#parameters.set(name, value)
  }

  setParallel(degree: number): void {
    this.#define()
    if (!/Enterprise/.test(this.#database.edition)) {
      throw new OraError(439, 'feature not enabled: Parallel backup and recovery')
    }
    this.parallel = degree
  }

  start(): void {
    this.#define()
    if (this.#log === undefined || this.#dump === undefined) throw new OraError(39002, 'invalid operation')
    const { directory, name } = this.#log
    this.#database.files(directory).set(name, { data: Buffer.alloc(0) })
    this.#say(`Starting "${this.owner}"."${this.name}":  `)
    if (this.operation === 'EXPORT') {
      this.#unloaded = this.#collect()
      // What a streaming reader would find: the size of a piece, and nothing in its header.
      this.#database
        .files(this.#dump.directory)
        .set(pieceName(this.#dump.template, 1), { data: Buffer.alloc(HEADER_BYTES) })
    }
    this.state = 'EXECUTING'
  }

  /** One GET_STATUS. */
  poll(): {
    readonly state: JobState
    readonly percent: number
    readonly errors: number
    readonly text: string
  } {
    if (this.state === 'COMPLETING') {
      try {
        this.#finish()
        this.state = 'COMPLETED'
      } catch (thrown) {
        this.#say(String(thrown instanceof Error ? thrown.message : thrown))
        this.#say(`Job "${this.owner}"."${this.name}" stopped due to fatal error at Mon Nov 23 02:00:00 2026`)
        this.state = 'STOPPED'
      }
    } else if (this.state === 'EXECUTING' && this.script.hangs !== true) {
      this.#polls += 1
      const polls = this.script.polls ?? 2
      this.percent = Math.min(100, Math.round((this.#polls / polls) * 100))
      if (this.script.stops === true && this.#polls >= polls) {
        this.#say('ORA-39097: Data Pump job encountered unexpected error -1089')
        this.state = 'STOPPED'
      } else if (this.#polls >= polls) this.state = 'COMPLETING'
    }
    const text = this.#said.join('\n')
    this.#said = []
    return { state: this.state, percent: this.percent, errors: this.errors, text }
  }

  #say(line: string): void {
    // The number below it says why, and counts no more.
    if (/^ORA-(?:316|39)\d/.test(line)) this.errors += 1
    this.#said.push(line)
    if (this.#log !== undefined) {
      const file = this.#database.files(this.#log.directory).get(this.#log.name)
      if (file !== undefined) file.data = Buffer.concat([file.data, Buffer.from(`${line}\n`)])
    }
  }

  #collect(): Unloaded {
    const scn = Number(this.#parameters.get('FLASHBACK_SCN'))
    if (!(scn > 0)) throw new OraError(39001, 'invalid argument value')
    const schemas = literals(this.#filters.get('SCHEMA_LIST'))
    const only = this.mode === 'TABLE' ? literals(this.#filters.get('NAME_LIST TABLE')) : undefined
    if (this.mode === 'TABLE' && schemas.length !== 1)
      throw new OraError(
        39001,
        'invalid argument value\nORA-31655: no data or metadata objects selected for job',
      )
    const without = /^!= '(.*)'$/.exec(this.#filters.get('NAME_EXPR TABLE') ?? '')?.[1]
    return {
      version: this.#database.version,
      schemas: schemas.map((name) => {
        const schema = this.#database.schemas.get(name)
        if (schema === undefined) throw new OraError(39001, 'invalid argument value')
        const tables = [...schema.tables].filter(
          ([table]) => table !== without && table !== this.name && (only?.includes(table) ?? true),
        )
        return {
          name,
          tablespace: schema.tablespace,
          account: only === undefined,
          tables: tables.map(([table, { tablespace }]) => {
            const rows = this.#database.rows(name, table, scn)
            return { name: table, tablespace, rows: this.script.skipsRowsOf === table ? rows.slice(1) : rows }
          }),
        }
      }),
    }
  }

  #finish(): void {
    for (const line of this.script.log ?? []) this.#say(line)
    if (this.operation === 'EXPORT') this.#writePieces()
    else this.#import()
    const end = this.errors === 0 ? 'successfully completed' : `completed with ${this.errors} error(s)`
    if (this.script.endsSilently === true) return
    this.#say(`Job "${this.owner}"."${this.name}" ${end} at Mon Nov 23 02:00:00 2026 elapsed 0 00:00:05`)
  }

  #writePieces(): void {
    if (this.#unloaded === undefined || this.#dump === undefined) throw new OraError(39006, 'internal error')
    for (const { name, tables } of this.#unloaded.schemas) {
      for (const table of tables) {
        const amount = `${(JSON.stringify(table.rows).length / 1024).toFixed(2)} KB`
        this.#say(
          `. . exported "${name}"."${table.name}"                          ${amount} ${table.rows.length} rows`,
        )
      }
    }
    const { directory, template, pieceBytes } = this.#dump
    const files = this.#database.files(directory)
    const payload = Buffer.from(JSON.stringify(this.#unloaded))
    const most = pieceBytes - HEADER_BYTES
    const of = Math.max(1, Math.ceil(payload.length / most))
    if (of > 99)
      throw new OraError(39095, 'Dump file space has been exhausted: Unable to allocate 8192 bytes')
    const set = randomUUID()
    this.#say(`Master table "${this.owner}"."${this.name}" successfully loaded/unloaded`)
    this.#say(`Dump file set for ${this.owner}.${this.name} is:`)
    for (let number = 1; number <= of; number++) {
      const name = pieceName(template, number)
      if (number > 1 && files.has(name))
        throw new OraError(
          39000,
          `bad dump file specification\nORA-31641: unable to create dump file "${name}"\nORA-27038: created file already exists`,
        )
      files.set(name, { data: Buffer.alloc(0) })
      const part = payload.subarray((number - 1) * most, number * most)
      this.#database.append(
        directory,
        name,
        Buffer.concat([header({ set, number, of, payload: part }), part]),
      )
      this.#say(`  ${this.#database.directories.get(directory)?.path}/${name}`)
    }
  }

  #import(): void {
    if (this.#dump === undefined) throw new OraError(39006, 'internal error')
    const unloaded = this.#readPieces(this.#dump)
    if (Number.parseInt(unloaded.version, 10) > Number.parseInt(this.#database.version, 10)) {
      throw new OraError(39142, `incompatible version number ${unloaded.version} in dump file`)
    }
    const wanted = literals(this.#filters.get('SCHEMA_LIST'))
    const remap = (what: string, from: string) =>
      this.#remaps.find((each) => each.what === what && each.from === from)?.to ?? from
    const action = this.#parameters.get('TABLE_EXISTS_ACTION')
    for (const schema of unloaded.schemas.filter(({ name }) => wanted.includes(name))) {
      const name = remap('REMAP_SCHEMA', schema.name)
      if (this.#database.schemas.has(name)) {
        if (schema.account) this.#say(`ORA-31684: Object type USER:"${name}" already exists`)
      } else if (schema.account) {
        this.#database.addSchema(name, { tablespace: remap('REMAP_TABLESPACE', schema.tablespace) })
      }
      for (const table of schema.tables) {
        const tablespace = remap('REMAP_TABLESPACE', table.tablespace)
        if (!this.#database.tablespaces.has(tablespace)) {
          this.#say(`ORA-39083: Object type TABLE:"${name}"."${table.name}" failed to create with error:`)
          this.#say(`ORA-00959: tablespace '${tablespace}' does not exist`)
          continue
        }
        const existing = this.#database.schemas.get(name)?.tables.has(table.name) === true
        if (existing && action === 'SKIP') {
          this.#say(
            `ORA-39151: Table "${name}"."${table.name}" exists. All dependent metadata and data will be skipped due to table_exists_action of skip`,
          )
          continue
        }
        if (existing && action !== 'REPLACE') {
          this.#say(
            `Table "${name}"."${table.name}" exists and has been ${action === 'APPEND' ? 'appended' : 'truncated'}.`,
          )
        }
        const before = existing && action === 'APPEND' ? this.#database.rows(name, table.name) : []
        this.#database.write(name, table.name, [...before, ...table.rows], tablespace)
        this.#say(
          `. . imported "${name}"."${table.name}"                          1.00 KB ${table.rows.length} rows`,
        )
      }
    }
  }

  #readPieces({ directory, template }: { directory: string; template: string }): Unloaded {
    const files = this.#database.files(directory)
    const pieces: Piece[] = []
    for (let number = 1; files.has(pieceName(template, number)); number++) {
      const name = pieceName(template, number)
      pieces.push(parsePiece(files.get(name)?.data ?? Buffer.alloc(0), name))
    }
    const first = pieces[0]
    if (first === undefined)
      throw new OraError(
        39001,
        'invalid argument value\nORA-39000: bad dump file specification\nORA-31640: unable to open dump file for read',
      )
    const sorted = pieces.toSorted((a, b) => a.number - b.number)
    if (
      sorted.length !== first.of ||
      sorted.some(({ set, number }, index) => set !== first.set || number !== index + 1)
    ) {
      throw new OraError(39059, 'dump file set is incomplete')
    }
    return JSON.parse(Buffer.concat(sorted.map(({ payload }) => payload)).toString('utf8'))
  }
}
