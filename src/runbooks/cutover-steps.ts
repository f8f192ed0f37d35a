import type { Observation, Step } from '../core/runbook.ts'
import type { CutoverOptions } from './cutover-options.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'
import { plainHost } from './read-endpoint.ts'
import type { RecordChange } from './record-change.ts'

const POLL_MS = 15_000
/** Beyond the old TTL: Route 53's servers take up to a minute, and a resolver may be a little late. */
const GRACE_SECONDS = 180

/** Clients must not be sent to where nothing takes what they write. */
export function targetCheck(to: Endpoint, isAccepted: boolean, guards: string): Step<CloudPorts> {
  const where = `${to.host}:${to.port}`
  return {
    id: 'check-target',
    title: `make sure that ${where} takes writes`,
    effect: 'read',
    guards,
    command: () => [],
    check: () => undefined,
    permissions: () => [],
    async observe({ database }, signal): Promise<Observation> {
      const state = await database.writable(to, signal)
      if (state === 'writable') return { state: 'done', seen: { target: state } }
      // It answers at its port, and there is no account to ask further with.
      if (state === 'unknown')
        return { state: 'done', reason: 'it answers; nobody could log in to try', seen: { target: state } }
      const reason = state === 'read-only' ? 'it is read-only' : 'it is not reachable from here'
      if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { target: state } }
      return {
        ...{ state: 'blocked', reason },
        hint: 'Promote it, or open its security group for this machine; --accept unseen-target switches all the same.',
      }
    },
    apply: () => Promise.resolve(),
  }
}

/** Resolvers hold the old answer for its TTL; then each has to give the new one. Bounded by what that can take. */
export function resolversAgree(
  change: RecordChange,
  id: string,
  { resolvers }: CutoverOptions,
): Step<CloudPorts> {
  const { name, type, ttlSeconds = 300, setIdentifier } = change.before
  const wanted = change.after.values.map(plainHost)
  const old = change.before.values.map(plainHost)
  // Where several records have the name, any of them may be the answer; else only the new one is right.
  const isStale = (values: readonly string[]) =>
    setIdentifier === undefined
      ? !values.some((value) => wanted.includes(plainHost(value)))
      : values.some((value) => old.includes(plainHost(value)))
  const mostLooks = Math.ceil(((ttlSeconds + GRACE_SECONDS) * 1000) / POLL_MS)
  let looks = 0
  return {
    id,
    title:
      setIdentifier === undefined
        ? `wait until resolvers answer ${wanted.join(' ')} for ${name}`
        : `wait until no resolver answers ${old.join(' ')} for ${name}`,
    effect: 'read',
    pollMs: POLL_MS,
    usualMs: (ttlSeconds + 60) * 1000,
    command: () => [],
    check: () => undefined,
    permissions: () => [],
    async observe({ resolver }, signal): Promise<Observation> {
      const answers = await resolver.answers(name, type, resolvers, signal)
      const heard = answers.filter(({ values }) => values.length > 0)
      const stale = heard.filter(({ values }) => isStale(values))
      const silent = answers.filter(({ values }) => values.length === 0)
      const seen = Object.fromEntries(
        answers.map(({ server, values, fault }) => [server, values.join(' ') || (fault ?? 'no answer')]),
      )
      looks += 1
      if (stale.length > 0) {
        const reason = `still the old answer at ${stale.map(({ server }) => server).join(', ')}`
        if (looks <= mostLooks) return { state: 'running', reason }
        return {
          ...{ state: 'blocked', reason: `${reason}, after its TTL of ${ttlSeconds} s and more`, seen },
          hint: 'Route 53 has the new answer: flush that resolver or restart it, and look whether another zone of that name hides this one.',
        }
      }
      if (heard.length === 0) {
        if (looks <= 4) return { state: 'running', reason: 'no resolver answers for it yet' }
        const where = change.private
          ? 'a private zone is answered only inside its VPCs'
          : 'look from elsewhere'
        return { state: 'done', reason: `no resolver here answers for it: ${where}`, seen }
      }
      const reason =
        silent.length === 0
          ? {}
          : { reason: `no answer from ${silent.map(({ server }) => server).join(', ')}` }
      return { state: 'done', ...reason, seen }
    },
    apply: () => Promise.resolve(),
  }
}
