import { nameOf, RUN_TAG, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook } from './aws-cli.ts'
import type { LandingPlace } from './landing-security-steps.ts'
import type { KmsKey } from './ports/kms.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import type { PrepareFacts } from './prepare-facts.ts'

type Key = NonNullable<PrepareFacts['key']>

/** A key has no name of its own: until it has its alias it is found again by its description. */
export function createKey({ region, run }: LandingPlace, { alias, policy }: Key): Step<CloudPorts> {
  const description = nameOf(run, 'key')
  const tags = { [RUN_TAG]: run.id }
  return {
    id: 'create-key',
    title: `create a key in ${region}, with the policy of the source's`,
    effect: 'create',
    command: () => [
      {
        ...aws(region, 'kms', 'create-key', {
          ...{ 'key-spec': 'SYMMETRIC_DEFAULT', 'key-usage': 'ENCRYPT_DECRYPT' },
          ...{ description, policy, tags: `TagKey=${RUN_TAG},TagValue=${run.id}` },
          ...{ query: 'KeyMetadata.KeyId', output: 'text' },
        }),
        assign: 'KEY',
      },
    ],
    check: () =>
      awsCheck(
        ...([region, 'kms', 'describe-key', { 'key-id': '$KEY' }] as const),
        'KeyMetadata.KeyState',
        'Enabled',
      ),
    permissions: () => [
      mayLook('kms:DescribeKey', 'kms:ListKeys', 'kms:ListAliases', 'kms:CreateKey', 'kms:TagResource'),
    ],
    async observe({ target }, signal) {
      const found = await keyOf(target, alias, description, signal)
      return found === undefined ? { state: 'todo' } : { state: 'done', seen: { key: found.arn } }
    },
    async apply({ target: { kms } }, signal) {
      await kms.createKey({ description, policy, tags }, signal)
    },
  }
}

export function nameKey({ region, account, run }: LandingPlace, { alias }: Key): Step<CloudPorts> {
  const description = nameOf(run, 'key')
  return {
    id: 'name-key',
    title: `call the key ${alias}`,
    effect: 'create',
    command: () => [aws(region, 'kms', 'create-alias', { 'alias-name': alias, 'target-key-id': '$KEY' })],
    check: () =>
      awsCheck(
        ...([region, 'kms', 'describe-key', { 'key-id': alias }] as const),
        'KeyMetadata.KeyState',
        'Enabled',
      ),
    permissions: () => [
      mayLook('kms:DescribeKey'),
      {
        actions: ['kms:CreateAlias'],
        resources: [`arn:aws:kms:${region}:${account}:${alias}`, `arn:aws:kms:${region}:${account}:key/*`],
      },
    ],
    async observe({ target: { kms } }, signal) {
      const found = await kms.key(alias, signal)
      return found === undefined ? { state: 'todo' } : { state: 'done', seen: { key: found.arn } }
    },
    async apply({ target }, signal) {
      const key = await keyOf(target, alias, description, signal)
      if (key !== undefined) await target.kms.createAlias({ alias, keyId: key.id }, signal)
    },
  }
}

async function keyOf(
  { kms }: RegionPorts,
  alias: string,
  description: string,
  signal: AbortSignal,
): Promise<KmsKey | undefined> {
  return (
    (await kms.key(alias, signal)) ??
    (await kms.keys(signal)).find((key) => key.description === description && key.enabled)
  )
}
