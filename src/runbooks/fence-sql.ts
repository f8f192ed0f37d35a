import type { GateClient } from '../core/gate.ts'
import type { CliLine, Observation, Step } from '../core/runbook.ts'
import type { FenceFacts } from './fence-facts.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

/** Under this name the journal keeps what lifts a fence, before each time that something of it is put up. */
export const UNDO = 'undo'
/** And what of it could not be put up. */
export const FAILED = 'failed'

export function fenceBySql(
  { endpoint }: FenceFacts,
  { client, statements, sessions }: NonNullable<FenceFacts['sql']>,
): Step<CloudPorts> {
  let wanted: readonly string[] = []
  let failed: readonly string[] = []
  return {
    id: 'fence-sql',
    title: `lock accounts, set read-only and end sessions at ${endpoint.host}`,
    effect: 'switch',
    usualMs: 5_000,
    command: () => [...statements, sessions].map((statement) => clientLine(client, endpoint, statement)),
    check: () => undefined,
    permissions: () => [],
    async observe({ database }, signal): Promise<Observation> {
      const state = await database.writable(endpoint, signal)
      const seen = failed.length === 0 ? {} : { [FAILED]: JSON.stringify(failed) }
      if (state === 'read-only') return { state: 'done', seen: { ...seen, fenced: true } }
      if (state === 'unreachable') return { state: 'done', reason: 'it is not reachable from here', seen }
      if (state === 'unknown') return { state: 'done', reason: 'nobody could log in to do it', seen }
      // What it could not do, a security group may: the last step says whether anybody still writes.
      if (failed.length > 0) return { state: 'done', reason: `not by SQL alone: ${failed.join('; ')}`, seen }
      // Hours may lie between plan and confirmation, and what came since is neither overlooked nor left locked.
      const plan = await database.planFence(endpoint, signal)
      if (plan === undefined) return { state: 'done', reason: 'nobody could log in to do it', seen }
      wanted = plan.statements
      return {
        state: 'todo',
        reason: `${wanted.length} statements`,
        seen: { [UNDO]: JSON.stringify(plan.undo) },
      }
    },
    async apply({ database }, signal) {
      failed = (await database.fence(endpoint, wanted, signal)).failed
    },
  }
}

/** The stock program of the server; account and password are for whoever types it to add. sqlplus takes statements on stdin only. */
export function clientLine(client: GateClient, { host, port }: Endpoint, statement: string): CliLine {
  switch (client) {
    case 'psql':
      return { argv: ['psql', '--host', host, '--port', String(port), '--command', statement] }
    case 'sqlcmd':
      return { argv: ['sqlcmd', '-S', `${host},${port}`, '-Q', statement] }
    case 'sqlplus': {
      const login = `USER/PASSWORD@//${host}:${port}/SERVICE`
      return { argv: ['sh', '-c', `echo "$1;" | sqlplus -S -L ${login}`, 'sh', statement] }
    }
    case 'mysql': {
      // What a query prints is to be typed in its turn.
      const plain = /^SELECT /.test(statement) ? ['--batch', '--skip-column-names'] : []
      return { argv: ['mysql', '--host', host, '--port', String(port), ...plain, '--execute', statement] }
    }
  }
}
