import { LifeboatError } from '../../../core/errors.ts'
import { createPrivateFolder } from '../../../core/private-folder.ts'
import type { Secret } from '../../../core/secret.ts'
import { shellQuote } from '../../../core/shell-quote.ts'
import type { Server } from '../server-access.ts'
import type { BulkTool } from './bulk-tool.ts'

/** How one run of a FreeTDS tool reaches the server: nothing secret on its command line or in its environment. */
export interface FreetdsAccess extends AsyncDisposable {
  /** The tool, with the password on its stdin, as `-P -` wants it. */
  readonly command: readonly [string, ...string[]]
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secrets: readonly Secret[]
}

const SERVER_NAME = 'lifeboat'
/** The login packet has room for no more; FreeTDS says so by Msg 20042. */
const MAX_PASSWORD = 128

/** None of these may divert a tool, or write what passes over the connection into a log. */
const CLEARED = [
  ...['TDSVER', 'TDSPORT', 'TDSHOST', 'TDSQUERY', 'DSQUERY', 'TDSDUMP', 'TDSDUMPCONFIG', 'FREETDS'],
  ...['SYBASE', 'FREEBCP_DATEFMT'],
]

/**
 * `tdsVersion` decides in what form the newer date types come: 7.2 knows none of them, so the server sends its own text
 * with all digits, where FreeTDS would print what it has by way of milliseconds.
 */
export async function openFreetdsAccess(
  tool: BulkTool,
  server: Server,
  tdsVersion: '7.2' | '7.4',
): Promise<FreetdsAccess> {
  const { url, address, trust } = server
  if (url.tls === 'verify-full' && url.connect !== undefined) {
    throw new LifeboatError(
      'unsupported',
      "unable to run freebcp with tls=verify-full by way of another address: it can't be told the name in the certificate",
      { hint: 'Leave out tool=freebcp, or write tls=verify-ca.' },
    )
  }
  const secret = await server.password?.()
  const password = secret?.reveal() ?? ''
  if (password.length > MAX_PASSWORD || /[\r\n\0]/.test(password)) {
    throw new LifeboatError(
      'unsupported',
      'unable to hand over the password: freebcp takes one line of 128 characters',
      {
        hint: 'Leave out tool=freebcp, or change the password.',
      },
    )
  }
  const folder = await createPrivateFolder()
  try {
    const bundle = trust === undefined ? undefined : await folder.file('ca.pem', trust.join('\n'))
    const settings = [
      `host = ${url.tls === 'verify-full' ? address.host : address.address}`,
      `port = ${address.port}`,
      `tds version = ${tdsVersion}`,
      'client charset = UTF-8',
      `encryption = ${url.tls === 'disable' ? 'off' : 'require'}`,
      ...(bundle === undefined ? [] : [`ca file = ${bundle}`]),
      `check certificate hostname = ${url.tls === 'verify-full' ? 'yes' : 'no'}`,
      'connect timeout = 30',
    ]
    const lines = settings.map((line) => `\t${line}\n`).join('')
    const config = await folder.file('freetds.conf', `[${SERVER_NAME}]\n${lines}`)
    const passwordFile = await folder.file('password', `${password}\n`)
    return {
      // "$@" is all of the tool's words: sh only puts the file on its stdin and makes way.
      command: ['/bin/sh', '-c', `exec "$@" < ${shellQuote(passwordFile)}`, tool.name, ...tool.command],
      args: ['-S', SERVER_NAME, '-U', address.user, '-P', '-', '-C', 'UTF-8'],
      env: {
        ...Object.fromEntries(CLEARED.map((name) => [name, undefined])),
        FREETDSCONF: config,
        // What it says is read by us, and its charset must not depend on the operator's locale.
        LC_ALL: 'C.UTF-8',
      },
      secrets: secret === undefined ? [] : [secret],
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    }
  } catch (thrown) {
    await folder[Symbol.asyncDispose]()
    throw thrown
  }
}
