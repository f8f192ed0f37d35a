export interface DemoRow {
  readonly engine: string
  readonly sink: string
  /** What `lifeboat dump --json` and `lifeboat restore --json` printed: docs/json.md. */
  readonly dump: { readonly plainBytes: number; readonly storedBytes: number; readonly durationMs: number }
  readonly restore: { readonly durationMs: number; readonly verified: boolean }
  readonly objects: number
  readonly differences: number
}

/** One line per dump and restore, readable at 80 columns. MB are 10^6 plain bytes. */
export function formatTable(rows: readonly DemoRow[]): string {
  const head = [
    'engine',
    'sink',
    'plain MB',
    'stored MB',
    'ratio',
    'dump s',
    'MB/s',
    'restore s',
    'MB/s',
    'verdict',
  ]
  const lines = rows.map(({ engine, sink, dump, restore, objects, differences }) => [
    engine,
    sink,
    (dump.plainBytes / 1e6).toFixed(1),
    (dump.storedBytes / 1e6).toFixed(1),
    (dump.plainBytes / dump.storedBytes).toFixed(2),
    (dump.durationMs / 1000).toFixed(1),
    (dump.plainBytes / 1e3 / dump.durationMs).toFixed(0),
    (restore.durationMs / 1000).toFixed(1),
    (dump.plainBytes / 1e3 / restore.durationMs).toFixed(0),
    verdict(restore.verified, objects, differences),
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const left = new Set([0, 1, head.length - 1])
  const format = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [format(head), ...lines.map(format)].join('\n')
}

function verdict(verified: boolean, objects: number, differences: number): string {
  if (differences > 0) return `${differences} of ${objects} DIFFER`
  return verified ? `${objects} objects equal` : 'NOT VERIFIED'
}
