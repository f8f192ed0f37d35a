import type { ResolvedNotify, RunStage } from '../../config/job.ts'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import type { RunOutcome, RunWatcher } from '../run-watch.ts'
import { FORMATS } from './formats.ts'
import type { Notification } from './notification.ts'
import { type SendLimits, send } from './send.ts'

/** Somebody who is told, whose address and key are looked up when they are needed. */
export interface Channel {
  readonly name: string
  readonly type: ResolvedNotify['type']
  readonly on: readonly RunStage[]
  readonly url: SecretSource | undefined
  readonly key: SecretSource | undefined
}

export interface NotifierRequest {
  /** By the name of a job. */
  readonly channelsOf: (job: string) => readonly Channel[]
  readonly host: string
  readonly clock: Clock
  readonly onWarning: (message: string, hint: string) => void
  readonly limits?: Partial<SendLimits & { readonly settleMs: number }>
}

/**
 * Tells channels of runs, beside the run and never in its way: each channel gets what concerns it in order, within
 * bounds, and a failure is a warning. `settled` waits for what is still on its way.
 */
export function createNotifier(request: NotifierRequest): RunWatcher {
  const { channelsOf, host, clock } = request
  const limits = { timeoutMs: 5_000, attempts: 3, pauseMs: 500, settleMs: 30_000, ...request.limits }
  const queues = new Map<string, Promise<void>>()
  /** Notifications that are on their way. */
  let open = 0
  let left = false

  async function deliver(channel: Channel, notification: Notification): Promise<void> {
    try {
      const url = await channel.url?.()
      const key = await channel.key?.()
      const address = { url: url?.reveal().trim(), key: key?.reveal().trim() }
      const message = FORMATS[channel.type](notification, address)
      if (message === undefined) return
      // A start that is not heard is little lost; to insist on it would hold up the end, which matters.
      await send(message, notification.stage === 'start' ? { ...limits, attempts: 1 } : limits, clock)
    } catch (thrown) {
      if (left) return
      request.onWarning(
        `unable to tell '${channel.name}' of the ${notification.stage} of job '${notification.job}': ${messageOf(thrown)}`,
        `Check notify.${channel.name} in the configuration; the run itself is not affected.`,
      )
    }
  }

  function tell(notification: Notification): void {
    for (const channel of channelsOf(notification.job)) {
      if (!channel.on.includes(notification.stage)) continue
      const before = queues.get(channel.name) ?? Promise.resolve()
      open++
      queues.set(
        channel.name,
        before.then(() => deliver(channel, notification)).then(() => void open--),
      )
    }
  }

  return {
    started: (job, at, verb = 'dump') => tell({ stage: 'start', verb, job, host, at }),
    ended(outcome) {
      const stage = stageOf(outcome)
      const { verb = 'dump', job, ended } = outcome
      if (stage !== undefined) tell({ stage, verb, job, host, at: ended, outcome })
    },
    async settled() {
      const late = new AbortController()
      const all = Promise.all(queues.values()).finally(() => late.abort())
      // The clock throws when it is not needed any more.
      await Promise.race([all, clock.sleep(limits.settleMs, late.signal).catch(() => undefined)])
      left = open > 0
      if (!left) return
      request.onWarning(
        `${open} notifications were not taken within ${limits.settleMs / 1000} s of the end`,
        'Check notify: in the configuration; the runs themselves are not affected.',
      )
    },
  }
}

/** Whoever finds the job under way has not failed: the run that is will tell how it ends. */
function stageOf({ code, exitCode }: RunOutcome): 'success' | 'failure' | undefined {
  if (exitCode === 0) return 'success'
  return code === 'locked' ? undefined : 'failure'
}
