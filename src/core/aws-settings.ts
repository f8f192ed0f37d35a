/** What the environment says of AWS, as far as the SDK will heed it: settings, and of keys only whether there are any. */
export interface AwsSettings {
  readonly profile: string | undefined
  readonly region: string | undefined
  readonly credentialsFile: string
  readonly configFile: string
  readonly hasKey: boolean
  readonly hasSessionToken: boolean
  /** AWS_CREDENTIAL_EXPIRATION. */
  readonly expires: string | undefined
  readonly hasWebIdentity: boolean
  readonly hasContainer: boolean
  readonly metadataDisabled: boolean
}
