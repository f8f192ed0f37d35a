import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AwsSettings } from '../../../../src/core/aws-settings.ts'
import { type CredentialsKind, findCredentials } from '../../../../src/sinks/s3/credentials-kind.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-credentials-'))
  await writeFile(
    join(folder, 'config'),
    `
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 2

[profile assumed]
role_arn = arn:aws:iam::1:role/x
source_profile = fixed
[profile sso]
sso_session = corp
region=ap-south-1
[profile signed-in]
login_session = arn:aws:iam::1:user/x
[profile by-program]
credential_process = "/opt/my tool" --secret x
[sso-session corp]
sso_start_url = https://example.com
`,
  )
  await writeFile(
    join(folder, 'credentials'),
    `
[fixed]
aws_access_key_id = A
aws_secret_access_key = B
[temporary]
aws_access_key_id = A
aws_secret_access_key = B
aws_session_token = C
aws_expiration = 2026-02-03T04:05:06Z
[half]
aws_access_key_id = A
`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

const fixed: CredentialsKind = { kind: 'static', from: "profile 'fixed'" }
const imds = {
  kind: 'service',
  from: 'the instance',
  service: 'the instance metadata service (IMDS)',
} as const

test.for<[string, Partial<AwsSettings>, string | undefined, CredentialsKind]>([
  ['a key in the environment', { hasKey: true }, undefined, { kind: 'static', from: 'the environment' }],
  [
    'one with a token',
    { hasKey: true, hasSessionToken: true, expires: '2026-01-02T03:04:05Z' },
    undefined,
    { kind: 'session', from: 'the environment', expires: new Date('2026-01-02T03:04:05Z') },
  ],
  ['a profile, which wins over a key', { hasKey: true, profile: 'fixed' }, undefined, fixed],
  ['a profile of the URL, which wins over another', { profile: 'sso' }, 'fixed', fixed],
  [
    'a temporary key of a profile',
    {},
    'temporary',
    { kind: 'session', from: "profile 'temporary'", expires: new Date('2026-02-03T04:05:06Z') },
  ],
  ['a role to assume', {}, 'assumed', { kind: 'service', from: "profile 'assumed'", service: 'STS' }],
  ['single sign-on', {}, 'sso', { kind: 'service', from: "profile 'sso'", service: 'IAM Identity Center' }],
  ['a login', {}, 'signed-in', { kind: 'service', from: "profile 'signed-in'", service: 'AWS sign-in' }],
  [
    'a program',
    {},
    'by-program',
    { kind: 'process', from: "profile 'by-program'", command: '"/opt/my tool" --secret x' },
  ],
  ['a profile that is not there', { hasContainer: true }, 'nobody', { kind: 'none' }],
  ['half a key', {}, 'half', { kind: 'none' }],
  [
    'a web identity',
    { hasWebIdentity: true },
    undefined,
    { kind: 'service', from: 'AWS_WEB_IDENTITY_TOKEN_FILE', service: 'STS' },
  ],
  [
    'a container',
    { hasContainer: true },
    undefined,
    { kind: 'service', from: 'the container', service: "the container's credential service" },
  ],
  ['nothing at all', {}, undefined, imds],
  ['nothing, and no metadata', { metadataDisabled: true }, undefined, { kind: 'none' }],
])('%s', async ([, change, profile, expected]) => {
  const aws: AwsSettings = {
    profile: undefined,
    region: undefined,
    credentialsFile: join(folder, 'credentials'),
    configFile: join(folder, 'config'),
    hasKey: false,
    hasSessionToken: false,
    expires: undefined,
    hasWebIdentity: false,
    hasContainer: false,
    metadataDisabled: false,
    ...change,
  }
  const found = await findCredentials(aws, profile)
  expect(found.credentials).toEqual(expected)
  expect(found.region).toBe({ default: 'eu-west-1', sso: 'ap-south-1' }[profile ?? aws.profile ?? 'default'])
  const elsewhere = {
    ...aws,
    credentialsFile: join(folder, 'none'),
    configFile: join(folder, 'none'),
    region: 'x',
  }
  expect((await findCredentials(elsewhere, profile)).region).toBe('x')
})
