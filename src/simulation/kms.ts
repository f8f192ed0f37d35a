import { createHash } from 'node:crypto'
import type { KmsPort } from '../runbooks/ports/kms.ts'
import { found, mustBeNew } from './checks.ts'
import type { World } from './world.ts'

export function createKms(world: World, region: string): KmsPort {
  const state = world.region(region)
  const on = (operation: string) => ({ operation: `kms:${operation}`, state, world })
  const named = (name: string) =>
    [...state.keys.values()].find(
      ({ id, arn, aliases }) => id === name || arn === name || aliases.includes(name),
    )
  const publicly = ({ policy: _, tags: __, ...key }: NonNullable<ReturnType<typeof named>>) => key
  return {
    key: (name, signal) =>
      world.call('kms:DescribeKey', region, 'read', signal, () => {
        const key = named(name)
        return key === undefined ? undefined : publicly(key)
      }),
    keys: (signal) =>
      world.call('kms:ListKeys', region, 'read', signal, () => [...state.keys.values()].map(publicly)),
    policy: (keyId, signal) =>
      world.call(
        'kms:GetKeyPolicy',
        region,
        'read',
        signal,
        () => found(on('GetKeyPolicy'), named(keyId), keyId).policy,
      ),
    tags: (keyId, signal) =>
      world.call(
        'kms:ListResourceTags',
        region,
        'read',
        signal,
        () => found(on('ListResourceTags'), named(keyId), keyId).tags,
      ),
    createKey: ({ description, policy, tags }, signal) =>
      world.call('kms:CreateKey', region, 'change', signal, () => {
        // A key of one region has no namesake in another.
        const seed = createHash('sha256').update(`${region}/${state.keys.size}`).digest('hex')
        const id = `${seed.slice(0, 8)}-${seed.slice(8, 12)}-4${seed.slice(13, 16)}-8${seed.slice(17, 20)}-${seed.slice(20, 32)}`
        const arn = `arn:aws:kms:${region}:${world.account}:key/${id}`
        state.keys.set(id, {
          ...{ id, arn, description, policy, tags, enabled: true, state: 'Enabled', managedBy: 'customer' },
          ...{ spec: 'SYMMETRIC_DEFAULT', usage: 'ENCRYPT_DECRYPT', multiRegion: false, aliases: [] },
        })
        return { id, arn }
      }),
    createAlias: ({ alias, keyId }, signal) =>
      world.call('kms:CreateAlias', region, 'change', signal, () => {
        mustBeNew(on('CreateAlias'), named(alias) !== undefined, alias)
        const key = found(on('CreateAlias'), named(keyId), keyId)
        key.aliases = [...key.aliases, alias]
      }),
  }
}
