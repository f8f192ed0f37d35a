import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms'
import type { KmsKey, KmsPort } from '../runbooks/ports/kms.ts'
import { given, known, texts } from './answer.ts'
import { type Api, type ApiSettings, type CallOptions, createApi } from './api.ts'
import { parseArn } from './arn.ts'
import { classify } from './classify.ts'
import { ifThere } from './if-there.ts'
import { allPages, eachOf } from './pages.ts'

export function openKms(settings: ApiSettings): { readonly port: KmsPort; readonly api: Api<KMSClient> } {
  const api = createApi(settings, (client) => new KMSClient(client))
  return { port: createKms(api), api }
}

function createKms(api: Api<KMSClient>): KmsPort {
  return {
    async key(name, signal) {
      const region = parseArn(name)?.region
      if (region !== undefined && region !== api.region) return undefined
      const deed = { operation: 'kms:DescribeKey', to: `look at key '${name}'` }
      return await ifThere(
        api.call(deed, signal, async (kms, at) => {
          const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: name }), at)
          const found = given(KeyMetadata, 'KeyMetadata')
          return keyOf(found, await aliasesOf(kms, found.KeyId, at))
        }),
      )
    },

    async keys(signal) {
      const deed = { operation: 'kms:ListKeys', to: `list the keys of ${api.region}` }
      return await api.call(deed, signal, async (kms, at) => {
        const aliases = await aliasesOf(kms, undefined, at)
        const found = await allPages(async (Marker) => {
          const page = await kms.send(new ListKeysCommand({ Marker }), at)
          return { items: page.Keys, next: page.NextMarker }
        })
        return await eachOf(found, async ({ KeyId, KeyArn }) => {
          const id = given(KeyId, 'KeyId')
          return await describe(kms, { id, arn: given(KeyArn, 'KeyArn') }, aliases, at)
        })
      })
    },

    async policy(keyId, signal) {
      const deed = { operation: 'kms:GetKeyPolicy', to: `read the policy of key '${keyId}'` }
      const command = new GetKeyPolicyCommand({ KeyId: keyId, PolicyName: 'default' })
      return await api.call(deed, signal, async (kms, at) =>
        given((await kms.send(command, at)).Policy, 'Policy'),
      )
    },

    async createKey({ description, policy, tags }, signal) {
      const deed = { operation: 'kms:CreateKey', to: `create a key in ${api.region}` }
      const command = new CreateKeyCommand({
        Description: description,
        Policy: policy,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
      })
      return await api.call(deed, signal, async (kms, at) => {
        const { KeyMetadata } = await kms.send(command, at)
        return { id: given(KeyMetadata?.KeyId, 'KeyId'), arn: given(KeyMetadata?.Arn, 'Arn') }
      })
    },

    async createAlias({ alias, keyId }, signal) {
      const deed = { operation: 'kms:CreateAlias', to: `create alias '${alias}'` }
      const command = new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyId })
      await api.call(deed, signal, (kms, at) => kms.send(command, at))
    },

    async tags(keyId, signal) {
      const deed = { operation: 'kms:ListResourceTags', to: `list the tags of key '${keyId}'` }
      const found = await api.call(deed, signal, (kms, at) =>
        allPages(async (Marker) => {
          const page = await kms.send(new ListResourceTagsCommand({ KeyId: keyId, Marker }), at)
          return { items: page.Tags, next: page.NextMarker }
        }),
      )
      return Object.fromEntries(
        found.map(({ TagKey, TagValue }) => [given(TagKey, 'TagKey'), TagValue ?? '']),
      )
    },
  }
}

interface Alias {
  readonly name: string
  readonly keyId: string | undefined
}

/** An alias that AWS has made beforehand names no key until that is used first. */
async function aliasesOf(kms: KMSClient, KeyId: string | undefined, at: CallOptions): Promise<Alias[]> {
  const found = await allPages(async (Marker) => {
    const page = await kms.send(new ListAliasesCommand({ KeyId, Marker }), at)
    return { items: page.Aliases, next: page.NextMarker }
  })
  return found.map(({ AliasName = '', TargetKeyId }) => ({ name: AliasName, keyId: TargetKeyId }))
}

/** A key whose own policy forbids the look is in the list too: it is there, and can't be used. */
async function describe(
  kms: KMSClient,
  { id, arn }: { readonly id: string; readonly arn: string },
  aliases: readonly Alias[],
  at: CallOptions,
): Promise<KmsKey> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: id }), at)
    return keyOf(given(KeyMetadata, 'KeyMetadata'), aliases)
  } catch (thrown) {
    if (classify(thrown) !== 'denied') throw thrown
    const unseen = { KeyId: id, Arn: arn, KeyState: undefined, Enabled: false }
    return { ...keyOf(unseen, aliases), state: 'AccessDenied' }
  }
}

function keyOf(from: KeyMetadata, aliases: readonly Alias[]): KmsKey {
  return {
    id: given(from.KeyId, 'KeyId'),
    arn: given(from.Arn, 'Arn'),
    enabled: from.Enabled ?? false,
    state: from.KeyState ?? '',
    managedBy: from.KeyManager === 'AWS' ? 'aws' : 'customer',
    spec: from.KeySpec ?? '',
    usage: from.KeyUsage ?? '',
    multiRegion: from.MultiRegion ?? false,
    aliases: texts(aliases.filter(({ keyId }) => keyId === from.KeyId).map(({ name }) => name)),
    ...known({ description: from.Description, deletion: from.DeletionDate }),
  }
}
