import { z } from 'zod'
import { CLASSIFICATIONS } from '../core/classification.ts'
import { messageOf } from '../core/errors.ts'
import { parseCron } from './cron-expression.ts'

/*
 * What lifeboat.yaml may hold. Every object is strict: a misspelt retention is no retention. The descriptions go into
 * docs/lifeboat.schema.json, which editors read.
 */

const names = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "letters, digits, '.', '_' and '-' only")
const path = z.string().min(1)
const reference = z
  .string()
  .regex(
    /^(env:.+|file:.+|prompt:.*)$/s,
    'a reference to the secret is expected: env:NAME, file:PATH or prompt:',
  )
  .describe('Where the secret is: env:NAME, file:PATH or prompt:. Never the secret itself.')
const duration = z
  .string()
  .regex(/^\d{1,6}(s|m|h|d)$/, 'a time is expected, like 90s, 10m, 26h or 30d')
  .describe('A time: 90s, 10m, 26h, 30d.')

const region = z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d$/, 'a region is expected, like eu-central-1')

const schedule = z
  .string()
  .check(({ value, issues }) => {
    try {
      parseCron(value)
    } catch (thrown) {
      issues.push({ code: 'custom', input: value, message: messageOf(thrown) })
    }
  })
  .describe('When a generated timer runs it: five fields as in cron, or @daily and the like.')

const keySchema = z.strictObject({
  public: path.optional().describe('File with the OpenPGP public key.'),
  secret: path.optional().describe('File with the OpenPGP secret key.'),
  passphrase: reference.optional(),
})

const notifySchema = z.strictObject({
  type: z.enum(['webhook', 'slack', 'pagerduty', 'healthchecks']),
  url: reference.optional(),
  key: reference.optional().describe('Of pagerduty: the integration (routing) key.'),
  on: z
    .array(z.enum(['start', 'success', 'failure']))
    .min(1)
    .optional()
    .describe('What it is told of; else what is usual for its type.'),
})

const sinkSchema = z.strictObject({
  url: z.string().min(1).describe('s3://bucket/prefix?region=…, ssh://user@host/path or file:///path.'),
  password: reference.optional(),
  passphrase: reference.optional().describe('Of the SSH key.'),
})

const sourceSchema = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe('mysql://, mariadb://, postgres://, sqlserver:// or oracle://; no password in it.'),
  password: reference.optional(),
  staging: z.string().min(1).optional().describe('Bucket beside the server, for layout=native and via=s3.'),
})

const amount = z.number().int().min(1).max(100_000).optional()

const retentionSchema = z.strictObject({
  last: amount.describe('Keep so many of the newest.'),
  hourly: amount.describe('Keep the newest of each hour, for so many hours that have one.'),
  daily: amount.describe('Keep the newest of each day (UTC), for so many days that have one.'),
  weekly: amount.describe('Keep the newest of each ISO week, for so many weeks that have one.'),
  monthly: amount.describe('Keep the newest of each month, for so many months that have one.'),
  yearly: amount.describe('Keep the newest of each year, for so many years that have one.'),
  minimum: amount.describe('Never leave fewer usable backups. Not a rule by itself.'),
})

/** Where a drill restores to, and with what. */
const drillSettings = {
  local: z
    .literal(true)
    .optional()
    .describe("A throwaway server of this machine's own packages: the default."),
  container: z
    .union([z.literal(true), z.string().min(1)], 'true, or the name of an image, is expected')
    .optional()
    .describe(
      "A throwaway server in a container: true for the official image of the server's version, or an image.",
    ),
  into: z
    .union(
      [
        z.string().min(1),
        z.strictObject({
          url: z.string().min(1).describe('Of an empty scratch server; no password in it.'),
          password: reference.optional(),
          replace: z
            .boolean()
            .optional()
            .describe('Drop what the backup names before loading it: what the last drill left there.'),
        }),
      ],
      'a URL, or url: and password:, are expected',
    )
    .optional()
    .describe('A scratch server of your own.'),
  key: names.optional().describe('Name of the key, with a secret half, that opens the backups.'),
  gpg: z.boolean().optional().describe('gpg decrypts, with a key in its agent or on a card.'),
  jobs: z.number().int().min(1).max(64).optional().describe('Parts that are loaded at once.'),
  scratch: z
    .string()
    .regex(/^\//, 'a full path is expected')
    .optional()
    .describe('Folder, on a disk with room, where a local server keeps its data.'),
  runAs: z.string().min(1).optional().describe('For root: account that a local server runs as.'),
  timeout: duration.optional().describe('Give up when a drill takes so long. None unless it is said.'),
  notify: z
    .array(names)
    .min(1)
    .optional()
    .describe('Names of whom to tell of drills; else whom the job tells, but for healthchecks.'),
}

const exact = z.union([z.string(), z.number(), z.boolean()])

const checkSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('Of the check. It is readable for all who can read the sink.'),
  database: z.string().min(1).optional().describe('Where it is asked; for Oracle the schema.'),
  query: z.string().min(1).describe('One query; of its first row the first column counts.'),
  expect: z
    .union(
      [exact, z.strictObject({ maxAge: duration }), z.strictObject({ equals: exact })],
      "a value, 'not empty', '>= 10', { maxAge: 26h } or { equals: … } is expected",
    )
    .describe("A value, 'not empty', a comparison such as '>= 10', or { maxAge: 26h } for a time."),
})

/** What a job may say, and `defaults` for all of them. */
const jobSettings = {
  sinks: z
    .array(names)
    .min(1)
    .optional()
    .describe('Names of sinks. The dump goes to the first; each other gets a verified copy.'),
  recipients: z.array(names).min(1).optional().describe('Names of the keys that can open the backup.'),
  encryption: z.boolean().optional().describe('false stores the data readable for whoever gets hold of it.'),
  codec: z.enum(['gzip', 'zstd', 'none']).optional(),
  level: z.number().int().min(1).max(19).optional(),
  jobs: z.number().int().min(1).max(64).optional().describe('Parts that are dumped at once.'),
  counts: z.enum(['exact', 'off']).optional(),
  retention: retentionSchema.optional().describe('Which backups a prune keeps; without it, it keeps all.'),
  lease: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          time: duration.optional().describe('A dead run blocks others no longer than this: 1m to 24h.'),
          wait: duration.optional().describe('Wait so long for another run of the job, rather than give up.'),
        }),
      ],
      'false, or time: and wait:, are expected',
    )
    .optional()
    .describe('One run of the job at a time, at its first sink. false: several at once.'),
  schedule: schedule.optional(),
  jitter: duration.optional().describe('A generated timer waits a random time up to this before it starts.'),
  notify: z.array(names).min(1).optional().describe('Names of whom to tell of its runs.'),
  classification: z
    .enum(CLASSIFICATIONS)
    .optional()
    .describe('What its runs must be guarded by (docs/policy.md). A job without one counts as regulated.'),
  verify: z
    .boolean()
    .optional()
    .describe('Look at what was stored, after each dump. On, but for development, unless it is said.'),
  rto: duration.optional().describe('How long a restore may take.'),
  rpo: duration.optional().describe('How old the data of the newest backup may be.'),
  drill: z
    .strictObject({
      maxAge: duration.optional().describe('A regulated job runs only if a drill passed in this time (90d).'),
      ...drillSettings,
    })
    .optional()
    .describe('Restores that prove the backups.'),
  inventory: z
    .strictObject({
      region: region.describe('Of the database: its RDS API is asked.'),
      target: region.optional().describe('Where one would go: what is across already, and what is there.'),
      databases: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Ids of instances and clusters; without it, all of the region.'),
      profile: z.string().min(1).optional().describe('Of the AWS files.'),
      timeout: duration.optional().describe('What has no answer by then is unknown (2m).'),
    })
    .optional()
    .describe('After each dump, write down at the sinks what a rebuild needs of AWS (docs/inventory.md).'),
  timeouts: z
    .strictObject({
      stall: duration.optional().describe('Give up when no byte comes for so long.'),
      run: duration.optional().describe('Give up when the whole run takes so long. None unless it is said.'),
    })
    .optional(),
}

export const configSchema = z
  .strictObject({
    version: z.literal(1).describe('Form of this file.'),
    keys: z.record(names, keySchema).optional(),
    sinks: z.record(names, sinkSchema).optional(),
    notify: z.record(names, notifySchema).optional().describe('Whom jobs can tell of their runs, by name.'),
    signing: z
      .strictObject({
        key: names.optional().describe('Name of a key with a secret half.'),
        gpg: z
          .string()
          .min(1)
          .optional()
          .describe('What gpg knows the key by, for one in its agent or on a card.'),
      })
      .optional()
      .describe('Signs the manifest of every dump.'),
    signers: z
      .array(names)
      .min(1)
      .optional()
      .describe('Names of the keys, one of which must have signed a backup that is verified or restored.'),
    log: z
      .strictObject({
        format: z.enum(['text', 'json']).optional().describe('json: an object on a line for each event.'),
        file: z
          .string()
          .regex(/^\//, 'a full path is expected')
          .optional()
          .describe('Where to; without it, to stderr, with nothing else there.'),
      })
      .optional()
      .describe('How runs of jobs are logged.'),
    metrics: z
      .strictObject({
        textfile: z
          .string()
          .regex(/^\/.+\.prom$/, 'a full path that ends in .prom is expected')
          .describe("In the folder of node_exporter's textfile collector."),
      })
      .optional()
      .describe('How jobs went, for Prometheus.'),
    audit: z
      .strictObject({
        file: z
          .string()
          .regex(/^\//, 'a full path is expected')
          .describe('Each run adds its start and its end to it.'),
      })
      .optional()
      .describe('A log, chained by hashes, of who ran what.'),
    defaults: z.strictObject(jobSettings).optional().describe('What each job takes that says nothing else.'),
    jobs: z
      .record(
        names,
        z.strictObject({
          source: z.union([z.string().min(1), sourceSchema]),
          ...jobSettings,
          checks: z
            .array(checkSchema)
            .min(1)
            .optional()
            .describe('What a drill asks of the restored server, and what the answer must be.'),
        }),
      )
      .optional()
      .describe('By name; it is also the folder of its backups at the sinks.'),
  })
  .describe('Configuration of lifeboat.')

export type Config = z.infer<typeof configSchema>
export type JobConfig = NonNullable<Config['jobs']>[string]
export type NotifyConfig = NonNullable<Config['notify']>[string]
