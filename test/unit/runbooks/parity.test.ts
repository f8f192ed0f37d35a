import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareParity, PARITY_CHECKS, type ParityCheck } from '../../../src/runbooks/parity.ts'
import { type Posture, readPosture } from '../../../src/runbooks/posture.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import { createWorld } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const rule = (peer: string) => ({ groupId: 'sg-1', protocol: 'tcp', fromPort: 3306, toPort: 3306, peer })
const strong: Posture = {
  ...{ encrypted: true, public: false, tlsForced: true, deletionProtection: true, backupDays: 7 },
  ...{ logExports: ['error'], iamAuthentication: true, parameters: { require_secure_transport: '1' } },
  inbound: [rule('10.0.0.0/16')],
}
const weaknesses: readonly [ParityCheck, Partial<Posture>][] = [
  ['encryption', { encrypted: false }],
  ['public-access', { public: true }],
  ['tls-forced', { tlsForced: false }],
  ['security-groups', { inbound: [rule('10.0.0.0/16'), rule('0.0.0.0/0')] }],
  ['security-groups', { inbound: [rule('::/0')] }],
  ['security-groups', { inbound: [rule('10.0.0.0/8')] }],
  ['deletion-protection', { deletionProtection: false }],
  ['backup-retention', { backupDays: 6 }],
  ['log-exports', { logExports: ['slowquery'] }],
  ['iam-authentication', { iamAuthentication: false }],
  ['parameters', { parameters: {} }],
  ['parameters', { parameters: { require_secure_transport: '0' } }],
]
const compare = (source: Partial<Posture>, target: Partial<Posture>, accepted: readonly ParityCheck[] = []) =>
  compareParity(source, { known: target, unknown: { inbound: 'denied' } }, accepted)
const weaker = (source: Posture, target: Posture, accepted: readonly ParityCheck[] = []) =>
  compare(source, target, accepted).filter(({ state }) => state === 'failed')

test.each(weaknesses)('%s: %j is weaker, and stronger the other way round', (check, weakness) => {
  const target = { ...strong, ...weakness }
  expect(weaker(strong, target).map((row) => row.name)).toEqual([check])
  expect(weaker(strong, target, [check])).toEqual([])
  expect(compare(strong, target, [check]).find(({ name }) => name === check)?.state).toBe('accepted')
  const others = PARITY_CHECKS.filter((name) => name !== check)
  expect(weaker(strong, target, others)).toHaveLength(1)
  if (check !== 'parameters' && check !== 'log-exports') expect(weaker(target, strong)).toEqual([])
})

test('nothing is weaker than itself, and every check has its row', () => {
  const posture = fc.record({
    ...{ encrypted: fc.boolean(), public: fc.boolean(), tlsForced: fc.boolean() },
    ...{ deletionProtection: fc.boolean(), iamAuthentication: fc.boolean(), backupDays: fc.nat(35) },
    inbound: fc.array(fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', 'sg-1', 'pl-1', 'fd00::/8').map(rule)),
    logExports: fc.array(fc.constantFrom('error', 'audit')),
    parameters: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('0', '1')),
  })
  fc.assert(
    fc.property(posture, (one) => {
      expect(weaker(one, one)).toEqual([])
      expect(compare(one, one).map(({ name }) => name)).toEqual(PARITY_CHECKS)
    }),
  )
})

test('what is not known of the source is unknown; what can not be seen of the target fails', () => {
  const { inbound: _, ...unseen } = strong
  const rows = compare({ ...unseen, inbound: strong.inbound }, unseen)
  expect(rows.filter(({ state }) => state !== 'ok')).toEqual([
    {
      ...{ name: 'security-groups', state: 'failed', found: 'could not be looked at: denied' },
      ...{ source: '10.0.0.0/16', accept: 'security-groups' },
    },
  ])
  expect(compare(strong, unseen, ['security-groups']).some(({ state }) => state === 'failed')).toBe(false)
  const unknown = compare({ encrypted: true }, strong)
  expect(unknown.filter(({ state }) => state === 'unknown').map(({ name }) => name)).toEqual(
    PARITY_CHECKS.filter((name) => name !== 'encryption'),
  )
})

describe('what AWS says', () => {
  async function postureOf(engine: string, engineVersion: string, value?: string) {
    const world = createWorld()
    furnish(world, {
      source: 'eu-west-1',
      target: 'eu-central-1',
      db: 'shop',
      kind: 'instance',
      engine,
      engineVersion,
    })
    const state = world.region('eu-west-1')
    const group = state.parameterGroups.get('instance/tuned')
    if (group === undefined) throw new Error('the scene has no parameter group')
    const parameters =
      value === undefined ? [] : [{ name: 'rds.force_ssl', value, apply: 'immediate' as const }]
    if (engine === 'postgres') state.parameterGroups.set('instance/tuned', { ...group, parameters })
    const { source } = simulatedPorts(world, 'eu-west-1', 'eu-central-1')
    const database = await source.rds.instance('shop', signal)
    if (database === undefined) throw new Error('the scene has no database')
    return (await readPosture({ kind: 'instance', database }, source, 'throws', signal)).known
  }

  test('is read from the instance, its groups and its parameters', async () => {
    expect(await postureOf('mysql', '8.0.40')).toMatchObject({
      ...{ encrypted: true, public: false, tlsForced: true, backupDays: 7, logExports: ['error'] },
      inbound: [{ peer: '10.0.0.0/16' }],
    })
  })

  test.each([
    ['14.10', undefined, false],
    ['14.10', '1', true],
    ['16.4', undefined, true],
    ['16.4', '0', false],
  ])('PostgreSQL %s with rds.force_ssl %s forces TLS: %s', async (version, value, forced) => {
    expect((await postureOf('postgres', version, value)).tlsForced).toBe(forced)
  })
})
