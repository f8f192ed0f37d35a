import { inspect } from 'node:util'

/** A value that never prints: only `reveal()` gives it, at the place where it is used. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [inspect.custom](): string {
    return '[redacted]'
  }
}

/** A secret that is looked up late and, where it expires (IAM tokens), anew for each connection. */
export type SecretSource = () => Promise<Secret>

/** Takes the given secrets out of a text that came from elsewhere: a tool's stderr, a driver's message. */
export function redact(text: string, secrets: readonly Secret[]): string {
  let redacted = text
  for (const secret of secrets) {
    const value = secret.reveal()
    // A one- or two-letter secret would blank out half of every message without hiding anything.
    if (value.length > 2) redacted = redacted.replaceAll(value, '[redacted]')
  }
  return redacted
}
