import cliProgress from 'cli-progress'
import type { RunEvent } from '../app/run-event.ts'
import { createProgressLine } from './progress-line.ts'

export interface Progress {
  onEvent(event: RunEvent): void
  /** Prints a line of text above the bar. */
  above(text: string): void
  /** Removes the bar, and gives cursor and line wrapping back. */
  stop(): void
}

const FRAMES_PER_SECOND = 8
const LINE_WRAP_ON = '\x1b[?7h'
const LINE_WRAP_OFF = '\x1b[?7l'

/** One bar at the bottom of the terminal, drawn by cli-progress; what it says is createProgressLine's. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const line = createProgressLine(() => performance.now())
  const bars = new cliProgress.MultiBar({
    stream,
    fps: FRAMES_PER_SECOND,
    clearOnComplete: true,
    hideCursor: true,
    forceRedraw: true,
    // Signals are ours: the run ends in order, and stop() is called on every way out.
    gracefulExit: false,
    format: () => line.text(stream.columns || 80),
  })
  let bar: cliProgress.SingleBar | undefined
  let stopped = false

  function stop(): void {
    if (stopped) return
    stopped = true
    process.off('exit', stop)
    // Lines that wait to be drawn above the bar would be lost.
    if (bar !== undefined) bars.update()
    bars.stop()
  }
  process.on('exit', stop)

  return {
    onEvent(event) {
      line.onEvent(event)
      if (event.kind === 'part-started' && !stopped) bar ??= bars.create(1, 0)
    },
    above(text) {
      if (bar === undefined || stopped) stream.write(`${text}\n`)
      // Lines are cut at the terminal's edge while a bar is shown: a path that is wider would lose its end.
      else bars.log(`${LINE_WRAP_ON}${text}\n${LINE_WRAP_OFF}`)
    },
    stop,
  }
}
