/** Options that open or name something, and that no journal of a run keeps: of `migrate` and of `cutover`. */
export interface Unkept {
  readonly simulate?: boolean | string
  readonly login?: string
  readonly password?: string
  readonly backups?: string
  readonly backup?: string
  readonly job?: string
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly dumpPassword?: string
  readonly recipient?: readonly string[]
  readonly encryption?: boolean
  readonly audit?: string
  readonly profile?: string
  readonly inventory?: string
  readonly accounts?: string
  readonly at?: string
  readonly config?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
}

/** To be typed with --resume: a run that goes on without its login would look at nothing any more, and not say why. */
export function wordsAgain(options: Unkept): readonly string[] {
  const { simulate, login, encryption } = options
  return [
    ...(simulate === undefined || simulate === false ? [] : ['--simulate']),
    ...(typeof simulate === 'string' && simulate !== 'instance' ? [simulate] : []),
    ...word('--login', login === undefined ? undefined : withoutPassword(login)),
    ...word('--password', options.password),
    ...word('--backups', options.backups),
    ...word('--backup', options.backup),
    ...word('--job', options.job),
    ...(options.key ?? []).flatMap((file) => ['--key', file]),
    ...word('--passphrase', options.passphrase),
    ...(options.gpg === true ? ['--gpg'] : []),
    ...(options.signer ?? []).flatMap((file) => ['--signer', file]),
    ...(options.unsignedOk === true ? ['--unsigned-ok'] : []),
    ...word('--dump-password', options.dumpPassword),
    ...(options.recipient ?? []).flatMap((file) => ['--recipient', file]),
    ...(encryption === false ? ['--no-encryption'] : []),
    ...word('--audit', options.audit),
    ...word('--profile', options.profile),
    ...word('--inventory', options.inventory),
    ...word('--accounts', options.accounts),
    ...word('--at', options.at),
    ...word('--config', options.config),
    ...word('--sink-password', options.sinkPassword),
    ...word('--sink-passphrase', options.sinkPassphrase),
  ]
}

function word(flag: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [flag, value]
}

/** It is refused in a URL, but hints go into logs. */
function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^/:@]*):[^/@]*@/, '$1@')
}
