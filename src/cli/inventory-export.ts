import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exportPlain } from '../app/inventory/export-plain.ts'
import { inventoryKind } from '../app/inventory/store.ts'
import { openSink } from '../app/registry.ts'
import { copySealed, findRecord, storeSealed } from '../app/sealed-record.ts'
import { findConfig } from '../config/find-config.ts'
import { LifeboatError } from '../core/errors.ts'
import { keyNames, openAudit, recorded } from './audit-log.ts'
import type { InventoryOptions } from './inventory.ts'
import { openPlace } from './inventory-open.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

/** A copy, as it is stored, in a folder that is then a sink of its own; or opened, as JSON. Readable for its owner only. */
export async function exportOne(
  id: string | undefined,
  options: InventoryOptions,
  context: VerbContext,
): Promise<Outcome> {
  const folder = await folderOf(options, context)
  await using place = await openPlace(options, context)
  const log = await openAudit(options, context)
  const { job, plain = false } = options
  const facts = {
    ...{ verb: 'inventory', options: ['export', ...(plain ? ['plain'] : [])] },
    ...{ sinks: [place.sink.name], target: folder },
    ...(job !== undefined && { job }),
    keys: await keyNames(log, options),
  }
  return await recorded(
    log,
    facts,
    async () => {
      const name = await findRecord(place.sink, inventoryKind, { job, id }, context.signal)
      const file = plain
        ? await exportPlain((await place.open(name.id)).record, folder)
        : await exportSealed()
      async function exportSealed(): Promise<string> {
        const sealed = await copySealed(place.sink, inventoryKind, name, place.trust, context.signal)
        await using there = await openSink(pathToFileURL(folder).href, context.sinkContext({}))
        const before = await there.stat(sealed.key, context.signal)
        if (before === undefined) await storeSealed(there, sealed, context.signal)
        return join(folder, sealed.key)
      }
      return {
        text: `${file}\n`,
        json: (warnings) => ({ ...{ id: name.id, job: name.job, file, plain, folder }, warnings }),
      }
    },
    context,
  )
}

async function folderOf({ out, config }: InventoryOptions, { environment }: VerbContext): Promise<string> {
  if (out !== undefined) return resolve(out)
  const found = await findConfig(config, environment)
  if (found !== undefined) return resolve(dirname(found.path), 'inventory')
  throw new LifeboatError('usage', 'unable to start: there is no configuration to keep a copy beside', {
    hint: 'Say where to with --out FOLDER, or name the configuration with --config FILE.',
  })
}
