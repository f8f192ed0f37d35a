import type { AccountList } from '../core/accounts.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { World } from './world.ts'

const LIFTING = 'SET GLOBAL read_only = OFF'

const USUAL_ACCOUNTS: AccountList = {
  accounts: [{ name: 'app@%', grants: ['SELECT ON `shop`.*', 'may log in'] }],
  limits: [],
}

/** The databases themselves, which may answer where their control plane is dead. */
export function createDatabase(world: World): DatabasePort {
  const at = (name: string, kind: 'read' | 'change', signal: AbortSignal, host: string) =>
    world.call(`database:${name}`, 'database', kind, signal, () => world.databases.get(host))
  return {
    async look({ host }, write, signal) {
      const state = await at('look', 'read', signal, host)
      const ok = state !== undefined
      const rungs = ['dns', 'tcp', 'tls', 'login', 'read'] as const
      const writes = !write
        ? ({ rung: 'write', outcome: 'skipped', tookMs: 0 } as const)
        : state === 'writable'
          ? ({ rung: 'write', outcome: 'ok', tookMs: 3 } as const)
          : ({
              rung: 'write',
              outcome: ok ? 'failed' : 'skipped',
              reason: state ?? 'not reached',
              tookMs: 3,
            } as const)
      return {
        addresses: ok ? ['192.0.2.10'] : [],
        rungs: [
          ...rungs.map((rung, index) =>
            ok
              ? ({ rung, outcome: 'ok', tookMs: 5 } as const)
              : ({
                  rung,
                  outcome: index === 0 ? 'failed' : 'skipped',
                  reason: 'ENOTFOUND',
                  tookMs: 5,
                } as const),
          ),
          writes,
        ],
      }
    },
    writable: async ({ host }, signal) => (await at('writable', 'read', signal, host)) ?? 'unreachable',
    async fence({ host }, statements, signal) {
      const state = await world.call('database:fence', 'database', 'change', signal, () => {
        const before = world.databases.get(host)
        if (before !== undefined) world.databases.set(host, 'read-only')
        return before
      })
      return state === undefined ? { done: [], failed: statements } : { done: statements, failed: [] }
    },
    async planFence({ host }, signal) {
      const state = await at('planFence', 'read', signal, host)
      const open = state === 'writable'
      return state === undefined
        ? undefined
        : {
            client: 'mysql',
            statements: open ? ['SET GLOBAL read_only = ON'] : [],
            undo: open ? [LIFTING] : [],
            sessions: "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST",
            limits: ['read_only is gone when the server restarts.'],
          }
    },
    async planUnfence({ host }, signal) {
      const state = await at('planUnfence', 'read', signal, host)
      if (state === undefined) return undefined
      return state === 'read-only' ? { standing: [LIFTING], lifted: [] } : { standing: [], lifted: [LIFTING] }
    },
    async unfence({ host }, undo, signal) {
      await world.call('database:unfence', 'database', 'change', signal, () => {
        if (world.databases.has(host) && undo.length > 0) world.databases.set(host, 'writable')
      })
    },
    async newest({ host }, _query, signal) {
      return (await at('newest', 'read', signal, host)) === undefined
        ? undefined
        : world.time.clock.now().toISOString()
    },
    async accounts({ host }, signal) {
      if ((await at('accounts', 'read', signal, host)) === undefined) return { unknown: 'no answer' }
      return world.accounts.get(host) ?? USUAL_ACCOUNTS
    },
  }
}
