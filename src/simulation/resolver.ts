import type { ResolverPort } from '../runbooks/ports/resolver.ts'
import type { World } from './world.ts'

/** Two resolvers that everybody asks all the time: each holds an old answer for as long as its TTL lets it. */
export function createResolver(world: World): ResolverPort {
  return {
    answers: (name, type, servers, signal) =>
      world.call('resolver:answers', 'resolver', 'read', signal, () => {
        const held = world.dnsCache.get(`${name}/${type}`)
        const records = [...world.zones.values()].flatMap((zone) => zone.records)
        const named = records.filter((record) => record.name === name && record.type === type)
        const isPair = named.some(({ routing }) => routing?.Failover === 'PRIMARY')
        const found = named.filter(({ routing }) => !isPair || routing?.Failover !== 'SECONDARY')
        const values =
          held !== undefined && held.untilMs > world.time.nowMs()
            ? held.values
            : found.flatMap((record) => record.values)
        return (servers.length === 0 ? ['10.0.0.2', '10.1.0.2'] : servers).map((server) => ({
          ...{ server, values },
          ...(values.length === 0 && { fault: 'ENOTFOUND' }),
        }))
      }),
  }
}
