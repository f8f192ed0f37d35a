/** Where .bak objects lie: the test's bucket. */
export interface BackupStorage {
  put(arn: string, bytes: Uint8Array): Promise<void>
  get(arn: string): Promise<Uint8Array | undefined>
  list(prefix: string): Promise<readonly string[]>
}

export interface RdsTask {
  readonly id: number
  readonly type: string
  readonly database: string
  readonly arn: string | null
  readonly overwrite: boolean
  readonly kmsKey: string | null
  readonly created: string
  lifecycle: 'CREATED' | 'IN_PROGRESS' | 'SUCCESS' | 'ERROR' | 'CANCEL_REQUESTED' | 'CANCELLED'
  percent: number
  info: string
  updated: string
  /** Done when the last step is reached; throws what becomes task_info. */
  readonly work: () => Promise<void>
}

export interface RdsState {
  readonly storage: BackupStorage
  readonly tasks: RdsTask[]
  nextId: number
  /** Tasks whose database matches stay IN_PROGRESS until this is cleared. */
  holdTasks: boolean
  /** What the next task fails with. */
  failNext: string | null
}
