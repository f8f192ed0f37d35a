import type { Endpoint } from './rds.ts'

export interface NativeBackup {
  readonly id: string
  readonly job: string
  readonly sink: string
  /** `mysql`, `postgres`, `sqlserver`, `oracle`. */
  readonly engine: string
  readonly ended: Date
  readonly plainBytes: number
}

export interface NativeRestoreState {
  /** `none` too for one whose process has ended before its end: begun again it first drops what was half loaded. */
  readonly state: 'none' | 'running' | 'done' | 'failed'
  readonly percent?: number
  readonly reason?: string
  readonly hint?: string
  readonly tables?: number
  readonly rows?: number
  /** Every table was counted on both sides. */
  readonly verified?: boolean
}

export interface NativeDumpState {
  /** `none` too for one whose process has ended before its end: begun again it is another backup. */
  readonly state: 'none' | 'running' | 'done' | 'failed'
  readonly percent?: number
  readonly reason?: string
  readonly hint?: string
  /** Of one that is done. */
  readonly backup?: NativeBackup
}

/** A dump made now, for one run. */
export interface NativeDumpPort {
  /** Known before it is begun: `from` is what a job of the configuration dumps, null where it is the endpoint that `begin` is given. */
  readonly plan: Pick<NativeBackup, 'job' | 'sink' | 'engine'> & {
    readonly from: string | null
    /** The same by hand. */
    readonly line: readonly string[]
  }
  look(run: string, signal: AbortSignal): Promise<NativeDumpState>
  /** Goes on after it has resolved. A second one of the same run changes nothing while the first is running or done. */
  begin(run: string, source: Endpoint | null, signal: AbortSignal): Promise<void>
}

/** lifeboat's own restore over the database's protocol: no control plane is asked. The app has it. */
export interface NativeRestorePort {
  /** The one that would be restored now; undefined where there is none. */
  newest(signal: AbortSignal): Promise<NativeBackup | undefined>
  look(backup: string, endpoint: Endpoint, signal: AbortSignal): Promise<NativeRestoreState>
  /** Goes on after it has resolved. A second one of the same backup into the same endpoint changes nothing while the first is running or done. */
  begin(backup: string, endpoint: Endpoint, signal: AbortSignal): Promise<void>
  /** Where the operator wants a dump to be made first. */
  readonly dump?: NativeDumpPort
}
