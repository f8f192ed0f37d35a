import { setTimeout as delay } from 'node:timers/promises'
import { collect, once } from '../../../src/core/bytes.ts'
import { abortReason, throwIfAborted } from '../../../src/core/errors.ts'
import type { SecretSource } from '../../../src/core/secret.ts'
import type { Sink } from '../../../src/core/sink.ts'
import { orAborted } from '../../../src/core/until-aborted.ts'
import type { ConnectionSource, OracleConnection } from '../../../src/engines/oracle/connection.ts'
import { connectionError, statementError } from '../../../src/engines/oracle/failures.ts'
import { OPEN_FILE } from '../../../src/engines/oracle/file-statements.ts'
import { STATEMENTS } from '../../../src/engines/oracle/statements.ts'
import { BLOCKS } from './blocks.ts'
import { checkBinds } from './check-binds.ts'
import { Database } from './database.ts'
import { DataPump, type Job } from './datapump.ts'
import { type Given, QUERIES } from './dispatch.ts'
import { lost, NjsError, OraError } from './ora-error.ts'

export interface Session {
  readonly user: string
  readonly sid: number
  readonly serial: number
  readonly database: Database
  readonly pump: DataPump
  readonly server: ScriptedOracle
  alive: boolean
}

export interface OracleFault {
  /** Name of a statement; of BFILE reads `BFILE`, of logging in `LOGIN`. */
  readonly on: string
  /**
   * - an error: the server answers with it.
   * - `lost`: the connection breaks before the statement is run; `cut`: after it, so that the answer is lost.
   * - `hang`: no answer ever comes.
   * - `outage`: as `lost`, and nobody gets in any more.
   */
  readonly kind: 'lost' | 'cut' | 'hang' | 'outage' | Error
  /** Calls that go well before. */
  readonly after?: number
  /** How often it strikes; once where left out. */
  readonly times?: number
}

const names = new Map(Object.entries(STATEMENTS).map(([name, text]) => [text, name]))

/** Plays an Oracle server at the driver's interface: a database, the packages that lifeboat calls, sessions and locks. */
export class ScriptedOracle {
  readonly database: Database
  readonly pump: DataPump
  readonly user: string
  /** Every statement that was run, by name. */
  readonly calls: string[] = []
  /** Jobs that were started. */
  readonly started: Job[] = []
  /** The bucket beside the server, by its objects' full keys. */
  bucket: { readonly name: string; readonly sink: Sink } | undefined
  /** False where the driver can't read a BFILE by itself. */
  readsBfiles = true
  /** How a read of a BFILE is changed. */
  tamper: ((data: Buffer) => Buffer) | undefined
  #faults: (OracleFault & { seen: number })[] = []
  #waiting: { on: string; resolve: () => void }[] = []
  #sessions = new Set<Session>()
  #locks = new Map<string, { session: Session; exclusive: boolean }[]>()
  #tasks: { file: string; lines: string[]; polls: number }[] = []
  #held = new Map<string, Promise<void>>()
  #up = true
  #lastSid = 100

  constructor(user = 'SYSTEM', password = 's3cret-0racle') {
    this.user = user
    this.database = new Database(user, password)
    this.pump = new DataPump(this.database)
  }

  /** Ends every session, and with them every job: the data stays. */
  restart(): void {
    for (const session of this.#sessions) this.#end(session)
    for (const job of this.pump.jobs.values()) job.state = 'STOPPED'
    this.#up = true
    this.#faults = []
  }

  /** As a crash of the client would: sessions end, jobs go on. */
  dropSessions(): void {
    for (const session of this.#sessions) this.#end(session)
  }

  fault(...faults: readonly OracleFault[]): void {
    this.#faults.push(...faults.map((fault) => ({ ...fault, seen: 0 })))
  }

  /** Resolves when the next statement of this name begins. */
  reached(on: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ on, resolve }))
  }

  /** Statements of this name wait until they are let go; whoever gives them up does not stop them. */
  hold(on: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held.set(on, promise)
    return resolve
  }

  others(session: Session): readonly Session[] {
    return [...this.#sessions].filter((each) => each !== session)
  }

  kill(sid: number, serial: number): void {
    const found = [...this.#sessions].find((each) => each.sid === sid && each.serial === serial)
    if (found === undefined) throw new OraError(30, 'User session ID does not exist.')
    this.#end(found)
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** What lifeboat may leave nowhere: its files, tables and jobs. */
  leftovers(): readonly string[] {
    return [
      ...[...this.database.directories.values()].flatMap(({ files }) => [...files.keys()]),
      ...(this.database.schemas.get(this.user)?.tables.keys() ?? []),
      ...this.pump.jobs.keys(),
    ].filter((name) => name.startsWith('LIFEBOAT_'))
  }

  source(given: {
    readonly user: string | undefined
    readonly password: SecretSource | undefined
  }): ConnectionSource {
    return {
      open: async (signal) => {
        throwIfAborted(signal)
        const secret = await given.password?.()
        const user = (given.user ?? '').toUpperCase()
        const schema = this.database.schemas.get(user)
        try {
          if (!this.#up)
            throw new NjsError('503', 'connection to host db port 1521 could not be established.')
          await this.#strike('LOGIN', undefined, 'before')
          if (schema === undefined || schema.password !== secret?.reveal()) {
            throw new OraError(1017, 'invalid username/password; logon denied')
          }
          if (/LOCKED/.test(this.database.accounts.statusOf(user)))
            throw new OraError(28000, 'The account is locked.')
        } catch (thrown) {
          throw connectionError(thrown, 'db:1521/PDB1', secret === undefined ? [] : [secret])
        }
        const { database, pump } = this
        const sid = ++this.#lastSid
        const session: Session = { user, sid, serial: 7 * sid, database, pump, server: this, alive: true }
        this.#sessions.add(session)
        return this.#connection(session)
      },
      [Symbol.asyncDispose]: async () => undefined,
    }
  }

  /** ROW SHARE unless exclusive; always NOWAIT. */
  lock(session: Session, table: string, mode: 'shared' | 'exclusive' = 'shared'): void {
    const held = (this.#locks.get(table) ?? []).filter((each) => each.session.alive)
    const others = held.filter((each) => each.session !== session)
    if (others.some(({ exclusive }) => exclusive || mode === 'exclusive')) {
      throw new OraError(54, 'resource busy and acquire with NOWAIT specified or timeout expired')
    }
    this.#locks.set(table, [...held, { session, exclusive: mode === 'exclusive' }])
  }

  /** What GET_STATUS takes before it says that there is nothing new. */
  async wait(): Promise<void> {
    await delay(1)
  }

  taskLog(file: string): readonly string[] {
    const task = this.#tasks.find((each) => each.file === file)
    if (task === undefined || task.polls++ === 0) throw new OraError(29283, 'invalid file operation')
    return task.polls === 2 ? task.lines.slice(0, 1) : task.lines
  }

  async upload(directory: string, bucket: string, s3Prefix: string, prefix: string): Promise<string> {
    return await this.#task(bucket, async (sink) => {
      for (const [name, { data }] of this.database.files(directory)) {
        if (!name.startsWith(prefix)) continue
        await sink.write(`${s3Prefix}${name}`, once(data), { signal: new AbortController().signal })
      }
    })
  }

  /** What is there already is skipped without a word. */
  async download(directory: string, bucket: string, s3Prefix: string): Promise<string> {
    const { signal } = new AbortController()
    return await this.#task(bucket, async (sink) => {
      const files = this.database.files(directory)
      for await (const { key, bytes } of sink.list(s3Prefix, signal)) {
        const name = key.slice(s3Prefix.length)
        if (files.has(name)) continue
        files.set(name, {
          data: Buffer.from(await collect(once(await sink.read(key, { offset: 0, bytes }, signal)))),
        })
      }
    })
  }

  async #task(bucket: string, work: (sink: Sink) => Promise<void>): Promise<string> {
    const id = `1546035${this.#tasks.length}-2-1`
    const lines = ['2026-11-23 02:00:00.000 UTC [INFO ] File listing of the bucket begins.']
    try {
      if (this.bucket === undefined || this.bucket.name !== bucket) throw new Error('AccessDenied')
      await work(this.bucket.sink)
      lines.push('2026-11-23 02:00:05.000 UTC [INFO ] The task finished successfully.')
    } catch (thrown) {
      lines.push(
        `2026-11-23 02:00:05.000 UTC [ERROR] ${String(thrown)}`,
        '2026-11-23 02:00:05.000 UTC [INFO ] The task failed.',
      )
    }
    this.#tasks.push({ file: `dbtask-${id}.log`, lines, polls: 0 })
    return id
  }

  #end(session: Session): void {
    session.alive = false
    this.#sessions.delete(session)
  }

  async #strike(on: string, session: Session | undefined, when: 'before' | 'after'): Promise<void> {
    for (const fault of this.#faults) {
      if (fault.on !== on || (fault.kind === 'cut') !== (when === 'after')) continue
      fault.seen += 1
      const number = fault.seen - (fault.after ?? 0)
      if (number < 1 || number > (fault.times ?? 1)) continue
      if (fault.kind instanceof Error) throw fault.kind
      if (fault.kind === 'hang') await new Promise(() => undefined)
      if (fault.kind === 'outage') this.#up = false
      if (session !== undefined) this.#end(session)
      throw lost()
    }
  }

  async #call<T>(
    session: Session,
    text: string,
    given: Given,
    outs: readonly string[],
    work: () => T | Promise<T>,
  ): Promise<T> {
    const on = names.get(text)
    if (on === undefined) throw new Error(`a text that STATEMENTS does not hold was sent: ${text}`)
    if (!this.#up || !session.alive) throw lost()
    checkBinds(text, given, outs)
    this.calls.push(on)
    for (const waiter of this.#waiting.filter((each) => each.on === on)) waiter.resolve()
    this.#waiting = this.#waiting.filter((each) => each.on !== on)
    await this.#held.get(on)
    await this.#strike(on, session, 'before')
    const result = await work()
    await this.#strike(on, session, 'after')
    if (!session.alive) throw lost()
    return result
  }

  #connection(session: Session): OracleConnection {
    const run = async <T>(
      text: string,
      given: Given,
      outs: readonly string[],
      work: () => T | Promise<T>,
      signal: AbortSignal,
    ): Promise<T> => {
      throwIfAborted(signal)
      try {
        return await orAborted(this.#call(session, text, given, outs, work), signal)
      } catch (thrown) {
        if (signal.aborted) {
          this.#end(session)
          throw abortReason(signal)
        }
        throw statementError(thrown, text, given)
      }
    }
    const block = (text: string) => {
      const found = BLOCKS.get(text)
      if (found === undefined) throw new Error(`no block is scripted for ${names.get(text)}`)
      return found
    }
    return {
      query: (sql, given, signal) =>
        run(
          sql,
          given,
          [],
          () => {
            const found = QUERIES.get(sql)
            if (found === undefined) throw new Error(`no query is scripted for ${names.get(sql)}`)
            return found(session, given)
          },
          signal,
        ),
      call: async (text, given, outs, signal) =>
        (await run(text, given, Object.keys(outs), () => block(text)(session, given), signal)) as Readonly<
          Record<keyof typeof outs, string | number | Uint8Array | null>
        >,
      async callMany(text, rows, signal) {
        for (const row of rows) await run(text, row, [], () => block(text)(session, row), signal)
      },
      openFile: async (directory, name, signal) => {
        const given = { p_directory: directory, p_name: name }
        await run(OPEN_FILE, given, [], () => undefined, signal)
        return {
          read: (offset, bytes, inner) =>
            run(
              OPEN_FILE,
              given,
              [],
              async () => {
                if (!this.readsBfiles) throw new NjsError('089', 'operation is not supported for this type')
                await this.#strike('BFILE', session, 'before')
                const found = this.database.files(directory).get(name)
                if (found === undefined)
                  throw new OraError(
                    22288,
                    'file or LOB operation FILEOPEN failed\nNo such file or directory',
                  )
                const data = found.data.subarray(offset, offset + bytes)
                return this.tamper === undefined ? data : this.tamper(data)
              },
              inner,
            ),
        }
      },
      [Symbol.asyncDispose]: async () => this.#end(session),
    }
  }
}
