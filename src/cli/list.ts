import { Command } from 'commander'
import type { CatalogEntry } from '../app/catalog.ts'
import type { Verified } from '../core/verified.ts'
import { helpTail, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
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
      '--at <sink>',
      'where they are: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
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
  const address = await sinkAddress(options.at, '--at', options, context)
  const [{ openSink }, { listBackups }, { showVerifiedRecords }, { checkJobName }] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/catalog.ts'),
    import('../app/verified-record.ts'),
    import('../core/backup-layout.ts'),
  ])
  const job = options.job === undefined ? undefined : checkJobName(options.job)
  await using sink = await openSink(address.url, address.context)
  const { trust } = await readTrust(options, context, ['signers'])
  const entries = await listBackups(sink, job, context.signal, trust)
  const usable = entries.filter(({ manifest }) => manifest !== undefined)
  const { onEvent } = context.reporter
  const records = await showVerifiedRecords({ sink, onEvent }, usable, context.signal)
  const verifiedOf: VerifiedOf = ({ job: name, id }) => records.get(`${name}/${id}`)
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
    text: entries.length === 0 ? '' : await toTable(entries, verifiedOf),
    json: (warnings) => ({
      sink: sink.name,
      backups: entries.map((entry) => toJson(entry, verifiedOf(entry))),
      warnings,
    }),
  }
}

type VerifiedOf = (entry: CatalogEntry) => Verified | undefined

function toJson(
  { id, job, manifest, problem, signedBy }: CatalogEntry,
  verified: Verified | undefined,
): object {
  return manifest === undefined
    ? { id, job, usable: false, problem }
    : {
        ...summarise(manifest),
        usable: true,
        signedBy: signedBy?.fingerprint ?? null,
        verifiedAt: verified?.at ?? null,
        verifiedLevel: verified?.level ?? null,
      }
}

async function toTable(entries: readonly CatalogEntry[], verifiedOf: VerifiedOf): Promise<string> {
  const [{ table }, { showBytes }] = await Promise.all([import('./table.ts'), import('./amounts.ts')])
  const rows = entries.map((entry) => {
    const { id, job, manifest, trusted } = entry
    if (manifest === undefined) {
      return [id, job, trusted === false ? 'not trusted' : 'damaged', '', '', '', '']
    }
    const { server, plainBytes, storedBytes, encrypted } = summarise(manifest)
    const name = `${server.flavour} ${server.version}`
    const level = verifiedOf(entry)?.level ?? 'never'
    return [id, job, name, showBytes(plainBytes), showBytes(storedBytes), encrypted ? 'yes' : 'NO', level]
  })
  return table(
    [
      { title: 'ID' },
      { title: 'JOB', limit: 12 },
      { title: 'SERVER', limit: 14 },
      { title: 'SIZE', align: 'right' },
      { title: 'STORED', align: 'right' },
      { title: 'ENC' },
      { title: 'VERIFIED' },
    ],
    rows,
  )
}
