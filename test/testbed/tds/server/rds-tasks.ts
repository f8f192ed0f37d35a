/** Where .bak objects lie: the test's bucket, by ARN. */
export interface BackupStorage {
  put(arn: string, bytes: Uint8Array): void | Promise<void>
  get(arn: string): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** ARNs that begin so. */
  list(prefix: string): readonly string[] | Promise<readonly string[]>
}

export type Lifecycle = 'CREATED' | 'IN_PROGRESS' | 'SUCCESS' | 'ERROR' | 'CANCEL_REQUESTED' | 'CANCELLED'

export interface RdsTask {
  readonly id: number
  readonly type: string
  readonly database: string
  readonly arn: string | null
  readonly overwrite: boolean
  readonly kmsKey: string | null
  readonly created: string
  lifecycle: Lifecycle
  percent: number
  info: string
  updated: string
  /** Done when the last step is reached; what it throws becomes task_info. */
  readonly work: () => Promise<string>
}

export interface RdsState {
  readonly storage: BackupStorage
  readonly tasks: RdsTask[]
  /** Databases of which there is a full backup: a differential needs one. */
  readonly backedUp: Set<string>
  /** While it is set, no task gets beyond IN_PROGRESS. */
  holdTasks: boolean
  /** The words that the next task to finish fails with. */
  failNext: string | null
  /** Percents at which a task is seen before its end. */
  steps: readonly number[]
}

export const newRdsState = (storage: BackupStorage): RdsState => ({
  storage,
  tasks: [],
  backedUp: new Set(),
  holdTasks: false,
  failNext: null,
  steps: [0, 5, 60],
})

const AT_ONCE = 2

/** One look at a task moves it on by a step: CREATED, IN_PROGRESS with some percent, then its end. */
export async function advance(state: RdsState, task: RdsTask, now: string): Promise<void> {
  const running = state.tasks.filter((each) => each.lifecycle === 'IN_PROGRESS')
  task.updated = now
  switch (task.lifecycle) {
    case 'CANCEL_REQUESTED':
      task.lifecycle = 'CANCELLED'
      task.info += '\nTask has been cancelled.'
      return
    case 'CREATED':
      if (running.length >= AT_ONCE) return
      task.lifecycle = 'IN_PROGRESS'
      return
    case 'IN_PROGRESS': {
      const next = state.steps.find((percent) => percent > task.percent)
      if (next !== undefined) task.percent = next
      else if (!state.holdTasks) await finish(state, task)
      return
    }
    default:
  }
}

async function finish(state: RdsState, task: RdsTask): Promise<void> {
  try {
    const { failNext } = state
    state.failNext = null
    if (failNext !== null) throw new RdsTaskError(failNext)
    task.info += `\n${await task.work()}`
    task.percent = 100
    task.lifecycle = 'SUCCESS'
  } catch (thrown) {
    if (!(thrown instanceof RdsTaskError)) throw thrown
    task.info += `\n${thrown.message}`
    task.lifecycle = 'ERROR'
  }
}

/** What a task ends with, in the words of its task_info. */
export class RdsTaskError extends Error {}
