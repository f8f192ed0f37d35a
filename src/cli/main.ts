import { readEnvironment } from '../config/environment.ts'
import { toLifeboatError } from '../core/errors.ts'
import { errorJson, errorText } from './print-error.ts'
import { runProgram } from './program.ts'
import { columnsOf } from './wrap.ts'

// A terminal that is gone must not turn into a defect of ours: there is nobody left to tell.
process.stderr.on('error', () => undefined)
// Help that is piped into a pager which was quit; results have their own answer to this in write-result.
process.stdout.on('error', () => undefined)

const argv = process.argv.slice(2)

async function run(): Promise<number> {
  try {
    return await runProgram(argv)
  } catch (thrown) {
    const error = toLifeboatError(thrown)
    const { color, debug } = readEnvironment()
    const text = argv.includes('--json')
      ? errorJson(error, [])
      : errorText(error, {
          color: color && process.stderr.isTTY === true,
          debug,
          columns: columnsOf(process.stderr),
        })
    process.stderr.write(text)
    return error.exitCode
  }
}

// Everything is disposed of by now: what a driver may still keep open must not keep the process.
process.exit(await run())
