import { expect, test } from 'vitest'
import type { Probe } from '../../../../src/core/engine.ts'
import { compareIdentity } from '../../../../src/engines/postgres/identity.ts'

const source = { systemIdentifier: '1', started: '10', address: 'aa', timeline: '1', recovery: 'false' }

test.each([
  ['another system identifier', { ...source, systemIdentifier: '2' }, 'different'],
  ['the very same', source, 'same'],
  ['restarted', { ...source, started: '20' }, 'same'],
  ['reached by another address', { ...source, address: 'bb' }, 'same'],
  ['a promoted copy elsewhere', { ...source, started: '20', address: 'bb', timeline: '2' }, 'different'],
  ['a standby', { ...source, started: '20', address: 'bb', recovery: 'true' }, 'unsure'],
  ['a copy or a moved server', { ...source, started: '20', address: 'bb' }, 'unsure'],
  ['one that tells nothing', { started: '20' }, 'unsure'],
])('%s', (_what, identity, verdict) => {
  expect(compareIdentity(source, { identity } as unknown as Probe).verdict).toBe(verdict)
})
