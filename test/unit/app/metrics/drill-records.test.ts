import { expect, test } from 'vitest'
import { drillRecords } from '../../../../src/app/metrics/drill-records.ts'
import { toMetricsText } from '../../../../src/app/metrics/metrics-text.ts'
import { readPrometheusText } from '../../../testbed/prometheus-text.ts'

const ended = new Date('2026-11-23T05:00:00Z')
const job = { job: 'shop', sink: 'file:///near' }
const evidence = {
  checks: [
    { name: 'a', expect: '= 1', outcome: 'passed' as const },
    { name: 'b', expect: '= 1', outcome: 'failed' as const },
  ],
  rto: { measuredMs: 90_500, promisedMs: null },
  rpo: { measuredMs: 3_600_000, promisedMs: null },
}

test('a drill leaves what it measured; only one that passed counts as passed', () => {
  const failed = drillRecords({ ...job, exitCode: 31, evidence }, ended)
  expect(failed.map(({ kind }) => kind)).toEqual(['drill'])
  const passed = drillRecords({ ...job, exitCode: 0, evidence: { ...evidence, checks: [] } }, ended)
  expect(passed.map(({ kind }) => kind)).toEqual(['drill', 'passed-drill'])
  const metrics = readPrometheusText(toMetricsText(failed))
  const value = (name: string) =>
    metrics.get(`lifeboat_last_drill_${name}`)?.samples.get('job=shop,sink=file:///near')
  expect([value('success'), value('exit_code'), value('failed_checks')]).toEqual([0, 31, 1])
  expect([value('restore_seconds'), value('data_age_seconds')]).toEqual([90.5, 3600])
})

test('where there was no backup, nothing is said to be measured', () => {
  const [record] = drillRecords({ ...job, exitCode: 21, evidence: undefined }, ended)
  expect(Object.keys(record?.values ?? {})).toEqual([
    'lifeboat_last_drill_timestamp_seconds',
    'lifeboat_last_drill_success',
    'lifeboat_last_drill_exit_code',
  ])
})
