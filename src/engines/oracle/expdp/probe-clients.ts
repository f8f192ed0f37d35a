import { createHash } from 'node:crypto'
import type { EngineContext, Probe } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { Finding } from '../../../core/finding.ts'
import type { ToolVersion } from '../../../core/manifest.ts'
import { type ClientName, type ClientSetting, clientVersion } from './client-access.ts'
import { ownersOf } from './exp-dump.ts'

/** Whether the tools are there, and which. */
export async function lookAtClients(
  names: readonly ClientName[],
  context: EngineContext,
  signal: AbortSignal,
): Promise<{ readonly tools: readonly ToolVersion[]; readonly findings: readonly Finding[] }> {
  const tools: ToolVersion[] = []
  const findings: Finding[] = []
  for (const name of names) {
    try {
      const version = await clientVersion(name, context, signal)
      tools.push({ name, vendor: 'Oracle', version })
      findings.push({ level: 'ok', topic: 'tools', message: `${name} ${version}` })
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof LifeboatError)) throw thrown
      findings.push({
        level: 'failure',
        topic: 'tools',
        code: thrown.code,
        message: thrown.message,
        ...(thrown.hint !== undefined && { hint: thrown.hint }),
      })
    }
  }
  return { tools, findings }
}

/**
 * For tool=exp: the server may be too old for the driver, and the tool itself can be asked nothing but for a dump. So
 * this looks at the tool and the address alone.
 */
export async function probeExp(setting: ClientSetting, signal: AbortSignal): Promise<Probe> {
  const { url, context, client } = setting
  const owners = ownersOf(setting)
  const { tools, findings } = await lookAtClients(['exp'], context, signal)
  const address =
    client.alias ?? `${url.host}:${url.port ?? 1521}/${url.database ?? setting.options.sid ?? ''}`
  return {
    flavour: 'Oracle',
    serverVersion: 'unknown',
    identity: { address: createHash('sha256').update(address).digest('hex').slice(0, 32) },
    tools,
    databases: owners.map((name) => ({ name })),
    findings: [
      ...findings,
      {
        level: 'warning',
        topic: 'server',
        message: 'nothing is known of the server before the dump: the original Export answers no questions',
        hint: 'Take layout=datapump for Oracle 12.1 and later: it checks privileges, room and what would be left out.',
      },
      {
        level: 'warning',
        topic: 'not captured',
        message:
          'users, roles, tablespaces, types newer than Oracle 10: the original Export does not take them',
        notCaptured: 'users, roles, tablespaces, public objects',
        hint: 'Create the users and their tablespaces at the target before a restore.',
      },
    ],
  }
}
