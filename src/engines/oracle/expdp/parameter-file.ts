import { LifeboatError } from '../../../core/errors.ts'
import type { Secret } from '../../../core/secret.ts'

/**
 * The text of a `parfile=`: one parameter per line. Oracle Database Utilities, "PARFILE": "recommended if you are using
 * parameters whose values require the use of quotation marks"; a command line is for everybody to read besides.
 */
export function parameterText(parameters: Readonly<Record<string, string | undefined>>): string {
  const lines = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  const broken = lines.find((line) => /[\r\n]|\\$/.test(line))
  if (broken !== undefined) throw new Error(`a parameter of one line has two: ${broken.split('=', 1)[0]}`)
  return `${lines.join('\n')}\n`
}

/** `user/"password"@alias`. In quotes a password may hold anything but a quote, which Oracle allows in none. */
export function userid(user: string | undefined, password: Secret | undefined, alias: string): string {
  if (user === undefined) {
    throw new LifeboatError('usage', "unable to log in by Oracle's tools: the URL names no user", {
      hint: 'Write oracle://user@host:1521/SERVICE, or alias=NAME for an account of a wallet.',
    })
  }
  const secret = password?.reveal() ?? ''
  if (secret === '') {
    throw new LifeboatError('usage', `unable to log in '${user}' by Oracle's tools: no password was given`, {
      hint: 'Give it by --password env:NAME, file:PATH or prompt:, or use alias=NAME for an account of a wallet.',
    })
  }
  if (/["\r\n]/.test(secret)) {
    throw new LifeboatError(
      'config',
      `unable to log in '${user}' by Oracle's tools: the password holds a quote or a line break`,
      {
        hint: 'Oracle takes no such password: look for a stray line break at the end of the file that holds it.',
      },
    )
  }
  return `${clientName(user)}/"${secret}"@${alias}`
}

/** As in SQL where that is enough; else in quotes, which the name of a user keeps as it is. */
function clientName(name: string): string {
  return /^[A-Za-z][\w$#]*$/.test(name) ? name : `"${name}"`
}

/** A name in a list of a parameter file. Database Utilities, "TABLES": in a parameter file a case-sensitive name is '"Emp"'. */
export function listedName(...path: readonly string[]): string {
  const plain = path.every((name) => /^[A-Z][A-Z0-9_$#]*$/.test(name))
  if (plain) return path.join('.')
  const bad = path.find((name) => /["'\r\n]/.test(name))
  if (bad === undefined) return `'${path.map((name) => `"${name}"`).join('.')}'`
  throw new LifeboatError('unsupported', `unable to name '${bad}' to Oracle's tools: it holds a quote`, {
    hint: 'Use layout=datapump, which takes any name.',
  })
}
