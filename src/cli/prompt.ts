import { closeSync, openSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { ReadStream } from 'node:tty'
import { abortReason, LifeboatError, throwIfAborted } from '../core/errors.ts'

/** Asks at the terminal itself, whatever stdin is, and shows nothing of what is typed. */
export async function askHidden(question: string, confirm: boolean, signal: AbortSignal): Promise<string> {
  throwIfAborted(signal)
  const typed = await ask(`${question}: `, signal)
  if (confirm && (await ask(`${question}, once more: `, signal)) !== typed) {
    throw new LifeboatError('config', `unable to use the ${question}: the two that were typed differ`, {
      hint: 'Run the command again and type the same twice.',
    })
  }
  return typed
}

function ask(question: string, signal: AbortSignal): Promise<string> {
  const { input, write } = openTerminal(question)
  return new Promise<string>((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let typed: string[] = []
    const restore = () => input.setRawMode(false)
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort)
      process.off('exit', restore)
      input.removeAllListeners('data')
      restore()
      write('\n')
      input.destroy()
      settle()
    }
    const onAbort = () => end(() => reject(abortReason(signal)))
    // Whatever ends the process in between, the terminal must echo again.
    process.on('exit', restore)
    signal.addEventListener('abort', onAbort, { once: true })
    input.on('error', (thrown) => end(() => reject(noTerminal(question, thrown))))
    input.on('end', () => end(() => resolve(typed.join(''))))
    input.on('data', (bytes: Buffer) => {
      for (const letter of decoder.write(bytes)) {
        if (letter === '\r' || letter === '\n') return end(() => resolve(typed.join('')))
        // Raw mode takes the meaning out of these keys: it is given back here.
        if (letter === '\x03') return void process.kill(process.pid, 'SIGINT')
        if (letter === '\x04') return end(() => resolve(typed.join('')))
        if (letter === '\x15') typed = []
        else if (letter === '\x7f' || letter === '\b') typed.pop()
        else if (letter >= ' ') typed.push(letter)
      }
    })
    input.setRawMode(true)
    write(question)
  })
}

function openTerminal(question: string): { input: ReadStream; write(text: string): void } {
  let fd: number
  try {
    fd = openSync('/dev/tty', 'r+')
  } catch (thrown) {
    throw noTerminal(question, thrown)
  }
  try {
    const input = new ReadStream(fd)
    // To the terminal and not to stderr, which may well be a log file.
    return { input, write: (text) => void writeSync(fd, text) }
  } catch (thrown) {
    closeSync(fd)
    throw noTerminal(question, thrown)
  }
}

function noTerminal(question: string, cause: unknown): LifeboatError {
  return new LifeboatError(
    'config',
    `unable to ask for the ${question.replace(/: $/, '')}: there is no terminal`,
    {
      hint: 'Give it by env:NAME or file:PATH instead of prompt: where nobody can type.',
      cause,
    },
  )
}
