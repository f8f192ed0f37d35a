import type { Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook } from './aws-cli.ts'
import type { KmsKey } from './ports/kms.ts'
import type { CloudPorts } from './ports.ts'

/** Before hours of copying: is the key of the target region one that RDS can use? */
export function keyCheck(
  region: string,
  name: string,
  guards: string,
  /** Where something is under this key already, AWS's own does as well. */
  isInUse = false,
): Step<CloudPorts> {
  return {
    id: 'check-key',
    title: `look at key ${name} of ${region}`,
    effect: 'read',
    guards,
    command: () => [aws(region, 'kms', 'describe-key', { 'key-id': name })],
    check: () =>
      awsCheck(
        ...([region, 'kms', 'describe-key', { 'key-id': name }] as const),
        'KeyMetadata.[KeyState,KeyManager,KeySpec,KeyUsage]',
        `Enabled ${isInUse ? '…' : 'CUSTOMER'} SYMMETRIC_DEFAULT ENCRYPT_DECRYPT`,
      ),
    permissions: () => [mayLook('kms:DescribeKey')],
    async observe({ target }, signal) {
      const key = await target.kms.key(name, signal)
      const owned = isInUse && key?.managedBy === 'aws' ? { ...key, managedBy: 'customer' as const } : key
      const wrong = wrongWith(owned, name, region)
      if (key === undefined || wrong !== undefined) {
        return {
          ...{ state: 'blocked', reason: wrong ?? '' },
          hint: isInUse
            ? 'Enable that key, or cancel its deletion: what lies under it can not be read without it.'
            : `Name another with --kms-key: enabled, symmetric, customer-managed, of ${region}.`,
        }
      }
      return { state: 'done', seen: { key: key.arn, multiRegion: key.multiRegion } }
    },
    apply: () => Promise.resolve(),
  }
}

/** Why RDS can't use it, as far as a look at the key tells. */
export function wrongWith(key: KmsKey | undefined, name: string, region: string): string | undefined {
  if (key === undefined) {
    const [, , , elsewhere] = name.split(':')
    return elsewhere !== undefined && elsewhere !== region
      ? `it is a key of ${elsewhere}: a copy is encrypted with one of ${region}`
      : `${region} has no such key`
  }
  if (key.state === 'PendingDeletion') return `it will be deleted ${key.deletion?.toISOString() ?? 'soon'}`
  if (key.state === 'PendingImport') return 'its key material has not been imported'
  if (!key.enabled || key.state !== 'Enabled') return `its state is ${key.state}`
  if (key.spec !== 'SYMMETRIC_DEFAULT') return `its spec is ${key.spec}, and RDS takes symmetric ones only`
  if (key.usage !== 'ENCRYPT_DECRYPT') return `its usage is ${key.usage}`
  if (key.managedBy === 'aws')
    return 'AWS manages it: what it encrypts can not be shared, nor its policy changed'
  return undefined
}
