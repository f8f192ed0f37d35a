import type { ErrorCode } from '../core/errors.ts'

/** What to do now, for errors that don't say it better themselves: a hint is always printed. */
const HINTS: Readonly<Record<ErrorCode, string>> = {
  internal: 'This is a defect of lifeboat: please report it with the command that was run.',
  usage: 'Type lifeboat --help, or lifeboat dump --help and the like, for how a command is written.',
  config: 'Check the file or the environment variable that the message names.',
  'tool-missing': 'Type lifeboat doctor to see which tools are there and which packages bring them.',
  'tool-failed':
    "Read the tool's own last lines above; lifeboat doctor with the same options looks for the cause.",
  'engine-unreachable':
    'Check the address, the account and the network; lifeboat doctor tries each by itself.',
  unsupported: 'Type lifeboat doctor with the same options to see all that is in the way.',
  'source-protected': 'Nothing was changed. Read the reason above before trying again.',
  'sink-denied':
    'Check the credentials and the rights at the sink; lifeboat doctor --to tries each operation.',
  'sink-not-found': 'Check the sink URL, its path or prefix above all; lifeboat list shows what is there.',
  'sink-unavailable':
    'Try again; where it stays so, choose another sink in another region or on another host.',
  'sink-full': 'Free some space there or choose another sink; nothing of the failed run was kept.',
  'sink-exists': 'Something with this name is already there and was not touched; run the command again.',
  'key-unusable': 'Give the right key with --key and its passphrase with --passphrase.',
  integrity: 'Do not use this backup. Choose another one: lifeboat list shows them.',
  'too-old': 'Find out why no newer dump came, and run one now: lifeboat dump.',
  signature: 'Do not use this backup before you know who changed it.',
  locked: 'Another run is at work; wait for it to end and try again.',
  'confirmation-required':
    'Nothing was changed. Read the reason above, then say so with the option it names.',
  'step-failed': 'Mend the cause and run the same command again: what is done is not done twice.',
  'timed-out': 'Look for a lock or a dead connection, then run the command again.',
  policy: 'Ask whoever owns the policy that the message names.',
  interrupted: 'Run the same command again when you are ready.',
  terminated: 'Run the same command again when the machine is ready.',
}

export function defaultHint(code: ErrorCode): string {
  return HINTS[code]
}
