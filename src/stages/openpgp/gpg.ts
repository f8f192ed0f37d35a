import type { Bytes } from '../../core/bytes.ts'
import { filterTool, type ToolCommand } from '../../core/tool.ts'

/** The gpg program, for secret keys that live in gpg-agent or on a card. */
export interface GpgProgram {
  readonly command: readonly [string, ...string[]]
  /** Where not the user's own: GNUPGHOME. */
  readonly homedir?: string
}

export function decryptWithGpg(
  gpg: GpgProgram,
  input: Bytes,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return filterTool(decryptCommand(gpg), input, signal)
}

function decryptCommand(gpg: GpgProgram): ToolCommand {
  return {
    name: 'gpg',
    command: gpg.command,
    args: [
      '--batch',
      '--no-tty',
      '--quiet',
      ...(gpg.homedir === undefined ? [] : ['--homedir', gpg.homedir]),
      '--decrypt',
    ],
    // The messages below are looked for in English.
    env: { LC_ALL: 'C', LANGUAGE: 'C' },
    explain,
  }
}

/** What gpg 2.2 says (g10/decrypt.c, g10/mainproc.c, common/status.c), and what to do about it. */
function explain(stderr: string): ReturnType<NonNullable<ToolCommand['explain']>> {
  if (/inappropriate ioctl|no pinentry|cannot open '\/dev\/tty'/i.test(stderr)) {
    return {
      code: 'key-unusable',
      hint: 'gpg-agent could not ask for the passphrase: run `export GPG_TTY=$(tty)` and `gpg -d` on any message once, then again.',
    }
  }
  if (/bad passphrase|operation cancelled|timeout/i.test(stderr)) {
    return {
      code: 'key-unusable',
      hint: 'Unlock the key in gpg-agent by hand first, with gpg -d on any message.',
    }
  }
  if (/no secret key/i.test(stderr)) {
    return {
      code: 'key-unusable',
      hint: 'Import the secret key of one of the recipients into gpg, or plug in its card, or give it with --key FILE.',
    }
  }
  if (/homedir|keyblock resource|no agent running|can't connect to the agent/i.test(stderr)) {
    return {
      code: 'key-unusable',
      hint: 'Check that the GnuPG home folder exists, is yours, and that gpg-agent runs.',
    }
  }
  if (/card|smartcard|scdaemon/i.test(stderr)) {
    return { code: 'key-unusable', hint: 'Plug in the card and try gpg --card-status.' }
  }
  if (
    /manipulated|invalid packet|checksum error|bad data|no valid openpgp data|decryption failed/i.test(stderr)
  ) {
    return {
      code: 'integrity',
      hint: 'The stored data is damaged or cut short: run lifeboat verify, and restore from another copy or backup.',
    }
  }
  return undefined
}
