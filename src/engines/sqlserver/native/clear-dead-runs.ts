import { throwIfAborted } from '../../../core/errors.ts'
import type { Staging } from '../../../core/staging.ts'
import { cancelTask, type TaskContext, unfinishedTasks } from './task.ts'

/**
 * Removes what runs that were cut off have left in the staging bucket. Their tasks run on at the server, and would write
 * plain .bak files after the bucket was cleared: they are cancelled first.
 */
export async function clearDeadRuns(
  context: TaskContext,
  staging: Staging,
  signal: AbortSignal,
): Promise<void> {
  const left = await staging.left()
  if (left.length === 0) return
  const arns = left.map((key) => staging.arn(key))
  for (const { id, arn } of await unfinishedTasks(context, signal)) {
    throwIfAborted(signal)
    if (!arns.some((each) => isWrittenBy(arn, each))) continue
    context.onProgress?.({
      kind: 'step',
      message: `cancelling task ${id} of the server, which a run that was cut off had started`,
    })
    await cancelTask(context, id)
  }
  for (const key of await staging.sweep(signal)) {
    context.onProgress?.({
      kind: 'step',
      message: `removed '${key}', which a run that was cut off had staged`,
    })
  }
}

/** A task over several files names them by one `*`. */
function isWrittenBy(taskArn: string, arn: string): boolean {
  const [before = '', after] = taskArn.split('*')
  return after === undefined ? taskArn === arn : arn.startsWith(before) && arn.endsWith(after)
}
