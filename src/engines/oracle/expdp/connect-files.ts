import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseUrl } from '../../../core/database-url.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { readService } from '../url-options.ts'

/** The name that the tools are given; what it stands for is in the tnsnames.ora beside it. */
export const CONNECT_ALIAS = 'LIFEBOAT'

const DEFAULT_PORT = 1521

/**
 * The files of a TNS_ADMIN of our own: a descriptor inside `userid=` would have its brackets read as a list by exp and
 * imp.
 */
export async function connectFiles(
  url: DatabaseUrl,
  given: { readonly sid: string | undefined; readonly wallet: string | undefined },
): Promise<Readonly<Record<'tnsnames.ora' | 'sqlnet.ora', string>>> {
  const service = readService(url)
  const data =
    given.sid === undefined
      ? service === undefined
        ? ''
        : `(SERVICE_NAME=${service})`
      : `(SID=${given.sid})`
  const address = `(ADDRESS=(PROTOCOL=${url.tls === 'disable' ? 'TCP' : 'TCPS'})(HOST=${dialled(url)})(PORT=${url.connect?.port ?? url.port ?? DEFAULT_PORT}))`
  const descriptor = `(DESCRIPTION=(CONNECT_TIMEOUT=20)${address}(CONNECT_DATA=${data})${await security(url, given.wallet)})`
  return {
    'tnsnames.ora': `${CONNECT_ALIAS}=${descriptor}\n`,
    'sqlnet.ora': [
      'NAMES.DIRECTORY_PATH=(TNSNAMES)',
      // Older clients know these here only.
      ...(url.tls === 'disable'
        ? []
        : [
            `WALLET_LOCATION=(SOURCE=(METHOD=FILE)(METHOD_DATA=(DIRECTORY=${given.wallet})))`,
            `SSL_SERVER_DN_MATCH=${url.tls === 'verify-full' ? 'YES' : 'NO'}`,
          ]),
      '',
    ].join('\n'),
  }
}

function dialled(url: DatabaseUrl): string {
  const host = url.connect?.host ?? url.host ?? ''
  if (/^[\w.:%-]+$/.test(host)) return host
  throw new LifeboatError('usage', `unable to name host '${host}' to Oracle's tools: it is no host name`, {
    hint: 'Write the host as letters, digits, dots and hyphens.',
  })
}

async function security(url: DatabaseUrl, wallet: string | undefined): Promise<string> {
  if (url.tls === 'disable') return ''
  if (url.connect !== undefined && url.tls === 'verify-full') {
    throw new LifeboatError(
      'unsupported',
      "unable to verify the server's name: Oracle's tools compare the certificate with the address that they dial",
      {
        hint: "Leave out connect= and let the host's name resolve (/etc/hosts), use layout=datapump, or tls=verify-ca.",
      },
    )
  }
  if (wallet === undefined || !(await isThere(join(wallet, 'cwallet.sso')))) {
    throw new LifeboatError(
      'config',
      `unable to use TLS with Oracle's tools: ${wallet === undefined ? 'no wallet was given' : `there is no cwallet.sso in '${wallet}'`}`,
      {
        hint: 'They read authorities from a wallet only: make one (orapki wallet create -auto_login, orapki wallet add -trusted_cert) and name its folder by wallet=, use layout=datapump, or tls=disable if the network between is trusted.',
      },
    )
  }
  if (!/^[\w./ -]+$/.test(wallet)) {
    throw new LifeboatError('usage', `unable to use wallet '${wallet}': its path holds special characters`, {
      hint: 'Name it by a path of letters, digits, dots, hyphens and slashes.',
    })
  }
  const match = url.tls === 'verify-full' ? 'YES' : 'NO'
  return `(SECURITY=(MY_WALLET_DIRECTORY=${wallet})(SSL_SERVER_DN_MATCH=${match}))`
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    // Not there, or closed to us: the message above says which file is looked for.
    return false
  }
}
