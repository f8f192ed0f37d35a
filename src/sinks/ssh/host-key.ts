import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerHostKeyAlgorithm } from 'ssh2'
import { LifeboatError } from '../../core/errors.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import {
  fingerprint,
  hostName,
  judgeHostKey,
  type KnownHostLine,
  keyType,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts'

export interface HostKeyOptions {
  readonly host: string
  readonly port: number
  readonly knownHosts: string | undefined
  readonly home: string
}

export interface HostKeyCheck {
  /** What to offer, the types that are known first, so that the server shows a key that can be checked. */
  readonly algorithms: ServerHostKeyAlgorithm[]
  /** Undefined for the right key. */
  judge(key: Buffer): LifeboatError | undefined
}

/** Without ssh-rsa with SHA-1 and ssh-dss, which OpenSSH no longer offers either. */
const ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

export async function readHostKeyCheck(options: HostKeyOptions): Promise<HostKeyCheck> {
  const { host, port, home } = options
  const file = options.knownHosts?.replace(/^~(?=\/)/, home) ?? join(home, '.ssh', 'known_hosts')
  const lines = parseKnownHosts(await readLines(file, options.knownHosts !== undefined), file)
  const all =
    options.knownHosts === undefined
      ? [
          ...lines,
          ...parseKnownHosts(await readLines('/etc/ssh/ssh_known_hosts', false), '/etc/ssh/ssh_known_hosts'),
        ]
      : lines
  const name = hostName(host, port)
  const known = knownKeyTypes(all, name)
  const isKnown = (algorithm: string) => known.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)
  return {
    algorithms: [...ALGORITHMS.filter(isKnown), ...ALGORITHMS.filter((algorithm) => !isKnown(algorithm))],
    judge: (key) => judge(all, name, key, { ...options, file }),
  }
}

function judge(
  lines: readonly KnownHostLine[],
  name: string,
  key: Buffer,
  { host, port, file }: HostKeyOptions & { readonly file: string },
): LifeboatError | undefined {
  const print = `${keyType(key)} ${fingerprint(key)}`
  const refuse = (reason: string, hint: string) =>
    new LifeboatError('sink-denied', `unable to trust SSH host '${name}': ${reason}`, {
      hint,
      details: { host: name, fingerprint: fingerprint(key), keyType: keyType(key) },
    })
  const result = judgeHostKey(lines, name, key)
  switch (result.verdict) {
    case 'known':
      return undefined
    case 'revoked':
      return refuse(
        `its key ${print} is revoked in ${result.where}`,
        'Somebody may stand in for this host with a stolen key: ask who revoked it, and do not connect until then.',
      )
    case 'changed':
      return refuse(
        `IT SHOWS ANOTHER KEY THAN THE ONE IN ${result.where}: ${print}`,
        `Somebody may be listening in; only if you know why the key changed: ssh-keygen -f ${shellQuote(file)} -R ${shellQuote(name)}, then add the new one.`,
      )
    case 'unknown': {
      const scan = `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}-t ${scanType(keyType(key))} ${shellQuote(host)} >> ${shellQuote(file)}`
      const authority = result.onlyAuthority
        ? ' (only a certificate authority is known for it, and host certificates are not supported)'
        : ''
      return refuse(
        `its key ${print} is not known${authority}`,
        `Compare that fingerprint with the server's own (there: ssh-keygen -lf /etc/ssh/ssh_host_${scanType(keyType(key))}_key.pub), then add it: ${scan}`,
      )
    }
  }
}

function scanType(type: string): string {
  return type.startsWith('ecdsa-') ? 'ecdsa' : type.replace('ssh-', '')
}

async function readLines(file: string, named: boolean): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT' && !named) return ''
    throw new LifeboatError(
      'sink-denied',
      `unable to read known hosts '${file}': ${(thrown as Error).message}`,
      {
        hint: 'Name a file that holds the key of the host: …?known-hosts=FILE (one line as ssh-keyscan prints it).',
        cause: thrown,
      },
    )
  }
}
