import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PartSource, RestoreOptions, RestoreResult } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { writeToolFile } from '../../../core/fifo.ts'
import { quoteName } from '../quote.ts'
import type { Remap } from '../url-options.ts'
import { type ClientSetting, openClient } from './client-access.ts'
import { EXP_PART } from './exp-dump.ts'
import { judgeExpLog, readExpLog } from './exp-log.ts'
import { listedName } from './parameter-file.ts'

const LOG = 'imp.log'
const BUFFER_BYTES = 10 * 1024 * 1024

/** Whether a backup was made by the original Export: only the original Import reads it. */
export function isExpBackup(engine: Readonly<Record<string, unknown>>): boolean {
  return engine.layout === 'exp'
}

/**
 * Loads a dump of the original Export by the original Import. Objects that are there already are errors to Import, and so
 * to us: nothing is ever dropped or added to.
 */
export async function restoreImp(
  setting: ClientSetting,
  source: PartSource,
  options: Pick<RestoreOptions, 'replace' | 'onProgress'>,
  /** Of the target: Export takes no users, so theirs must be there. */
  users: readonly string[],
  signal: AbortSignal,
): Promise<RestoreResult> {
  if (options.replace) {
    throw new LifeboatError(
      'unsupported',
      'unable to replace what is there: the original Import can drop nothing',
      {
        hint: 'Drop the objects of the schemas by hand, then restore without --replace.',
      },
    )
  }
  const schemas = source.contents.databases.map(({ name }) => name)
  const { remapSchemas } = setting.options
  const missing = schemas
    .map((schema) => remapSchemas.get(schema) ?? schema)
    .find((schema) => !users.includes(schema))
  if (missing !== undefined) {
    throw new LifeboatError(
      'unsupported',
      `unable to restore into schema '${missing}': there is no such user`,
      {
        hint: `The original Export takes no users: run CREATE USER ${quoteName(missing)} with its quotas and grants first, or name another by remap-schema=.`,
      },
    )
  }
  let path = ''
  await using run = await openClient('imp', setting, (folder) => {
    path = join(folder, LOG)
    return importParameters(schemas, remapSchemas, path)
  })
  options.onProgress?.({ kind: 'step', message: `imp loads ${schemas.length} schemas` })
  let warnings: readonly string[] = []
  await writeToolFile(
    (file) => ({ ...run.tool, args: [...run.tool.args, `file=${file}`] }),
    source.open(EXP_PART, signal),
    signal,
    {
      inspect: async () => {
        const log = readExpLog(await readFile(path, 'utf8'), setting.url.user?.toUpperCase() ?? '')
        warnings = judgeExpLog(log, 'imp', setting.options.tolerated)
      },
    },
  )
  return {
    restored: schemas.map((schema) => remapSchemas.get(schema) ?? schema),
    notRestored: [],
    warnings,
  }
}

export function importParameters(
  schemas: readonly string[],
  remap: Remap,
  log: string,
): Readonly<Record<string, string | undefined>> {
  const list = (names: readonly string[]) => `(${names.map((name) => listedName(name)).join(',')})`
  return {
    fromuser: list(schemas),
    touser: list(schemas.map((schema) => remap.get(schema) ?? schema)),
    log,
    // An object that is there already is an error then, and its rows are not loaded twice.
    ignore: 'n',
    statistics: 'none',
    buffer: String(BUFFER_BYTES),
  }
}
