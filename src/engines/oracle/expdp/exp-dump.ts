import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dump, DumpOptions, DumpResult, Part } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { readToolFile } from '../../../core/fifo.ts'
import { type ClientSetting, openClient } from './client-access.ts'
import { type ExpLog, judgeExpLog, readExpLog } from './exp-log.ts'
import { listedName } from './parameter-file.ts'

/** One part: Export knows no others. */
export const EXP_PART = 'export'
export const EXP_FORMAT = 'exp'
const LOG = 'exp.log'
/** Rows per fetch are as many as fit; the default of a few KiB makes as many round trips. */
const BUFFER_BYTES = 10 * 1024 * 1024

/**
 * A dump by the original Export, streamed as it is written: nothing lies at the server or on this machine meanwhile. For
 * servers older than Data Pump or the thin driver, so the server is asked nothing but by the tool itself.
 */
export function createExpDump(setting: ClientSetting, { counts }: DumpOptions): Dump {
  let log: ExpLog | undefined
  let warnings: readonly string[] = []
  const owners = ownersOf(setting)
  const { tables } = setting.options

  async function* exported(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let path = ''
    await using run = await openClient('exp', setting, (folder) => {
      path = join(folder, LOG)
      return exportParameters(setting, path)
    })
    yield* readToolFile((file) => ({ ...run.tool, args: [...run.tool.args, `file=${file}`] }), signal, {
      inspect: async () => {
        log = readExpLog(await readFile(path, 'utf8'), setting.url.user?.toUpperCase() ?? '')
        warnings = judgeExpLog(log, 'exp', setting.options.tolerated)
      },
    })
  }

  const part: Part = {
    name: EXP_PART,
    format: EXP_FORMAT,
    open: exported,
    release: async () => undefined,
  }

  return {
    parts: (async function* () {
      yield part
    })(),
    async finish(): Promise<DumpResult> {
      if (log === undefined) {
        throw new LifeboatError('tool-failed', "unable to finish the dump: 'exp' has not run to its end", {
          hint: 'Run the dump again.',
        })
      }
      return {
        contents: {
          format: 1,
          databases: owners.map((name) => ({ name })),
          tables: [...log.rows].map(([name, rows]) => {
            const dot = name.indexOf('.')
            const schema = name.slice(0, dot)
            return { database: schema, table: name.slice(dot + 1), ...(counts === 'exact' && { rows }) }
          }),
          byHand: [expByHand(owners)],
          engine: {
            layout: 'exp',
            mode: tables === undefined ? 'SCHEMA' : 'TABLE',
            schemas: owners,
            tables: tables?.map(({ table }) => table) ?? [],
          },
        },
        consistency: 'one read-only transaction over all tables (exp CONSISTENT=Y)',
        notCaptured: [
          {
            what: 'users, roles, tablespaces, public objects',
            reason:
              'the original Export takes them with FULL=Y only, and types that came after Oracle 10 not at all',
          },
        ],
        warnings,
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Reads the part on stdin; imp reads a named file only. */
export function expByHand(schemas: readonly string[]): string {
  const list = schemas.map((name) => listedName(name)).join(',')
  return `cat > lifeboat.exp && imp system file=lifeboat.exp log=lifeboat-imp.log fromuser=${list} touser=${list} ignore=n  # the users first: CREATE USER`
}

/** Export would otherwise take the whole database with FULL=Y, and what Oracle itself keeps in it. */
export function ownersOf({ options }: ClientSetting): readonly string[] {
  const owners = options.schemas ?? [...new Set(options.tables?.map(({ schema }) => schema))]
  if (owners.length > 0) return owners
  throw new LifeboatError('usage', 'unable to export by tool=exp: no schemas were named', {
    hint: 'Name them: schemas=SHOP,STAFF, or tables=SHOP.ORDERS.',
  })
}

export function exportParameters(
  setting: ClientSetting,
  log: string,
): Readonly<Record<string, string | undefined>> {
  const { tables } = setting.options
  return {
    ...(tables === undefined
      ? {
          owner: `(${ownersOf(setting)
            .map((owner) => listedName(owner))
            .join(',')})`,
        }
      : { tables: `(${tables.map(({ schema, table }) => listedName(schema, table)).join(',')})` }),
    log,
    consistent: 'y',
    // Statistics are gathered anew; exported ones are what EXP-00091 complains of.
    statistics: 'none',
    compress: 'n',
    buffer: String(BUFFER_BYTES),
  }
}
