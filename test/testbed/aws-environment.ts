import { vi } from 'vitest'

/** Until `vi.unstubAllEnvs()`: credentials that a fake takes, and no look at this machine's own or at an instance's metadata. */
export function stubAwsEnvironment(credentials: Readonly<Record<string, string | undefined>> = {}): void {
  const variables: Readonly<Record<string, string | undefined>> = {
    AWS_ACCESS_KEY_ID: 'lifeboat',
    AWS_SECRET_ACCESS_KEY: 'not-so-secret',
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: undefined,
    ...credentials,
  }
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}
