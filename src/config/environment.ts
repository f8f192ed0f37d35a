import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'

/** All that lifeboat takes from the environment, read once: nothing else looks at process.env. */
export interface Environment {
  /** Folders in which tools are looked for. */
  readonly searchPath: string
  readonly home: string
  /** Where runs remember what they have begun, for a later one to clear away after them. Throws `config`. */
  readonly stateFolder: string
  readonly agentSocket: string | undefined
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
