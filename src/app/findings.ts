import { LifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { OnEvent } from './run-event.ts'

/** Shows the warnings of a probe; its failures stop the run before it starts, all of them in one error. */
export function heedFindings(findings: readonly Finding[], what: string, onEvent: OnEvent): void {
  for (const finding of findings) {
    if (finding.level !== 'warning') continue
    const { hint } = finding
    onEvent({
      kind: 'warning',
      message: `${finding.topic}: ${finding.message}`,
      ...(hint !== undefined && { hint }),
    })
  }
  const failures = findings.filter((finding) => finding.level === 'failure')
  const first = failures[0]
  if (first === undefined) return
  const reasons = failures.map((finding) => `${finding.topic}: ${finding.message}`).join('; ')
  throw new LifeboatError(first.code ?? 'unsupported', `unable to start ${what}: ${reasons}`, {
    hint: failures.flatMap((finding) => finding.hint ?? []).join(' ') || undefined,
  })
}
