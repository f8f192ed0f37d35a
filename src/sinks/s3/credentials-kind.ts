import { readFile } from 'node:fs/promises'
import type { AwsSettings } from '../../core/aws-settings.ts'

export type CredentialsKind =
  | { readonly kind: 'static'; readonly from: string }
  | { readonly kind: 'session'; readonly from: string; readonly expires: Date | undefined }
  | { readonly kind: 'process'; readonly from: string; readonly command: string }
  /** Fetched from a service, which has to answer each time that they expire. */
  | { readonly kind: 'service'; readonly from: string; readonly service: string }
  | { readonly kind: 'none' }

export interface FoundCredentials {
  readonly credentials: CredentialsKind
  /** Of the environment, or of the profile. */
  readonly region: string | undefined
}

/** In the order in which the SDK looks, but by reading alone: no service is asked, and no program is run. */
export async function findCredentials(aws: AwsSettings, profile?: string): Promise<FoundCredentials> {
  const name = profile ?? aws.profile
  const sections = await readProfiles(aws)
  const settings = sections.get(name ?? 'default')
  const region = aws.region ?? settings?.get('region')
  // A profile that is named wins over keys in the environment.
  if (name === undefined && aws.hasKey) {
    const from = 'the environment'
    const expires = readDate(aws.expires)
    return {
      region,
      credentials: aws.hasSessionToken ? { kind: 'session', from, expires } : { kind: 'static', from },
    }
  }
  const ofProfile = kindOfProfile(settings, `profile '${name ?? 'default'}'`)
  if (ofProfile !== undefined) return { region, credentials: ofProfile }
  if (name !== undefined) return { region, credentials: { kind: 'none' } }
  if (aws.hasWebIdentity) return { region, credentials: service('AWS_WEB_IDENTITY_TOKEN_FILE', 'STS') }
  if (aws.hasContainer)
    return { region, credentials: service('the container', "the container's credential service") }
  if (aws.metadataDisabled) return { region, credentials: { kind: 'none' } }
  return { region, credentials: service('the instance', 'the instance metadata service (IMDS)') }
}

function kindOfProfile(
  settings: ReadonlyMap<string, string> | undefined,
  from: string,
): CredentialsKind | undefined {
  if (settings === undefined) return undefined
  if (settings.has('role_arn')) return service(from, 'STS')
  if (settings.has('aws_access_key_id') && settings.has('aws_secret_access_key')) {
    if (!settings.has('aws_session_token')) return { kind: 'static', from }
    // What aws-vault, saml2aws, granted and others write beside the token.
    const names = ['aws_expiration', 'expiration', 'x_security_token_expires', 'aws_session_token_expiration']
    return { kind: 'session', from, expires: readDate(names.map((key) => settings.get(key)).find(Boolean)) }
  }
  if (settings.has('sso_session') || settings.has('sso_start_url'))
    return service(from, 'IAM Identity Center')
  if (settings.has('login_session')) return service(from, 'AWS sign-in')
  const command = settings.get('credential_process')
  return command === undefined ? undefined : { kind: 'process', from, command }
}

function service(from: string, name: string): CredentialsKind {
  return { kind: 'service', from, service: name }
}

function readDate(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Both files, merged by profile; `[profile x]` of the configuration is `[x]` of the credentials, which win. */
async function readProfiles({
  configFile,
  credentialsFile,
}: AwsSettings): Promise<Map<string, Map<string, string>>> {
  const profiles = new Map<string, Map<string, string>>()
  for (const [path, prefix] of [
    [configFile, 'profile '],
    [credentialsFile, ''],
  ] as const) {
    let here: Map<string, string> | undefined
    for (const line of (await readIfThere(path)).split('\n')) {
      const section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]
      if (section !== undefined) {
        const name = section.startsWith(prefix) ? section.slice(prefix.length).trim() : section
        here = profiles.get(name) ?? new Map()
        profiles.set(name, here)
        continue
      }
      // A line that begins with a space goes on with the setting before it: `s3 =` has some.
      const [, key, value] = /^([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      if (key !== undefined && value !== undefined) here?.set(key.toLowerCase(), value)
    }
  }
  return profiles
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw thrown
  }
}
