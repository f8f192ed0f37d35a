import { Argument, Command, Option } from 'commander'
import type { Classification } from '../core/classification.ts'
import { helpTail, option, parseDuration, several } from './options.ts'

export interface CutoverFlags {
  readonly source?: string
  readonly target?: string
  readonly from?: string
  readonly to?: string
  readonly record?: readonly string[]
  readonly resolver?: readonly string[]
  readonly template?: readonly string[]
  readonly service?: readonly string[]
  readonly failoverRecords?: boolean
  readonly of?: string
  readonly accept?: readonly string[]
  readonly acceptSplitBrain?: boolean
  readonly dryRun?: boolean
  readonly printPolicy?: boolean
  readonly confirm?: boolean
  readonly resume?: string
  readonly deadline?: number
  readonly simulate?: boolean
  readonly fault?: readonly string[]
  readonly login?: string
  readonly password?: string
  readonly job?: string
  readonly classification?: Classification
  readonly emergency?: boolean
  readonly audit?: string
  readonly profile?: string
  readonly at?: string
  readonly config?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
}

export function cutoverCommand(done: (exitCode: number) => void): Command {
  return new Command('cutover')
    .summary('send clients to the new database by DNS, and back')
    .description(
      'Finds every record in Route 53 that points at the old endpoint, in public and private zones. prepare lowers their TTLs ' +
        'beforehand; run switches them, each only if it is as it was found, and waits until resolvers agree; rollback puts ' +
        'back what a run has switched. It always says what else names the old endpoint, since DNS is never all.',
    )
    .addArgument(new Argument('<what>', 'what to do').choices(['prepare', 'run', 'rollback']))
    .option('--source <region>', 'region that is left')
    .option('--target <region>', 'region that is gone to')
    .option('--from <host:port>', 'endpoint of the old database, as the records have it')
    .option('--to <host:port>', 'endpoint of the new one')
    .addOption(
      several('--record <name>', 'only this one (default: all that point at --from); repeat for several'),
    )
    .addOption(several('--resolver <address>', 'that has to agree (default: those of this machine); repeat'))
    .addOption(several('--template <line>', 'to be printed with {host} and {port} of the new one; repeat'))
    .addOption(several('--service <name>', 'that has to be restarted, for the list that is printed; repeat'))
    .option(
      '--failover-records',
      'prepare: make pairs of failover records to --to, which switch without the control plane of Route 53',
    )
    .option('--of <run>', 'rollback: the run to undo')
    .option('--accept-split-brain', 'switch though the old database may still take writes')
    .addOption(several('--accept <danger>', 'take a danger by its name; repeat for several'))
    .option('--dry-run', 'show every step, with the line to type by hand; change nothing')
    .option('--print-policy', 'print the least IAM policy; change nothing')
    .option('--confirm', 'switch; without it the run stops before')
    .option('--resume <run>', 'go on with this run')
    .addOption(
      new Option('--deadline <time>', 'stop waiting after so long (default: 30m)').argParser(parseDuration),
    )
    .option('--simulate', 'rehearse in a cloud in memory')
    .addOption(several('--fault <fault>', 'in the simulation: dead:us-east-1, FAULT:OPERATION:TIMES'))
    .addOption(option.login())
    .addOption(option.password())
    .option('--job <name>', 'job of the configuration whose class holds')
    .addOption(option.classification())
    .addOption(option.emergency())
    .addOption(option.audit())
    .option('--profile <name>', 'of the AWS files')
    .option('--at <sink>', 'keep a copy of journal and report there')
    .addOption(option.config())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.logFormat())
    .addOption(option.logFile())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat cutover prepare --source eu-west-1 --target eu-central-1 --from OLD:3306',
          'lifeboat cutover prepare --source eu-west-1 --target eu-central-1 --from OLD:3306 --to NEW:3306 --failover-records',
          'lifeboat cutover run --source eu-west-1 --target eu-central-1 --from OLD:3306 --to NEW:3306 --confirm',
          'lifeboat cutover rollback --of 20261122T210500Z-k3f9 --confirm',
        ],
        [
          [0, 'done, or shown'],
          [40, 'another process is at this run'],
          [41, 'it switches: read what, then --resume RUN --confirm'],
          [42, 'a step failed, nothing points at --from, or Route 53 takes no changes'],
          [43, 'the deadline is over'],
          [44, 'the class of the database demands what is missing; --emergency overrides'],
        ],
      ),
    )
    .action(async (what: string, options: CutoverFlags) => {
      const [{ runVerb }, { cutover }] = await Promise.all([
        import('./run-verb.ts'),
        import('./cutover-run.ts'),
      ])
      done(await runVerb(options, (context) => cutover(what, options, context)))
    })
}
