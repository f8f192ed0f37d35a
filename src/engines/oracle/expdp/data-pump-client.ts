import { LifeboatError } from '../../../core/errors.ts'
import { redact } from '../../../core/secret.ts'
import { keepLast, startTool, type ToolCommand } from '../../../core/tool-child.ts'
import { explainText, jobError } from '../failures.ts'
import { type JobError, readJobLog } from '../job-log.ts'

/** Oracle Database Utilities, "Exit Codes": EX_SUCC 0, EX_SUCC_ERR 5 "completed with errors", EX_FAIL 1. */
const COMPLETED_WITH_ERRORS = 5
/** What a tool says repeats the job's log, which lies at the server in full. */
const OUTPUT_BYTES = 1024 * 1024
const SHOWN_ERRORS = 5

/**
 * Runs expdp or impdp to the end of its job. Resolves with the errors of a job that completed with some (exit 5), none
 * on exit 0; any other end throws with what the tool said.
 */
export async function runDataPumpClient(
  tool: ToolCommand,
  run: string,
  signal: AbortSignal,
): Promise<readonly JobError[]> {
  const child = await startTool(tool, signal, 'ignore')
  // Which of the two it uses differs between versions. startTool reads stderr already, and keeps too little of it.
  const streams = [child.process.stdout, child.process.stderr].map((stream) => keepLast(stream, OUTPUT_BYTES))
  const stopped = await child.exit()
  if (stopped === undefined) return []
  const text = redact(streams.map((read) => read()).join('\n'), tool.secrets ?? [])
  const { errors } = readJobLog(text, run)
  const exitCode = stopped.details?.exitCode
  if (exitCode === COMPLETED_WITH_ERRORS && errors.length > 0) return errors
  if (exitCode === COMPLETED_WITH_ERRORS) {
    throw new LifeboatError(
      'tool-failed',
      `unable to trust '${tool.name}': it completed with errors (exit code 5) and names none`,
      { hint: `Read the log '${run}.log' in the directory at the server, mend what it names and run again.` },
    )
  }
  if (errors.length === 0 || typeof exitCode !== 'number') throw stopped
  throw jobError(`run '${tool.name}' (exit code ${exitCode})`, errors.map((error) => error.text).join('\n'))
}

/** The failure of a job that completed without some objects: it names them. */
export function incompleteJob(doing: string, tool: string, errors: readonly JobError[]): LifeboatError {
  const objects = [...new Set(errors.flatMap((error) => objectsOf(error.text)))]
  const about = objects.length === 0 ? '' : `, about ${objects.slice(0, 10).join(', ')}`
  const shown = errors.slice(0, SHOWN_ERRORS).map((error) => error.text)
  const more = errors.length > SHOWN_ERRORS ? [`… and ${errors.length - SHOWN_ERRORS} more`] : []
  const text = errors.map((error) => error.text).join('\n')
  return new LifeboatError(
    'tool-failed',
    [
      `unable to ${doing} by '${tool}': it completed with ${errors.length} errors (exit code 5)${about}`,
      ...shown,
      ...more,
    ].join('\n'),
    { hint: explainText(text).hint, details: { objects, exitCode: COMPLETED_WITH_ERRORS } },
  )
}

/** `"HR"."EMP"`, `HR.EMP`: as messages of Data Pump name what they are about. */
function objectsOf(text: string): readonly string[] {
  return [...text.matchAll(/"([^"]+)"\."([^"]+)"|\b([A-Z][A-Z0-9_$#]*)\.([A-Z][A-Z0-9_$#]*)\b/g)].map(
    ([, schema, name, plainSchema, plainName]) => `${schema ?? plainSchema}.${name ?? plainName}`,
  )
}
