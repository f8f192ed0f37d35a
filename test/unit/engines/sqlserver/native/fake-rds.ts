import { LifeboatError } from '../../../../../src/core/errors.ts'
import type { Session, SqlRow, SqlValue } from '../../../../../src/engines/sqlserver/session.ts'
import type { ServerStorage } from '../../../../testbed/memory-staging.ts'

interface Task {
  readonly id: number
  readonly type: string
  readonly database: string
  readonly arn: string
  polls: number
  lifecycle: string
  info: string
  readonly work: () => void
}

export interface FakeRds {
  openSession(signal: AbortSignal): Promise<Session>
  /** Databases and their states: ONLINE, RESTORING. */
  readonly databases: Map<string, { state: string; data: string; differential?: string }>
  readonly calls: { readonly text: string; readonly parameters: Readonly<Record<string, SqlValue>> }[]
  readonly tasks: Task[]
  /** Makes the next task end so. */
  failWith: string | undefined
  /** Tasks stay IN_PROGRESS for ever. */
  hangs: boolean
  /** Looks at the status that fail with a lost connection. */
  lostPolls: number
  /** The connection is lost when the server has started the next task, before it says so. */
  losesAnswer: boolean
}

/** The procedures of RDS as far as they are documented: tasks take three looks, and act on the storage at their end. */
export function createFakeRds(storage: ServerStorage): FakeRds {
  const rds: FakeRds = {
    databases: new Map(),
    calls: [],
    tasks: [],
    failWith: undefined,
    hangs: false,
    lostPolls: 0,
    losesAnswer: false,
    openSession: async () => session,
  }

  function begin(type: string, database: string, arn: string, work: () => void): SqlRow[] {
    const id = rds.tasks.length + 101
    rds.tasks.push({ id, type, database, arn, polls: 0, lifecycle: 'CREATED', info: '', work })
    if (rds.losesAnswer)
      throw new LifeboatError('engine-unreachable', 'unable to go on: the connection was lost')
    return [{ Task_Id: id, task_type: type, lifecycle: 'CREATED' }]
  }

  function advance(task: Task): void {
    if (/^(SUCCESS|ERROR|CANCELLED)$/.test(task.lifecycle)) return
    if (task.lifecycle === 'CANCEL_REQUESTED') {
      task.lifecycle = 'CANCELLED'
      return
    }
    task.polls += 1
    task.lifecycle = task.polls > 1 ? 'IN_PROGRESS' : 'CREATED'
    if (rds.hangs || task.polls < 3) return
    try {
      if (rds.failWith !== undefined) throw new Error(rds.failWith)
      task.work()
      task.lifecycle = 'SUCCESS'
    } catch (thrown) {
      task.lifecycle = 'ERROR'
      task.info = `[2026-11-22 21:05:00.000] Aborted the task. ${(thrown as Error).message}`
    }
  }

  const procedures: Readonly<Record<string, (p: Readonly<Record<string, SqlValue>>) => SqlRow[]>> = {
    rds_backup_database: (p) =>
      begin('BACKUP_DB', String(p.source_db_name), String(p.s3_arn_to_backup_to), () => {
        const database = rds.databases.get(String(p.source_db_name))
        if (database === undefined) throw new Error('Database does not exist')
        const files = Number(p.number_of_files ?? 1)
        const arn = String(p.s3_arn_to_backup_to)
        const size = Math.ceil(database.data.length / files)
        for (let file = 0; file < files; file++) {
          const name = files === 1 ? arn : arn.replace('*', `${file + 1}-of-${files}`)
          storage.put(name, Buffer.from(`${p.type}:${database.data.slice(file * size, (file + 1) * size)}`))
        }
      }),
    rds_restore_database: (p) =>
      begin('RESTORE_DB', String(p.restore_db_name), String(p.s3_arn_to_restore_from), () => {
        const name = String(p.restore_db_name)
        const arn = String(p.s3_arn_to_restore_from)
        const found = arn.endsWith('*') ? storage.list(arn.slice(0, -1)) : [arn]
        const texts = found.map((each) => Buffer.from(storage.get(each) ?? '').toString())
        const data = texts.map((text) => {
          if (!text.startsWith(`${p.type}:`)) throw new Error('No such key or not a backup of this type')
          return text.slice(`${p.type}:`.length)
        })
        const state = Number(p.with_norecovery) === 1 ? 'RESTORING' : 'ONLINE'
        const existing = rds.databases.get(name)
        if (p.type === 'DIFFERENTIAL') {
          if (existing?.state !== 'RESTORING') throw new Error('Database is not in RESTORING')
          rds.databases.set(name, { ...existing, state, differential: data.join('') })
        } else {
          if (existing !== undefined) throw new Error(`Database ${name} already exists`)
          rds.databases.set(name, { state, data: data.join('') })
        }
      }),
    rds_finish_restore: (p) =>
      begin('FINISH_RESTORE', String(p.db_name), '', () => {
        const database = rds.databases.get(String(p.db_name))
        if (database?.state !== 'RESTORING') throw new Error('Database is not in RESTORING')
        database.state = 'ONLINE'
      }),
    rds_drop_database: (p) => {
      rds.databases.delete(String(p.db_name))
      return []
    },
    rds_cancel_task: (p) => {
      const task = rds.tasks.find(({ id }) => id === p.task_id)
      if (task !== undefined) task.lifecycle = 'CANCEL_REQUESTED'
      return []
    },
    rds_task_status: (p) => {
      if (rds.lostPolls > 0) {
        rds.lostPolls -= 1
        throw new LifeboatError('engine-unreachable', 'unable to go on: the connection was lost')
      }
      const asked = rds.tasks.filter(({ id }) => p.task_id === undefined || id === p.task_id)
      for (const task of asked) advance(task)
      return asked.map((task) => ({
        task_id: task.id,
        task_type: task.type,
        database_name: task.database,
        '% complete': task.lifecycle === 'SUCCESS' ? 100 : task.polls * 30,
        lifecycle: task.lifecycle,
        task_info: task.info,
        S3_object_arn: task.arn,
        a_column_of_next_year: 'x',
      }))
    },
  }

  const unused = () => {
    throw new Error('not used by the native layout')
  }
  const session: Session = {
    async query(text, _signal, parameters = {}) {
      rds.calls.push({ text, parameters })
      const name = /msdb\.dbo\.(\w+)/.exec(text)?.[1] ?? ''
      const procedure = procedures[name]
      if (procedure === undefined) throw new Error(`unexpected statement: ${text}`)
      const bound = [...text.matchAll(/@(\w+) = @(\w+)/g)].map(([, to]) => to)
      if (bound.sort().join() !== Object.keys(parameters).sort().join()) {
        throw new Error(`parameters differ from the text: ${text}`)
      }
      return procedure(parameters)
    },
    batch: unused,
    stream: unused,
    bulk: unused,
    transaction: unused,
    async [Symbol.asyncDispose]() {},
  }
  return rds
}
