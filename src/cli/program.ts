import { Command, CommanderError } from 'commander'
import { version } from '../config/version.ts'
import { LifeboatError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { assessCommand } from './assess.ts'
import { auditCommand } from './audit.ts'
import { configCommand } from './config.ts'
import { cutoverCommand } from './cutover.ts'
import { doctorCommand } from './doctor.ts'
import { drillCommand } from './drill.ts'
import { dumpCommand } from './dump.ts'
import { inventoryCommand } from './inventory.ts'
import { keepCommand } from './keep.ts'
import { keygenCommand } from './keygen.ts'
import { listCommand } from './list.ts'
import { migrateCommand } from './migrate.ts'
import { pruneCommand } from './prune.ts'
import { reportCommand } from './report.ts'
import { restoreCommand } from './restore.ts'
import { scheduleCommand } from './schedule.ts'
import { verifyCommand } from './verify.ts'

/** In the order of the help. The tests of the documents read it too. */
export const VERBS = [
  dumpCommand,
  listCommand,
  restoreCommand,
  verifyCommand,
  drillCommand,
  reportCommand,
  pruneCommand,
  keepCommand,
  inventoryCommand,
  doctorCommand,
  keygenCommand,
  configCommand,
  scheduleCommand,
  assessCommand,
  migrateCommand,
  cutoverCommand,
  auditCommand,
]

/** Parses and runs; resolves with the exit code. Throws LifeboatErrors of `usage` only: verbs print their own. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const done = (code: number) => {
    exitCode = code
  }
  const program = new Command('lifeboat')
    .description(
      'Gets databases out of a failing region, and proves that they arrived: ' +
        'dumps a server, encrypted, to a folder, bucket or SSH host, and restores it into a fresh one.',
    )
    .version(version)
    .usage('<verb> [options]')
    .helpOption('-h, --help', 'show this, or the help of a verb')
    .addHelpText(
      'after',
      `
Start with:
  lifeboat keygen --name backups --out ~/keys --passphrase prompt:
  lifeboat doctor --from DATABASE-URL --to SINK-URL --recipient ~/keys/backups.pub.asc
  lifeboat dump --help

Exit codes: 0 done, 1 our bug, 2 usage, 3 configuration, 10-14 database and tools,
20-23 sink, 30-32 keys and integrity, 40-44 refused or timed out, 130/143 stopped.`,
    )
  for (const create of VERBS) program.addCommand(create(done))
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ outputError: () => undefined })
      .allowExcessArguments(false)
    command.configureHelp({ sortOptions: false, showGlobalOptions: false })
  }
  if (argv.length === 0)
    throw usage('unable to start: no verb was given', 'Type lifeboat --help to see what there is.')
  refuseSwallowed(program, argv)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    if (thrown.exitCode === 0) return 0
    const verb = program.commands.find((command) => command.name() === argv[0])
    throw fromCommander(thrown, argv[0], verb?.options.flatMap(({ long }) => long ?? []) ?? [])
  }
  return exitCode
}

/** Commander takes whatever follows as an option's value: `--from --json` would be a database called `--json`. */
function refuseSwallowed(program: Command, argv: readonly string[]): void {
  const verb = program.commands.find((command) => command.name() === argv[0])
  for (const [index, word] of argv.entries()) {
    const taking = verb?.options.find((option) => option.required && option.long === word)
    if (taking === undefined || !argv[index + 1]?.startsWith('--')) continue
    throw usage(
      `unable to read the command: option '${taking.flags}' argument missing`,
      `Write its value behind ${word}; lifeboat ${argv[0]} --help shows examples.`,
    )
  }
}

/** Commander's `error: unknown option '--form'\n(Did you mean --from?)`, in our form. */
function fromCommander(
  thrown: CommanderError,
  verb: string | undefined,
  options: readonly string[],
): LifeboatError {
  const [first = '', ...rest] = thrown.message.replace(/^error: /, '').split('\n')
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1] ?? likelyOption(first, options)
  const known = verb !== undefined && !verb.startsWith('-') && thrown.code !== 'commander.unknownCommand'
  const help = `Type lifeboat ${known ? `${verb} ` : ''}--help to see what there is.`
  const meant = suggestion === undefined ? '' : `Did you mean ${suggestion}? `
  const several =
    thrown.code === 'commander.excessArguments' ? 'Repeat an option for each of its values. ' : ''
  return usage(`unable to read the command: ${withoutValue(first)}`, `${meant}${several}${help}`)
}

/** Commander compares `--pasword=hunter2` as a whole, and finds nothing like it. */
function likelyOption(message: string, options: readonly string[]): string | undefined {
  const name = /^unknown option '(--[^'=]+)/.exec(message)?.[1]
  return name === undefined ? undefined : nearest(name, options)
}

/** `--pasword=hunter2` is an unknown option whose value may be a secret. */
function withoutValue(message: string): string {
  return message.replace(/^(unknown option '[^'=]*)=.*$/s, "$1'")
}

function usage(message: string, hint: string): LifeboatError {
  return new LifeboatError('usage', message, { hint })
}
