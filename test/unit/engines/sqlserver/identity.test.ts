import { describe, expect, test } from 'vitest'
import type { Probe } from '../../../../src/core/engine.ts'
import type { ServerIdentity } from '../../../../src/core/manifest.ts'
import { compareIdentity } from '../../../../src/engines/sqlserver/identity.ts'

const probeOf = (identity: ServerIdentity): Probe => ({
  flavour: 'Microsoft SQL Server',
  serverVersion: '16.0',
  identity,
  tools: [],
  databases: [],
  findings: [],
})

const source: ServerIdentity = { name: 'n1', started: 's1', msdb: 'm1', databases: 'a b' }

describe('whether two servers are one', () => {
  test.each<[string, ServerIdentity, ServerIdentity, string]>([
    ['itself', source, source, 'same'],
    ['itself after a restart', source, { ...source, started: 's2' }, 'same'],
    [
      'itself after a restart, with one database more',
      source,
      { ...source, started: 's2', databases: 'a b c' },
      'same',
    ],
    ['itself, its databases dropped since', source, { ...source, databases: '' }, 'same'],
    [
      'another name with the same databases: a copy, or a failover',
      source,
      { ...source, name: 'n2', started: 's2' },
      'unsure',
    ],
    [
      'another name without databases',
      source,
      { name: 'n2', started: 's2', msdb: 'm1', databases: '' },
      'different',
    ],
    [
      'another name with databases of its own',
      source,
      { name: 'n2', started: 's2', databases: 'x' },
      'different',
    ],
    [
      'the same name, started later, with other databases',
      source,
      { ...source, started: 's2', databases: 'x' },
      'unsure',
    ],
    [
      'the same name with another msdb',
      source,
      { ...source, started: 's2', msdb: 'm2', databases: '' },
      'different',
    ],
    [
      'an empty server, started later under the same name',
      { name: 'n1', started: 's1', databases: '' },
      { name: 'n1', started: 's2', databases: '' },
      'unsure',
    ],
    [
      'two empty ones of other names and starts',
      { name: 'n1', started: 's1', databases: '' },
      { name: 'n2', started: 's2', databases: '' },
      'different',
    ],
  ])('%s', (_name, recorded, now, verdict) => {
    const sameness = compareIdentity(recorded, probeOf(now))
    expect(sameness.verdict).toBe(verdict)
    expect(sameness.reason).not.toBe('')
  })
})
