import { METRICS, type MetricName, type MetricsRecord } from './metric-names.ts'

/** The text format of Prometheus, 0.0.4: HELP, TYPE, then every sample of a metric, in an order that stays. */
export function toMetricsText(records: readonly MetricsRecord[]): string {
  const names = Object.keys(METRICS) as MetricName[]
  return names
    .map((name) => {
      const samples = records.flatMap(({ job, sink, values }) => {
        const value = values[name]
        return value === undefined ? [] : [`${name}{${labels({ job, sink })}} ${value}\n`]
      })
      if (samples.length === 0) return ''
      return `# HELP ${name} ${METRICS[name]}\n# TYPE ${name} gauge\n${samples.toSorted().join('')}`
    })
    .join('')
}

function labels(values: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${escaped(value)}"`]))
    .join(',')
}

/** "label_value can be any sequence of UTF-8 characters, but \, " and line feed have to be escaped." */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
