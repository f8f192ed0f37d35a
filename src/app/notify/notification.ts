import type { RunOutcome, WatchedVerb } from '../run-watch.ts'

/** What somebody outside is told: names of jobs and machines, codes and numbers; never a message or a table. */
export type Notification =
  | {
      readonly stage: 'start'
      readonly verb: WatchedVerb
      readonly job: string
      readonly host: string
      readonly at: Date
    }
  | {
      readonly stage: 'success' | 'failure'
      readonly verb: WatchedVerb
      readonly job: string
      readonly host: string
      readonly at: Date
      readonly outcome: RunOutcome
    }

/** One HTTP request. */
export interface NotifyRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a channel sends of a notification; undefined where it has no word for it. */
export type NotifyFormat = (
  notification: Notification,
  address: { readonly url: string | undefined; readonly key: string | undefined },
) => NotifyRequest | undefined

export function jsonRequest(url: URL, body: object): NotifyRequest {
  return { url, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** One line for people. */
export function summaryOf(notification: Notification): string {
  const { stage, verb, job, host } = notification
  if (stage === 'start') return `lifeboat: the ${verb} of ${job} has begun on ${host}`
  const { backup, drill, code, exitCode, durationMs } = notification.outcome
  const took = `after ${Math.round(durationMs / 1000)} s on ${host}`
  if (drill?.outcome === 'passed') return `lifeboat: ${job} passed a drill ${took}: backup ${drill.backup}`
  return backup === undefined
    ? `lifeboat: the ${verb} of ${job} FAILED ${took}: ${code ?? 'internal'} (exit code ${exitCode})`
    : `lifeboat: ${job} is dumped ${took}: backup ${backup.id}, ${backup.plainBytes} bytes stored as ${backup.storedBytes}`
}

/** The same for machines. */
export function factsOf(notification: Notification): object {
  const { stage, verb, job, host, at } = notification
  const base = { version: 1, event: `${verb}.${stage}`, job, host, at: at.toISOString() }
  if (stage === 'start') return base
  const { started, durationMs, exitCode, code, backup, drill } = notification.outcome
  return {
    ...base,
    started: started.toISOString(),
    durationMs: Math.round(durationMs),
    exitCode,
    code: code ?? null,
    backup:
      backup === undefined
        ? null
        : { id: backup.id, plainBytes: backup.plainBytes, storedBytes: backup.storedBytes },
    ...(drill !== undefined && { drill }),
  }
}
