import { getServers, Resolver } from 'node:dns/promises'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import { orAborted } from '../core/until-aborted.ts'
import type { ResolverAnswer, ResolverPort } from '../runbooks/ports/resolver.ts'

const ANSWER_MS = 3_000

/** Resolvers over DNS itself. In a VPC the machine's own is Amazon's, which alone answers for private zones. */
export function createResolver(): ResolverPort {
  return {
    async answers(name, type, servers, signal) {
      throwIfAborted(signal)
      const asked = servers.length === 0 ? getServers() : servers
      return await Promise.all(asked.map((server) => ask(server, name, type, signal)))
    },
  }
}

async function ask(server: string, name: string, type: string, signal: AbortSignal): Promise<ResolverAnswer> {
  const resolver = new Resolver({ timeout: ANSWER_MS, tries: 1 })
  try {
    resolver.setServers([server])
    const values = await orAborted(look(resolver, name, type), signal)
    return { server, values: values.map((value) => value.replace(/\.$/, '').toLowerCase()) }
  } catch (thrown) {
    throwIfAborted(signal)
    return { server, values: [], fault: codeOf(thrown) ?? messageOf(thrown) }
  } finally {
    resolver.cancel()
  }
}

function look(resolver: Resolver, name: string, type: string): Promise<string[]> {
  switch (type) {
    case 'CNAME':
      return resolver.resolveCname(name)
    case 'AAAA':
      return resolver.resolve6(name)
    default:
      return resolver.resolve4(name)
  }
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
