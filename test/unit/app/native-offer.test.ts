import { expect, test } from 'vitest'
import { nativeOffer, silentRegion } from '../../../src/app/native-offer.ts'
import { cloudFault } from '../../../src/core/cloud-fault.ts'

const flags = { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'] }
const LINE =
  'lifeboat migrate native --source eu-west-1 --target eu-central-1 --db shop --backups SINK --key FILE --security-group ID'

test('names the line of the native way where the target region may do it', () => {
  expect(nativeOffer('copy-snapshot', flags, undefined)).toContain(`needs only RDS of eu-central-1: ${LINE};`)
  expect(nativeOffer('copy-snapshot', flags, 'eu-west-1')).toContain(`${LINE} --inventory FILE;`)
})

test.each([
  ['copy-snapshot', 'eu-central-1'],
  ['native', undefined],
  ['native', 'eu-west-1'],
])('of %s with %s silent it names only what needs no AWS', (way, silent) => {
  const offer = nativeOffer(way, flags, silent)
  expect(offer).not.toContain('migrate native')
  expect(offer).toMatch(/^Where RDS of eu-central-1 gives no answer, .*lifeboat restore latest --from SINK/)
})

test.each(['fence', 'unfence', 'prepare', 'cutover run'])(
  '%s gets no database out: none is offered',
  (way) => {
    expect(nativeOffer(way, flags, 'eu-west-1')).toBe('Start it again once that answers.')
  },
)

test('the silent region is that of the call', () => {
  const facts = { operation: 'rds:DescribeDBInstances', region: 'eu-west-1' }
  expect(silentRegion(cloudFault('unavailable', 'no answer', facts))).toBe('eu-west-1')
  expect(silentRegion(new Error('x'))).toBeUndefined()
})
