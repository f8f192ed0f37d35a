import { LifeboatError } from './errors.ts'
import type { ToolCommand } from './tool-child.ts'

const STDERR_LINES = 12

/** How a tool ended, as execa tells it. */
export interface ToolEnd {
  readonly code?: string | undefined
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly originalMessage?: string | undefined
}

export function partlyRead(tool: ToolCommand): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to trust '${tool.name}': it exited 0 but did not read everything it was given`,
    {
      hint: 'What it was given is loaded only in part. Check the tool (a wrapper script?) and run again.',
    },
  )
}

export function toolError(
  tool: ToolCommand,
  result: ToolEnd,
  stderr: string,
  reason?: string,
): LifeboatError {
  const unstarted = notStarted(result.code, stderr)
  if (unstarted !== undefined) {
    return new LifeboatError('tool-missing', `unable to start '${tool.name}': ${unstarted}`, {
      hint: `Install the package that brings '${tool.name}', or put it on PATH.`,
    })
  }
  const told = stderr.split('\n').filter((line) => tool.statusLine?.test(line) !== true)
  const lines = told.join('\n').trim().split('\n').slice(-STDERR_LINES).join('\n')
  const explained = tool.explain?.(stderr)
  const how = reason ?? howItEnded(result)
  return new LifeboatError(
    explained?.code ?? 'tool-failed',
    `unable to run '${tool.name}': ${how}${lines === '' ? '' : `\n${lines}`}`,
    { hint: explained?.hint, details: { tool: tool.name, exitCode: result.exitCode, signal: result.signal } },
  )
}

function howItEnded({ exitCode, signal, originalMessage }: ToolEnd): string {
  if (signal !== undefined) return `killed by ${signal}`
  return exitCode === undefined ? (originalMessage ?? 'it could not be run') : `exit code ${exitCode}`
}

/** setpriv(1), or stdbuf(1), is what fails where the tool itself can't be executed; they exit 127 as a shell does. */
function notStarted(code: string | undefined, stderr: string): string | undefined {
  if (code === 'ENOENT' || code === 'EACCES') return code
  return /^(?:setpriv: failed to execute|\S*stdbuf: failed to run command) [^\n]*: ([^\n:]+)$/m.exec(
    stderr,
  )?.[1]
}
