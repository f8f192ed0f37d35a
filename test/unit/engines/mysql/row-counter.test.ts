import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../../src/core/bytes.ts'
import { createRowCounter } from '../../../../src/engines/mysql/row-counter.ts'

/** As mysql_real_escape_string() writes a string, in both clients. */
function escaped(text: string): string {
  const special: Record<string, string> = {
    '\0': '\\0',
    '\n': '\\n',
    '\r': '\\r',
    '\\': '\\\\',
    "'": "\\'",
    '"': '\\"',
    '\x1a': '\\Z',
  }
  return `'${[...text].map((letter) => special[letter] ?? letter).join('')}'`
}

const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        "'",
        '\\',
        '),(',
        ');',
        '\n',
        ',',
        '(',
        ')',
        ';',
        '`',
        '"',
        '😀',
        'INSERT INTO `x` VALUES (1);',
        '-- ',
        '/*',
        '\0',
      ),
      { maxLength: 120 },
    )
    .map((pieces) => pieces.join('')),
  fc.constantFrom('x'.repeat(300), `${'\\'.repeat(101)}'`, `${'y'.repeat(60)}\\`),
)
const value = fc.oneof(
  nasty.map(escaped),
  fc.integer().map(String),
  fc.constant('NULL'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex').toUpperCase()}`),
)
const row = fc.array(value, { minLength: 1, maxLength: 5 }).map((values) => `(${values.join(',')})`)
const name = fc
  .array(fc.constantFrom('a', '`', "'", '"', ' ', '(', ')', ';', ' VALUES ', 'é', '--', '.'), {
    minLength: 1,
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''))
const quoted = (text: string) => `\`${text.replaceAll('`', '``')}\``

interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly inserts: readonly (readonly string[])[]
}
const table: fc.Arbitrary<Table> = fc.record({
  name,
  columns: fc.oneof(fc.constant([]), fc.array(name, { minLength: 1, maxLength: 3 })),
  inserts: fc.array(fc.array(row, { minLength: 1, maxLength: 8 }), { maxLength: 3 }),
})

function write(
  database: string,
  tables: readonly Table[],
  layout: 'lines' | 'one line',
  verb: string,
): string {
  return [
    '/*M!999999\\- enable the sandbox mode */ ',
    `-- Host: it's    Database: ${database}`,
    `CREATE DATABASE ${quoted(database)};`,
    `USE ${quoted(database)};`,
    '/*!50001 CREATE TABLE `view_placeholder` (`a` int) */;',
    ...tables.flatMap(({ name, columns, inserts }) => [
      `CREATE TABLE ${quoted(name)} (\n  \`c\` int COMMENT 'INSERT INTO \`x\` VALUES (1);'\n);`,
      `/*!40000 ALTER TABLE ${quoted(name)} DISABLE KEYS */;`,
      ...inserts.map((rows) => {
        const list = columns.length === 0 ? '' : ` (${columns.map(quoted).join(', ')})`
        const separator = layout === 'lines' ? ',\n' : ','
        const start = layout === 'lines' && columns.length === 0 ? '\n' : ' '
        return `${verb} INTO ${quoted(name)}${list} VALUES${start}${rows.join(separator)};`
      }),
    ]),
    "/*!50003 SET sql_mode              = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;",
    'DELIMITER ;;',
    "CREATE PROCEDURE p() BEGIN -- it's\n SELECT '\\', 'INSERT INTO `x` VALUES (1);\nDELIMITER ;\nUSE `other`;\n'; /* ;; ' */ END ;;",
    'DELIMITER ;',
    '/*!50003 SET sql_mode              = @saved_sql_mode */ ;',
    "INSERT INTO `after` VALUES (1,'\\'),(');",
    '-- Dump completed',
  ].join('\n')
}

function* cut(text: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, index = 0; at < text.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1
    yield text.subarray(at, at + size)
    at += size
  }
}

describe('row counter', () => {
  test('counts every row, passes every byte, wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        name,
        fc.uniqueArray(table, { maxLength: 4, selector: (each) => each.name }),
        fc.constantFrom('lines' as const, 'one line' as const),
        fc.constantFrom('INSERT', 'INSERT IGNORE', 'REPLACE'),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
        async (database, tables, layout, verb, sizes) => {
          const dump = Buffer.from(write(database, tables, layout, verb))
          const counter = createRowCounter()
          const out = await collect(
            counter.through(
              (async function* () {
                yield* cut(dump, sizes)
              })(),
            ),
          )
          expect(Buffer.from(out).equals(dump)).toBe(true)
          const rows = (of: Table) => of.inserts.reduce((sum, insert) => sum + insert.length, 0)
          expect(counter.result()).toEqual([
            ...tables.map((each) => ({ database, table: each.name, rows: rows(each) })),
            { database, table: 'after', rows: 1 },
          ])
        },
      ),
      { numRuns: 300 },
    )
  })

  test('refuses to guess where an INSERT looks like nothing that mysqldump writes', async () => {
    const counter = createRowCounter()
    const odd = (async function* () {
      yield Buffer.from('INSERT INTO `t` VALUES\n(1)\n,(2);\n')
    })()
    await expect(collect(counter.through(odd))).rejects.toMatchObject({ code: 'unsupported' })
  })
})
