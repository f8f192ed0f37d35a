import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { AwsSettings } from '../core/aws-settings.ts'
import { LifeboatError } from '../core/errors.ts'

/** All that lifeboat takes from the environment, read once: nothing else looks at process.env. */
export interface Environment {
  /** Folders in which tools are looked for. */
  readonly searchPath: string
  readonly home: string
  /** Where runs remember what they have begun, for a later one to clear away after them. Throws `config`. */
  readonly stateFolder: string
  readonly agentSocket: string | undefined
  /** What the AWS SDK, which reads it by itself, will find: for `doctor --offline`. No secret is in it. */
  readonly aws: AwsSettings
  /** LIFEBOAT_CONFIG. */
  readonly configFile: string | undefined
  /** Where systemd looks for the units of a person. */
  readonly userUnitFolder: string
  /** Where a configuration is looked for when nobody names one, in this order. */
  readonly configPlaces: readonly string[]
  readonly color: boolean
  /** LIFEBOAT_DEBUG: stacks of errors are shown. */
  readonly debug: boolean
  /**
   * Reads a variable and takes it out of the environment, so that no tool inherits a secret that is meant for lifeboat.
   * A variable may be named by several references: it is remembered.
   */
  take(name: string): string | undefined
  /** Whether it is set; its value stays where it is. */
  has(name: string): boolean
}

export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  const taken = new Map<string, string>()
  const home = filled(variables.HOME) ?? homedir()
  return {
    searchPath: filled(variables.PATH) ?? '/usr/local/bin:/usr/bin:/bin',
    home,
    get stateFolder() {
      return stateFolder(variables, home)
    },
    agentSocket: filled(variables.SSH_AUTH_SOCK),
    aws: readAws(variables, home),
    configFile: filled(variables.LIFEBOAT_CONFIG),
    userUnitFolder: join(configHome(variables, home), 'systemd', 'user'),
    configPlaces: [
      join(configHome(variables, home), 'lifeboat', 'lifeboat.yaml'),
      '/etc/lifeboat/lifeboat.yaml',
    ],
    color: filled(variables.NO_COLOR) === undefined,
    debug: filled(variables.LIFEBOAT_DEBUG) !== undefined,
    has: (name) => variables[name] !== undefined || taken.has(name),
    take(name) {
      const value = variables[name]
      if (value === undefined) return taken.get(name)
      taken.set(name, value)
      delete variables[name]
      return value
    },
  }
}

function readAws(variables: NodeJS.ProcessEnv, home: string): AwsSettings {
  const has = (name: string) => filled(variables[name]) !== undefined
  const disabled = filled(variables.AWS_EC2_METADATA_DISABLED)
  return {
    profile: filled(variables.AWS_PROFILE),
    region: filled(variables.AWS_REGION),
    credentialsFile: filled(variables.AWS_SHARED_CREDENTIALS_FILE) ?? join(home, '.aws', 'credentials'),
    configFile: filled(variables.AWS_CONFIG_FILE) ?? join(home, '.aws', 'config'),
    hasKey: has('AWS_ACCESS_KEY_ID') && has('AWS_SECRET_ACCESS_KEY'),
    hasSessionToken: has('AWS_SESSION_TOKEN'),
    expires: filled(variables.AWS_CREDENTIAL_EXPIRATION),
    hasWebIdentity: has('AWS_WEB_IDENTITY_TOKEN_FILE'),
    hasContainer: has('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI') || has('AWS_CONTAINER_CREDENTIALS_FULL_URI'),
    metadataDisabled: disabled !== undefined && disabled !== 'false',
  }
}

function stateFolder(variables: NodeJS.ProcessEnv, home: string): string {
  const own = filled(variables.LIFEBOAT_STATE_DIR)
  if (own !== undefined) {
    if (isAbsolute(own)) return own
    throw new LifeboatError(
      'config',
      `unable to use LIFEBOAT_STATE_DIR '${own}': it is not an absolute path`,
      {
        hint: 'Set it to a full path such as /var/lib/lifeboat, or unset it.',
      },
    )
  }
  // "All paths set in these environment variables must be absolute. If [not, ignore them]": XDG Base Directory 0.8.
  const xdg = filled(variables.XDG_STATE_HOME)
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.local', 'state'), 'lifeboat')
}

function configHome(variables: NodeJS.ProcessEnv, home: string): string {
  const xdg = filled(variables.XDG_CONFIG_HOME)
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.config')
}

function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
