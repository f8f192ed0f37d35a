import { execa } from 'execa'
import { expect, vi } from 'vitest'
import type { S3Container } from './containers/s3-container.ts'

interface Line {
  readonly line: string
}

/** As `--dry-run --json` prints it. */
export interface TypedPlan {
  readonly steps: readonly {
    readonly id: string
    readonly effect: string
    readonly commands: readonly Line[]
    readonly check: (Line & { readonly expect: string }) | null
  }[]
  readonly rollback: readonly string[]
}

/** Credentials that moto takes, and no look at this machine's own. */
export const MOTO_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'lifeboat',
  AWS_SECRET_ACCESS_KEY: 'not-so-secret',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** What lifeboat itself looks at is another test; and moto does not simulate policies, nor is role/ROLE anybody. */
const NOT_TYPED = ['lifeboat ', 'aws iam simulate-principal-policy ']

/** As a person does who has no lifeboat: a line after the other, each check until it prints what it should. */
export async function typeLines(
  { steps }: TypedPlan,
  moto: S3Container,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const assigned: Record<string, string> = {}
  const type = async (line: string) => {
    const [, name] = /^([A-Z][A-Z0-9_]*)=\$\(/.exec(line) ?? []
    const stdout = await typeLine(
      `${line}\n${name === undefined ? '' : `printf %s "$${name}"`}`,
      ...([moto, { ...env, ...assigned }] as const),
    )
    if (name !== undefined) assigned[name] = stdout
    return stdout
  }
  for (const { commands, check } of steps) {
    for (const { line } of commands) if (!NOT_TYPED.some((start) => line.startsWith(start))) await type(line)
    if (check === null) continue
    await vi.waitFor(async () => expect(await type(check.line)).toMatch(shapeOf(check.expect)), {
      ...{ timeout: 30_000, interval: 200 },
    })
  }
}

/** `aws` is the program of the container, and `mysql` logs in as `MYSQL_USER`: an account is for whoever types to add. */
export async function typeLine(
  line: string,
  moto: S3Container,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const programs = `aws() { ${moto.commands.aws.join(' ')} "$@"; }\nmysql() { command mysql --user "$MYSQL_USER" "$@"; }`
  const script = `${programs}\n${line}`
  const { stdout } = await execa('sh', ['-eu', '-c', script], { env: { ...env, PYTHONWARNINGS: 'ignore' } })
  return stdout
}

/** A blank stands for any white space, `…` for any text. */
function shapeOf(expected: string): RegExp {
  const words = expected.split(' ').map((word) =>
    word
      .split('…')
      .map((part) => part.replace(/[^\w\s]/g, '\\$&'))
      .join('.*'),
  )
  return new RegExp(`^\\s*${words.join('\\s+')}\\s*$`)
}
