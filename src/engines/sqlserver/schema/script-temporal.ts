import type { ColumnModel, TableModel } from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import type { Step } from './step.ts'

/** After the load: the rows have the source's times, which no statement could set once the PERIOD is there. */
export function scriptPeriod(table: TableModel): readonly Step[] {
  if (table.period === undefined) return []
  const { startColumn, endColumn } = table.period
  const alter = `ALTER TABLE ${quoteObject(table)}`
  const hidden = table.columns.filter(
    ({ generatedAlways, hidden }) => generatedAlways !== undefined && hidden,
  )
  const history = table.temporal && {
    schema: table.temporal.historySchema,
    name: table.temporal.historyTable,
  }
  return [
    {
      kind: 'system versioning',
      name: quoteObject(table),
      onFailure: 'collect',
      batches: [
        `${alter} ADD PERIOD FOR SYSTEM_TIME (${quoteName(startColumn)}, ${quoteName(endColumn)})`,
        ...hidden.map(({ name }) => `${alter} ALTER COLUMN ${quoteName(name)} ADD HIDDEN`),
        ...(history === undefined
          ? []
          : [
              `${alter} SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = ${quoteObject(history)}, DATA_CONSISTENCY_CHECK = ON${retention(table)}))`,
            ]),
      ],
    },
  ]
}

function retention({ temporal }: TableModel): string {
  return temporal?.retention === undefined ? '' : `, HISTORY_RETENTION_PERIOD = ${temporal.retention}`
}

/**
 * The next value is the source's next one, also where its last rows were deleted; not below the rows that came after
 * the catalog was read. Into an empty table RESEED gives the very first value rather than the last one (documented with
 * DBCC CHECKIDENT).
 */
export function scriptIdentity(table: TableModel): readonly Step[] {
  const column = table.columns.find(({ identity }) => identity !== undefined)
  // A memory-optimised table knows no RESEED: the rows that were loaded move its counter.
  if (column?.identity?.lastValue === undefined || table.memoryOptimized !== undefined) return []
  const name = quoteObject(table)
  const last = BigInt(column.identity.lastValue)
  const increment = BigInt(column.identity.increment)
  const next = isWithin(last + increment, column) ? last + increment : last
  const reseed = (value: string) => `DBCC CHECKIDENT (${quoteText(name)}, RESEED${value}) WITH NO_INFOMSGS`
  return [
    {
      kind: 'position of identity column',
      name: `${quoteName(column.name)} of ${name}`,
      onFailure: 'collect',
      batches: [
        [
          `IF EXISTS (SELECT * FROM ${name})`,
          'BEGIN',
          `  ${reseed(`, ${last}`)}`,
          // Without a value it goes up to the greatest there is, and never down.
          ...(increment > 0n ? [`  ${reseed('')}`] : []),
          'END',
          'ELSE',
          `  ${reseed(`, ${next}`)}`,
        ].join('\n'),
      ],
    },
  ]
}

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [0n, 255n],
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
}

function isWithin(value: bigint, { type, precision }: ColumnModel): boolean {
  const bound = 10n ** BigInt(precision ?? 38)
  const [least, most] = RANGES[type] ?? [1n - bound, bound - 1n]
  return value >= least && value <= most
}
