import type { RunEvent } from '../app/run-event.ts'
import { showBytes, showDuration } from './amounts.ts'
import { printable } from './printable.ts'

/** The rate is that of the last seconds: an average since the start hides that a run has come to a stand. */
const RATE_WINDOW_MS = 10_000
const BAR_LETTERS = 16

export interface ProgressLine {
  onEvent(event: RunEvent): void
  /** One line of at most so many columns. */
  text(columns: number): string
}

/** What is known of a run, in one line: part, share, bytes, rate, elapsed and, where an estimate gives one, the ETA. */
export function createProgressLine(nowMs: () => number): ProgressLine {
  const begunMs = nowMs()
  const samples: { atMs: number; bytes: number }[] = [{ atMs: begunMs, bytes: 0 }]
  const open = new Map<number, string>()
  let parts: number | undefined
  let estimateBytes: number | undefined
  let bytes = 0

  function rate(): number {
    const now = nowMs()
    samples.push({ atMs: now, bytes })
    while (samples.length > 2 && now - (samples[1]?.atMs ?? now) > RATE_WINDOW_MS) samples.shift()
    const first = samples[0]
    const passedMs = now - (first?.atMs ?? now)
    return passedMs < 500 ? 0 : ((bytes - (first?.bytes ?? 0)) / passedMs) * 1000
  }

  function share(): number | undefined {
    if (estimateBytes === undefined || estimateBytes <= 0) return undefined
    // An estimate is none of the dump's own bytes: "100 %" is for the end alone.
    return Math.min(0.99, bytes / estimateBytes)
  }

  return {
    onEvent(event) {
      if (event.kind === 'probed') estimateBytes = event.probe.estimateBytes
      else if (event.kind === 'part-started') {
        open.set(event.number, event.name)
        parts = event.parts ?? parts
      } else if (event.kind === 'part-ended') open.delete(event.number)
      else if (event.kind === 'progress') bytes = Math.max(event.plainBytes, bytes)
    },
    text(columns) {
      const done = share()
      const perSecond = rate()
      const [number, name] = [...open].at(-1) ?? []
      const facts = [
        ...(done === undefined ? [] : [`${bar(done)} ${String(Math.floor(done * 100)).padStart(2)}%`]),
        showBytes(bytes),
        `${showBytes(perSecond)}/s`,
        showDuration(nowMs() - begunMs),
        ...(done === undefined || perSecond === 0 || estimateBytes === undefined || bytes >= estimateBytes
          ? []
          : [`ETA ${showDuration(((estimateBytes - bytes) / perSecond) * 1000)}`]),
      ].join('  ')
      const part = number === undefined ? '' : `part ${number}${parts === undefined ? '' : ` of ${parts}`}`
      const head = name === undefined || name === part ? part : `${part} ${printable(name)}`
      const room = columns - 1 - facts.length - 2
      const shown = head.length <= room ? head : room > 12 ? `${head.slice(0, room - 1)}…` : ''
      return `${shown === '' ? '' : `${shown}  `}${facts}`.slice(0, columns - 1)
    },
  }
}

function bar(share: number): string {
  const full = Math.round(share * BAR_LETTERS)
  return `[${'='.repeat(full)}${'-'.repeat(BAR_LETTERS - full)}]`
}
