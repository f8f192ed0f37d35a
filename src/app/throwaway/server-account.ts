import { readFile } from 'node:fs/promises'
import { LifeboatError } from '../../core/errors.ts'
import { findTool } from '../../core/find-tool.ts'

/** Who a server runs as, where that is not ourselves. */
export interface ServerAccount {
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root, and MySQL should not. Root becomes the account of the distribution's package by
 * setpriv(1), which is made for it; anybody else runs the server as himself.
 */
export async function findAccount(names: readonly string[]): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of names) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? []
    if (uid !== undefined && gid !== undefined && Number(uid) !== 0)
      return { uid: Number(uid), gid: Number(gid) }
  }
  throw new LifeboatError(
    'tool-missing',
    `unable to start a throwaway server as root: there is no account ${names.map((name) => `'${name}'`).join(' or ')}`,
    { hint: 'Run the drill as another user than root, name an account with --run-as, or use --container.' },
  )
}

/**
 * The command that runs a program as that account, and ends it as soon as the agent is gone: a change of user clears what
 * the kernel was asked before (prctl(2), PR_SET_PDEATHSIG), so it is asked again after it.
 */
export async function asAccount(
  account: ServerAccount | undefined,
  endWith: 'KILL' | 'QUIT',
  program: string,
): Promise<readonly [string, ...string[]]> {
  const setpriv = await findTool(['/usr/bin/setpriv', '/bin/setpriv'], '')
  if (setpriv === undefined) {
    if (account === undefined) return [program]
    throw new LifeboatError('tool-missing', "unable to find 'setpriv', by which root becomes another user", {
      hint: 'Install util-linux, or run the drill as another user than root.',
    })
  }
  const user =
    account === undefined ? [] : [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  return [setpriv, ...user, '--pdeathsig', endWith, '--', program]
}
