import { collect, once } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Signer } from '../../core/signing.ts'
import { filterTool, runTool } from '../../core/tool.ts'
import type { GpgProgram } from './gpg.ts'

/** Signs with a key that gpg holds, in its agent or on a card. `name` is what gpg knows it by. */
export async function createGpgSigner(gpg: GpgProgram, name: string, signal: AbortSignal): Promise<Signer> {
  const home = gpg.homedir === undefined ? [] : ['--homedir', gpg.homedir]
  const tool = {
    name: 'gpg',
    command: gpg.command,
    env: { LC_ALL: 'C', LANGUAGE: 'C' },
    explain: () => ({
      code: 'key-unusable' as const,
      hint: 'Check that gpg --list-secret-keys shows the key, and unlock it by hand with gpg --sign on any file.',
    }),
  }
  const listing = await runTool(
    { ...tool, args: ['--batch', '--no-tty', ...home, '--with-colons', '--list-secret-keys', name] },
    signal,
  )
  const fingerprints = new Set<string>()
  // doc/DETAILS: the fpr line that follows a sec line is the primary key's.
  for (const [, fingerprint] of listing.matchAll(
    /^sec:.*\n(?:(?!fpr:).*\n)*fpr:(?:[^:]*:){8}([0-9A-F]+):/gm,
  )) {
    fingerprints.add(fingerprint as string)
  }
  const [fingerprint, ...others] = fingerprints
  if (fingerprint === undefined || others.length > 0) {
    const reason = fingerprint === undefined ? 'gpg has no such secret key' : 'it names several keys'
    throw new LifeboatError('key-unusable', `unable to sign with key '${name}': ${reason}`, {
      hint: 'Give the fingerprint of one: gpg --list-secret-keys shows them.',
    })
  }
  return {
    fingerprint,
    async sign(bytes, inner) {
      const args = [
        '--batch',
        '--no-tty',
        '--quiet',
        '--status-fd',
        '2',
        ...home,
        '--local-user',
        fingerprint,
      ]
      return collect(
        filterTool(
          {
            ...tool,
            args: [...args, '--digest-algo', 'SHA512', '--armor', '--detach-sign'],
            statusLine: /^\[GNUPG:\] /,
          },
          once(bytes),
          inner,
          { isComplete: (stderr) => /^\[GNUPG:\] SIG_CREATED D /m.test(stderr) },
        ),
      )
    },
  }
}
