import { layout } from '../core/backup-layout.ts'
import type { StoredPart } from '../core/manifest.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'

/**
 * The shell lines that print each part, and the contents, as plain bytes with stock tools: the way out when lifeboat
 * itself is lost. They hold stored names only; which client then reads the bytes is said in the contents.
 */
export function byHandLines(
  sink: Sink,
  job: string,
  id: string,
  stages: readonly Stage[],
  parts: readonly StoredPart[],
  contentsName: string,
): string[] {
  const undo = stages
    .toReversed()
    .map((stage) => ` | ${stage.byHand}`)
    .join('')
  const line = (names: readonly string[]) =>
    `${sink.byHand(names.map((name) => layout.object(job, id, name)))}${undo}`
  return [line([contentsName]), ...parts.map((part) => line(part.volumes.map((volume) => volume.name)))]
}
