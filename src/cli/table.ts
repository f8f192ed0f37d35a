/** Columns side by side, two blanks between. A cell wider than its column's limit is cut with an ellipsis. */
export function table(
  columns: readonly { readonly title: string; readonly limit?: number; readonly align?: 'right' }[],
  rows: readonly (readonly string[])[],
): string {
  const cut = (text: string, limit = Number.POSITIVE_INFINITY) =>
    text.length > limit ? `${text.slice(0, limit - 1)}…` : text
  const cells = [columns.map(({ title }) => title), ...rows].map((row) =>
    row.map((cell, index) => cut(cell, columns[index]?.limit)),
  )
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  const lines = cells.map((row) =>
    row
      .map((cell, index) =>
        columns[index]?.align === 'right'
          ? cell.padStart(widths[index] ?? 0)
          : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}
