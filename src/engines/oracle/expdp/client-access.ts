import type { DatabaseUrl } from '../../../core/database-url.ts'
import type { EngineContext } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { createPrivateFolder } from '../../../core/private-folder.ts'
import { findTool, runTool, type ToolCommand } from '../../../core/tool.ts'
import { explainText } from '../failures.ts'
import type { OracleOptions } from '../url-options.ts'
import type { ClientOptions } from './client-options.ts'
import { CONNECT_ALIAS, connectFiles } from './connect-files.ts'
import { parameterText, userid } from './parameter-file.ts'

export type ClientName = 'expdp' | 'impdp' | 'exp' | 'imp'

/** All that is needed to run a client program of Oracle's. */
export interface ClientSetting {
  readonly url: DatabaseUrl
  readonly options: OracleOptions
  readonly client: ClientOptions
  readonly context: EngineContext
}

/** A run of one tool: its command, and the folder in which its files lie until it is disposed of. */
export interface ClientRun extends AsyncDisposable {
  readonly tool: ToolCommand
  readonly folder: string
}

export async function findClient(
  name: ClientName,
  context: EngineContext,
): Promise<readonly [string, ...string[]]> {
  const given = context.commands?.[name]
  if (given !== undefined) return given
  const found = await findTool([name], context.searchPath)
  if (found !== undefined) return [found]
  throw new LifeboatError('tool-missing', `unable to find '${name}': it is not on PATH`, {
    hint: `Install Oracle's client tools (Instant Client's package "Tools" brings ${name}) and put them on PATH, or leave out layout=expdp, which needs no client.`,
  })
}

/** `Export: Release 19.0.0.0.0 - Production on …` heads its help, whatever the language of the rest. */
export async function clientVersion(
  name: ClientName,
  context: EngineContext,
  signal: AbortSignal,
): Promise<string> {
  const command = await findClient(name, context)
  const tool = { name, command, args: ['help=y'], env: CLIENT_ENVIRONMENT }
  const text = await runTool({ ...tool, command: ['/bin/sh', '-c', '"$@" 2>&1', 'sh', ...command] }, signal)
  return /Release (\d+(?:\.\d+)+)/.exec(text)?.[1] ?? 'unknown'
}

/** Logs are read by their words, so they must be English; AL32UTF8 loses no letter of any database. */
const CLIENT_ENVIRONMENT = { NLS_LANG: 'AMERICAN_AMERICA.AL32UTF8' } as const

/**
 * Prepares a run. Account and parameters go by a file of mode 0600 in a private folder, never by the command line, where
 * the account could be read by everybody.
 */
export async function openClient(
  name: ClientName,
  setting: ClientSetting,
  parametersFor: (folder: string) => Readonly<Record<string, string | undefined>>,
): Promise<ClientRun> {
  const { url, options, client, context } = setting
  const command = await findClient(name, context)
  const password = client.alias === undefined ? await context.password?.() : undefined
  const folder = await createPrivateFolder()
  try {
    const env: Record<string, string> = { ...CLIENT_ENVIRONMENT }
    if (client.alias === undefined) {
      const files = await connectFiles(url, options)
      for (const [file, text] of Object.entries(files)) await folder.file(file, text)
      env.TNS_ADMIN = folder.path
    }
    const account =
      client.alias === undefined ? userid(url.user, password, CONNECT_ALIAS) : `/@${client.alias}`
    const path = await folder.file(
      'parameters',
      parameterText({ userid: account, ...parametersFor(folder.path) }),
    )
    return {
      folder: folder.path,
      tool: {
        name,
        command,
        args: [`parfile=${path}`],
        env,
        secrets: password === undefined ? [] : [password],
        explain: (stderr) =>
          /\b(?:ORA|UDE|UDI|EXP|IMP)-\d{5}/.test(stderr) ? explainText(stderr) : undefined,
      },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    }
  } catch (thrown) {
    await folder[Symbol.asyncDispose]()
    throw thrown
  }
}
