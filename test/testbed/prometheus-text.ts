export interface Metric {
  readonly help: string
  readonly type: string
  /** By their labels, as `job=shop,sink=near`. */
  readonly samples: ReadonlyMap<string, number>
}

/**
 * Reads the text format 0.0.4 of Prometheus strictly, as `promtool check metrics` does: HELP and TYPE come once and
 * before the samples, the samples of a metric stand together, none comes twice. Throws at whatever breaks a rule.
 */
export function readPrometheusText(text: string): ReadonlyMap<string, Metric> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end')
  const metrics = new Map<string, { help: string; type: string; samples: Map<string, number> }>()
  let current = ''
  for (const line of text.split('\n').slice(0, -1)) {
    const help = /^# HELP ([a-z_]+) (.+)$/.exec(line)
    const type = /^# TYPE ([a-z_]+) (gauge|counter)$/.exec(line)
    const sample = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)*)\})? ([-+.\deE]+)$/.exec(line)
    if (help !== null) {
      current = help[1] ?? ''
      if (metrics.has(current)) throw new Error(`${current} comes twice`)
      metrics.set(current, { help: help[2] ?? '', type: '', samples: new Map() })
    } else if (type !== null) {
      const metric = metrics.get(current)
      if (type[1] !== current || metric === undefined || metric.samples.size > 0)
        throw new Error(`TYPE in the wrong place: ${line}`)
      metric.type = type[2] ?? ''
    } else if (sample !== null) {
      const metric = metrics.get(current)
      if (sample[1] !== current || metric === undefined || metric.type === '')
        throw new Error(`a sample without HELP and TYPE: ${line}`)
      const labels = [...(sample[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\[\\"n])*)"/g)]
        .map(([, name, value = '']) => `${name}=${value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))}`)
        .join(',')
      const value = Number(sample[3])
      if (metric.samples.has(labels) || Number.isNaN(value)) throw new Error(`a bad sample: ${line}`)
      metric.samples.set(labels, value)
    } else throw new Error(`not understood: ${line}`)
  }
  return metrics
}
