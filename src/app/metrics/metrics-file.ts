import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { MetricsRecord } from './metric-names.ts'
import { toMetricsText } from './metrics-text.ts'

/** Far more than runs that end in the same moment. */
const MOST_ROUNDS = 100

/**
 * Replaces records in the file, and leaves those of other jobs as they are. Each record is a file of its own in a
 * hidden folder beside it, and the file is made of all of them: no run has to read what another is about to change.
 * Whoever renames the file last has looked at the records after that, so it ends up with all of them, without a lock.
 */
export async function writeMetrics(textfile: string, records: readonly MetricsRecord[]): Promise<void> {
  const folder = join(dirname(textfile), `.${basename(textfile)}.d`)
  try {
    await makeFolder(folder)
    for (const record of records) await replace(join(folder, nameOf(record)), JSON.stringify(record))
    let text = toMetricsText(await readRecords(folder))
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await replace(textfile, text)
      const now = toMetricsText(await readRecords(folder))
      if (now === text) return
      text = now
    }
    throw new Error('other runs change it all the time')
  } catch (thrown) {
    throw new LifeboatError('config', `unable to write metrics '${textfile}': ${messageOf(thrown)}`, {
      hint: 'Make its folder, writable for the account that runs lifeboat; the run itself is not affected.',
      cause: thrown,
    })
  }
}

/** The folder of the textfile itself is not made: nobody would ever read what is below a misspelt name. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o755 })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
}

function nameOf({ kind, job, sink }: MetricsRecord): string {
  const place = sink === undefined ? '' : `.${createHash('sha256').update(sink).digest('hex').slice(0, 12)}`
  return `${job}.${kind}${place}.json`
}

async function readRecords(folder: string): Promise<readonly MetricsRecord[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as MetricsRecord),
  )
}

/** node_exporter reads what ends in .prom, at any time: it must find the old or the new, as any user. */
async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    await chmod(temporary, 0o644)
    await rename(temporary, path)
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}
