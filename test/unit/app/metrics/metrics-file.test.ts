import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MetricsRecord } from '../../../../src/app/metrics/metric-names.ts'
import { writeMetrics } from '../../../../src/app/metrics/metrics-file.ts'
import { toMetricsText } from '../../../../src/app/metrics/metrics-text.ts'
import { createMetricsWatcher } from '../../../../src/app/metrics/metrics-watcher.ts'
import { verifyRecords } from '../../../../src/app/metrics/verify-records.ts'
import { readPrometheusText } from '../../../testbed/prometheus-text.ts'

let folder: string
let textfile: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-metrics-'))
  textfile = join(folder, 'lifeboat.prom')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const read = async () => readPrometheusText(await readFile(textfile, 'utf8'))
const run = (job: string, exitCode: number): MetricsRecord => ({
  kind: 'run',
  job,
  values: { lifeboat_last_run_exit_code: exitCode, lifeboat_last_run_success: exitCode === 0 ? 1 : 0 },
})

describe('writeMetrics', () => {
  test('several jobs share the file, and each replaces its own', async () => {
    await writeMetrics(textfile, [run('shop', 12)])
    await writeMetrics(textfile, [run('crm', 0)])
    await writeMetrics(textfile, [run('shop', 0)])
    expect((await read()).get('lifeboat_last_run_exit_code')).toEqual({
      help: 'Exit code of the last dump of the job.',
      type: 'gauge',
      samples: new Map([
        ['job=crm', 0],
        ['job=shop', 0],
      ]),
    })
  })

  test('runs that end in the same moment lose nothing', async () => {
    const jobs = Array.from({ length: 10 }, (_, number) => `job-${number}`)
    await Promise.all(jobs.map((job) => writeMetrics(textfile, [run(job, 0)])))
    expect((await read()).get('lifeboat_last_run_success')?.samples.size).toBe(10)
  })

  test('a reader finds the file whole at any time, as any user, and no other .prom beside it', async () => {
    await writeMetrics(textfile, [run('shop', 0)])
    let busy = true
    const writing = Promise.all(
      Array.from({ length: 10 }, (_, exitCode) => writeMetrics(textfile, [run('shop', exitCode)])),
    ).finally(() => {
      busy = false
    })
    while (busy) {
      expect((await read()).get('lifeboat_last_run_exit_code')?.samples.size).toBe(1)
      expect((await readdir(folder)).filter((name) => name.endsWith('.prom'))).toEqual(['lifeboat.prom'])
    }
    await writing
    expect((await stat(textfile)).mode & 0o777).toBe(0o644)
    expect((await readdir(folder)).toSorted()).toEqual(['.lifeboat.prom.d', 'lifeboat.prom'])
  })

  test('says why where it can not write, and makes no folder that nobody reads', async () => {
    const elsewhere = join(folder, 'misspelt', 'lifeboat.prom')
    await expect(writeMetrics(elsewhere, [run('shop', 0)])).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/^unable to write metrics '.*misspelt.*': ENOENT/),
    })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('toMetricsText', () => {
  test('is valid whatever a label holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (sink) => {
        const [record] = verifyRecords(sink, [{ job: 'shop', exitCode: 31, good: [], bad: 2 }], new Date(0))
        const metrics = readPrometheusText(toMetricsText(record === undefined ? [] : [record]))
        const { samples } = metrics.get('lifeboat_last_verify_bad_backups') ?? {}
        expect([...(samples ?? [])]).toEqual([[`job=shop,sink=${sink}`, 2]])
      }),
    )
  })
})

describe('createMetricsWatcher', () => {
  const started = new Date('2026-11-23T03:30:00Z')
  const ended = new Date('2026-11-23T03:31:40Z')
  const base = { job: 'shop', started, ended, durationMs: 100_000 }
  const backup = { id: 'x', started, plainBytes: 2000, storedBytes: 500 }

  test('a failure leaves what the last success said', async () => {
    const watcher = createMetricsWatcher({ textfile, onWarning: (message) => expect.fail(message) })
    watcher.ended({ ...base, exitCode: 0, backup })
    watcher.ended({ ...base, ended: new Date('2026-11-24T03:31:40Z'), exitCode: 22, code: 'sink-full' })
    await watcher.settled()
    const metrics = await read()
    const value = (name: string) => metrics.get(`lifeboat_${name}`)?.samples.get('job=shop')
    expect({
      run: value('last_run_timestamp_seconds'),
      exit: value('last_run_exit_code'),
      well: value('last_run_success'),
      duration: value('last_run_duration_seconds'),
      success: value('last_success_timestamp_seconds'),
      plain: value('last_success_plain_bytes'),
      stored: value('last_success_stored_bytes'),
      rate: value('last_success_plain_bytes_per_second'),
      newest: value('newest_backup_timestamp_seconds'),
    }).toEqual({
      run: Date.parse('2026-11-24T03:31:40Z') / 1000,
      exit: 22,
      well: 0,
      duration: 100,
      success: ended.getTime() / 1000,
      plain: 2000,
      stored: 500,
      rate: 20,
      newest: started.getTime() / 1000,
    })
  })

  test('what can not be written is a warning', async () => {
    await writeFile(join(folder, 'file'), '')
    const warnings: string[] = []
    const watcher = createMetricsWatcher({
      textfile: join(folder, 'file', 'x.prom'),
      onWarning: (message) => warnings.push(message),
    })
    watcher.ended({ ...base, exitCode: 0, backup })
    await watcher.settled()
    expect(warnings).toEqual([expect.stringMatching(/unable to write metrics/)])
  })
})

describe('the reader of these tests', () => {
  test.for([
    'x 1\n',
    '# HELP x y\n# TYPE x gauge\nx 1',
    '# HELP x y\n# TYPE x gauge\nx{a="b} 1\n',
    '# HELP x y\n# TYPE x gauge\nx 1\nx 1\n',
    '# HELP x y\n# TYPE x gauge\nx{a="\\t"} 1\n',
    '# HELP x y\nx 1\n',
    '# HELP x y\n# TYPE x gauge\nz 1\n',
  ])('refuses %j', (text) => {
    expect(() => readPrometheusText(text)).toThrow()
  })
})
