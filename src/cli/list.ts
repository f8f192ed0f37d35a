import { Command } from 'commander'
import type { CatalogEntry } from '../app/catalog.ts'
import { helpTail, need, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { summarise } from './summary.ts'
import { readTrust } from './trust.ts'

interface ListOptions {
  readonly at?: string
  readonly job?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly config?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

export function listCommand(done: (exitCode: number) => void): Command {
  return new Command('list')
    .summary('show the backups at a sink')
    .description(
      'Shows the backups at a sink, oldest first. What was cut off is not a backup and is not shown.',
    )
    .option(
      '--at <sink-url>',
      'where they are: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path',
    )
    .addOption(option.job().default(undefined, 'all'))
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .addOption(option.config())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          "lifeboat list --at 's3://bucket/db?region=eu-central-1'",
          'lifeboat list --at file:///backups --job shop --json',
        ],
        [
          [0, 'listed, even if there was nothing to list'],
          ['20-22', 'sink denied; not found; unavailable'],
        ],
      ),
    )
    .action(async (options: ListOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => list(options, context)))
    })
}

async function list(options: ListOptions, context: VerbContext): Promise<Outcome> {
  const at = need(options.at, '--at', 'the sink', 'file:///path, s3://bucket/prefix or ssh://user@host/path')
  const [{ openSink }, { listBackups }, { checkJobName }] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/catalog.ts'),
    import('../core/backup-layout.ts'),
  ])
  const job = options.job === undefined ? undefined : checkJobName(options.job)
  await using sink = await openSink(at, context.sinkContext(options))
  const { trust } = await readTrust(options, context)
  const entries = await listBackups(sink, job, context.signal, trust)
  for (const { id, problem, trusted } of entries) {
    if (problem === undefined) continue
    const is = trusted === false ? 'not trusted' : 'damaged'
    context.reporter.warn({ message: `backup ${id} is ${is}: ${problem}`, hint: 'use another one' })
  }
  if (entries.length === 0) {
    const what = job === undefined ? 'no backups' : `no backups of job '${job}'`
    context.reporter.say(`${what} at ${sink.name}`)
  }
  return {
    text: entries.length === 0 ? '' : await toTable(entries),
    json: (warnings) => ({ sink: sink.name, backups: entries.map(toJson), warnings }),
  }
}

function toJson({ id, job, manifest, problem, signedBy }: CatalogEntry): object {
  return manifest === undefined
    ? { id, job, usable: false, problem }
    : { ...summarise(manifest), usable: true, signedBy: signedBy?.fingerprint ?? null }
}

async function toTable(entries: readonly CatalogEntry[]): Promise<string> {
  const [{ table }, { showBytes }] = await Promise.all([import('./table.ts'), import('./amounts.ts')])
  const rows = entries.map(({ id, job, manifest, trusted }) => {
    if (manifest === undefined) {
      return [id, job, trusted === false ? 'not trusted' : 'damaged', '', '', '']
    }
    const { server, plainBytes, storedBytes, encrypted } = summarise(manifest)
    const name = `${server.flavour} ${server.version}`
    return [id, job, name, showBytes(plainBytes), showBytes(storedBytes), encrypted ? 'yes' : 'NO']
  })
  return table(
    [
      { title: 'ID' },
      { title: 'JOB', limit: 12 },
      { title: 'SERVER', limit: 18 },
      { title: 'SIZE', align: 'right' },
      { title: 'STORED', align: 'right' },
      { title: 'ENC' },
    ],
    rows,
  )
}
