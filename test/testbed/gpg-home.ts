import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { throughProgram } from './stock-program.ts'

/** A GnuPG home of its own, gone with its agent at the end. */
export interface GpgHome extends AsyncDisposable {
  readonly path: string
  run(input: Uint8Array, ...args: readonly string[]): Buffer
  /** Makes a key without a passphrase unless one is given. Returns its fingerprint. */
  makeKey(userId: string, algorithm: string, passphrase?: string): string
}

export async function createGpgHome(): Promise<GpgHome> {
  // Short: the agent's socket lies within, and its path may have 107 bytes only.
  const path = await mkdtemp(join(tmpdir(), 'gpg-'))
  const run = (input: Uint8Array, ...args: readonly string[]) =>
    throughProgram(input, 'gpg', '--homedir', path, '--batch', '--quiet', '--no-tty', ...args)
  return {
    path,
    run,
    makeKey(userId, algorithm, passphrase = '') {
      // gpg makes an encryption subkey of its own accord for "default" and "future-default" only.
      const [main, sub] = algorithm.split('+')
      const common = ['--pinentry-mode', 'loopback', '--passphrase', passphrase]
      run(
        Buffer.alloc(0),
        ...common,
        '--quick-generate-key',
        userId,
        main as string,
        sub === undefined ? 'default' : 'sign',
        'never',
      )
      const listing = run(Buffer.alloc(0), '--with-colons', '--list-keys', `=${userId}`).toString()
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1]
      if (fingerprint === undefined) throw new Error(`gpg made no key for ${userId}`)
      if (sub !== undefined)
        run(Buffer.alloc(0), ...common, '--quick-add-key', fingerprint, sub, 'encr', 'never')
      return fingerprint
    },
    async [Symbol.asyncDispose]() {
      throughProgram(Buffer.alloc(0), 'gpgconf', '--homedir', path, '--kill', 'all')
      await rm(path, { recursive: true, force: true })
    },
  }
}
