import { LifeboatError } from '../../core/errors.ts'

const STATEMENT_CHARACTERS = 300

/**
 * pg_restore and psql say what failed in many lines, of which the first are the news: the server's error, then the
 * statement. Where data fails, the server's error names table and line.
 */
export function restoreError(thrown: unknown, what: string, stderr: string): unknown {
  if (!(thrown instanceof LifeboatError) || stderr === '') return thrown
  const error = /(?:error|FATAL|ERROR): +(.*(?:\n(?:DETAIL|HINT|CONTEXT): .*)*)/.exec(stderr)?.[1]
  if (error === undefined) return thrown
  const command = /(?:Command was|STATEMENT): +([\s\S]*)/.exec(stderr)?.[1]?.replace(/\s+/g, ' ').trim()
  const shown = command !== undefined && command.length > STATEMENT_CHARACTERS
  const statement = shown ? `${command.slice(0, STATEMENT_CHARACTERS)}…` : command
  const lines = [
    `unable to restore ${what}: ${error}`,
    ...(statement === undefined || statement === '' ? [] : [`at statement ${statement}`]),
  ]
  return new LifeboatError(thrown.code, lines.join('\n'), {
    hint: thrown.hint ?? 'Mend at the target what the reason says, then run again with --replace.',
    cause: thrown,
    details: { ...thrown.details, statement },
  })
}
