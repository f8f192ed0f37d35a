import { describe, expect, test } from 'vitest'
import { heedMigrationPolicy, type MigrationPolicy } from '../../../../src/app/policy/heed-migration.ts'
import {
  gatherMigrationFacts,
  type MigrationFactsRequest,
} from '../../../../src/app/policy/migration-facts.ts'
import type { RunEvent } from '../../../../src/app/run-event.ts'
import { planRunbook } from '../../../../src/app/run-runbook.ts'
import { loadWay } from '../../../../src/app/ways.ts'
import type { WayFlags } from '../../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { furnish, SCENE, type SceneOptions } from '../../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const landing = {
  ...{ targetId: 'shop-new', subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
  securityGroup: [SCENE.securityGroup(regions.target)],
}
const key = { kmsKey: SCENE.keyAlias }

interface Scene {
  readonly flags?: WayFlags
  readonly scene?: Partial<SceneOptions>
  readonly prepare?: (world: World) => void
}

async function planned(name: string, { flags, scene, prepare }: Scene = {}): Promise<MigrationFactsRequest> {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance', ...scene })
  prepare?.(world)
  const { clock } = world.time
  const ports = simulatedPorts(world, regions.source, regions.target)
  const way = await loadWay(name)
  const run = { id: '20261122T210500Z-k3f9' }
  const plan = await planRunbook(
    { way, flags: { ...regions, db: ['shop'], ...landing, ...flags }, ports, run, clock },
    signal,
  )
  const none = { rtoMs: undefined, rpoMs: undefined, lossMs: undefined }
  return { ...plan, ...none, ports, clock, login: true, audit: true }
}

const facts = async (name: string, scene?: Scene, but: Partial<MigrationFactsRequest> = {}) =>
  gatherMigrationFacts({ ...(await planned(name, scene)), ...but }, signal)
const known = <T>(value: T) => ({ known: true, value })

describe('what the rules look at', () => {
  test('encrypted all the way, verified, compared, with what is to be expected', async () => {
    expect(await facts('copy-snapshot', { flags: key })).toMatchObject({
      snapshots: [{ name: 'lifeboat-20261122t210500z-k3f9-copy', encrypted: known(true) }],
      ...{ encrypted: known(true), verifiesCopies: true, audit: true },
      ...{ comparesAuditLogging: known(true), comparesGrants: known(true) },
      expected: known({ minMs: expect.any(Number), maxMs: expect.any(Number) }),
      lossMs: known(expect.any(Number)),
    })
  })

  test('a plain database that is taken as it is', async () => {
    const plain = { scene: { encrypted: false }, flags: { accept: ['unencrypted'] } }
    for (const name of [
      'copy-snapshot',
      'restore-snapshot',
      'restore-replicated-backup',
      'promote-replica',
    ]) {
      expect(await facts(name, plain), name).toMatchObject({
        snapshots: [{ encrypted: known(false) }],
        encrypted: known(false),
      })
    }
  })

  test('a plain snapshot that a key encrypts on the way', async () => {
    const mended = { scene: { encrypted: false }, flags: key }
    for (const name of ['copy-snapshot', 'restore-snapshot'])
      expect(await facts(name, mended), name).toMatchObject({
        snapshots: [{ encrypted: known(true) }],
        encrypted: known(true),
      })
  })

  test('a plain cluster whose copy Aurora can not encrypt', async () => {
    const cluster = {
      scene: { kind: 'cluster', global: 'none', encrypted: false } as const,
      flags: { ...key, accept: ['unencrypted-copy'] },
    }
    expect(await facts('copy-snapshot', cluster)).toMatchObject({
      snapshots: [{ encrypted: known(false) }],
      encrypted: known(true),
    })
  })

  test('a secondary is asked, and its lag; in an emergency nobody is', async () => {
    const cluster = { scene: { kind: 'cluster' } as const }
    expect(await facts('aurora-failover', cluster)).toMatchObject({
      ...{ encrypted: known(true), lossMs: known(expect.any(Number)) },
    })
    expect(await facts('aurora-failover', cluster, { ports: undefined })).toMatchObject({
      encrypted: { known: false, reason: 'an emergency waits for no answer' },
      lossMs: { known: false },
    })
  })

  test('the lag of a replica, or that nobody knows it', async () => {
    expect((await facts('promote-replica', { scene: { lagSeconds: 40 } })).lossMs).toEqual(known(40_000))
    const stopped = { scene: { lagSeconds: -1 } }
    expect((await facts('promote-replica', stopped)).lossMs).toEqual({
      known: false,
      reason: 'AWS does not say',
    })
  })

  test('of a run that goes on what was known when it began: a copy does not grow old on its way', async () => {
    expect((await facts('restore-snapshot', {}, { lossMs: 5_000 })).lossMs).toEqual(known(5_000))
    expect((await facts('restore-snapshot', {}, { lossMs: null })).lossMs).toMatchObject({ known: false })
  })

  test('a source that is dark: nothing to compare grants and audit logging with', async () => {
    const dark = (world: World) => {
      world.region(regions.source).dead = true
      for (const host of world.databases.keys())
        if (host.includes(regions.source)) world.databases.delete(host)
    }
    expect(await facts('promote-replica', { prepare: dark })).toMatchObject({
      ...{ comparesGrants: { known: false }, comparesAuditLogging: { known: false } },
    })
  })

  test('without a login nothing is verified by itself', async () => {
    expect((await facts('promote-replica', {}, { login: false })).verifiesCopies).toBe(false)
  })
})

describe('an emergency', () => {
  const policy: MigrationPolicy = {
    ...{ classification: 'regulated', classified: true, job: undefined, audit: false, emergency: true },
    ...{ rtoMs: undefined, rpoMs: undefined },
  }

  test('overrides what is not met, and says what', async () => {
    const told: RunEvent[] = []
    const subject = await planned('promote-replica')
    const record = await heedMigrationPolicy(policy, subject, (event) => told.push(event), signal)
    expect(record.emergency).toEqual({ overridden: ['audit', 'rto', 'rpo'] })
    expect(told).toEqual([expect.objectContaining({ kind: 'warning' })])
    const held = { ...policy, emergency: false }
    await expect(heedMigrationPolicy(held, subject, () => undefined, signal)).rejects.toMatchObject({
      code: 'policy',
    })
  })

  test('never drops encryption: a way refuses before any class is asked, unless that is taken by its name', async () => {
    const plain = { scene: { encrypted: false } }
    await expect(planned('copy-snapshot', plain)).rejects.toMatchObject({
      hint: expect.stringMatching(/--accept unencrypted/),
    })
  })
})
