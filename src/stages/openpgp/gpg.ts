import type { Bytes } from '../../core/bytes.ts'
import { filterTool, type ToolCommand } from '../../core/tool.ts'

/** The gpg program, for secret keys that live in gpg-agent or on a card. */
export interface GpgProgram {
  readonly command: readonly [string, ...string[]]
  /** Where not the user's own: GNUPGHOME. */
  readonly homedir?: string
}

/**
 * gpg 2.2 exits 0 without a byte of output when a message is cut within its session keys, so it must also say in its
 * status lines (doc/DETAILS) that it has decrypted.
 */
export function decryptWithGpg(
  gpg: GpgProgram,
  input: Bytes,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return filterTool(decryptCommand(gpg), input, signal, {
    isComplete: (stderr) => /^\[GNUPG:\] DECRYPTION_OKAY/m.test(stderr),
  })
}

function decryptCommand(gpg: GpgProgram): ToolCommand {
  const home = gpg.homedir === undefined ? [] : ['--homedir', gpg.homedir]
  return {
    name: 'gpg',
    command: gpg.command,
    args: ['--batch', '--no-tty', '--quiet', '--status-fd', '2', ...home, '--decrypt'],
    // The messages below are looked for in English.
    env: { LC_ALL: 'C', LANGUAGE: 'C' },
    statusLine: /^\[GNUPG:\] /,
    explain,
  }
}

interface Advice {
  readonly when: RegExp
  readonly code?: 'key-unusable' | 'integrity'
  readonly hint: string
}

/** The first that fits wins: gpg reports what follows from a failure as a failure too. */
const ADVICE: readonly Advice[] = [
  {
    when: /inappropriate ioctl|no pinentry|cannot open '\/dev\/tty'/i,
    code: 'key-unusable',
    hint: 'gpg-agent has no terminal to ask for the passphrase: run export GPG_TTY=$(tty), unlock the key with gpg -d on any message, and run again.',
  },
  {
    when: /bad passphrase|operation cancelled/i,
    code: 'key-unusable',
    hint: 'Unlock the key in gpg-agent by hand first, with gpg -d on any message.',
  },
  {
    when: /no such file or directory|unsafe ownership|permission denied/i,
    code: 'key-unusable',
    hint: 'Check that the GnuPG home folder exists and belongs to the user who runs lifeboat.',
  },
  {
    when: /no agent running|can't connect to the agent|error running .*gpg-agent/i,
    code: 'key-unusable',
    hint: 'Start the agent with gpgconf --launch gpg-agent and run again.',
  },
  {
    when: /card (error|removed|not present)|scdaemon|smartcard/i,
    code: 'key-unusable',
    hint: 'Plug the card in, check it with gpg --card-status, and run again.',
  },
  {
    // What gpg makes of a passphrase that nobody could be asked for.
    when: /PINENTRY_LAUNCHED[\s\S]*no secret key/i,
    code: 'key-unusable',
    hint: 'gpg-agent asked for the passphrase and got none: unlock the key with gpg -d on any message, and run again.',
  },
  {
    when: /no secret key|\[GNUPG:\] NO_SECKEY/i,
    code: 'key-unusable',
    hint: 'Import the secret key of one of the recipients into gpg, plug in its card, or give it with --key FILE.',
  },
  {
    // An input that is cut early leaves gpg without a word for people.
    when: /^(\[GNUPG:\][^\n]*\n|\s)*$|manipulated|DECRYPTION_FAILED|BADMDC|NODATA|invalid packet|length invalid|read error|UNEXPECTED|unknown version|decrypt_message failed/,
    code: 'integrity',
    hint: 'The stored data is damaged or cut short: run lifeboat verify --deep, and restore from another copy or backup.',
  },
]

function explain(stderr: string): Pick<Advice, 'code' | 'hint'> {
  const known = ADVICE.find(({ when }) => when.test(stderr))
  return known ?? { hint: 'Decrypt the stored object by hand with gpg -d, to see what gpg asks for.' }
}
