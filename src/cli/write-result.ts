import { LifeboatError, messageOf } from '../core/errors.ts'

/**
 * Resolves once stdout has taken it. A reader that has left (`| head -1`) wants no more, which is no failure. Stdout's
 * `error` event has its listener in main: what matters here comes through the callback.
 */
export function writeResult(text: string): Promise<void> {
  if (text === '') return Promise.resolve()
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (thrown) => {
      if (thrown == null || (thrown as NodeJS.ErrnoException).code === 'EPIPE') resolve()
      else reject(unprinted(thrown))
    })
  })
}

function unprinted(thrown: Error): LifeboatError {
  return new LifeboatError('config', `unable to print the result: ${messageOf(thrown)}`, {
    hint: 'The run itself is done: make room where its output goes; lifeboat list shows what a dump has made.',
    cause: thrown,
  })
}
