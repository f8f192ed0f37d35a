/** One file that a schedule consists of. */
export interface ScheduleFile {
  readonly name: string
  readonly text: string
}

/** The first line of each: a file that lacks it was written by somebody else, and is not replaced. */
export const MARK = '# Written by lifeboat schedule; write it anew rather than edit it.'

/** How every format starts lifeboat. */
export interface ScheduleSettings {
  /** Full path of the program. */
  readonly command: string
  /** Full path of the configuration. */
  readonly config: string
}

export function dumpArguments(job: string, { config }: Pick<ScheduleSettings, 'config'>): readonly string[] {
  return ['dump', job, '--config', config]
}

/** As lifeboat itself reads times: whole seconds, never none. */
export function inSeconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1000))
}
