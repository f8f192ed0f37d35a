import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../../src/core/bytes.ts'
import { createCollations } from '../../../../src/engines/mysql/collations.ts'
import { createLoadStream } from '../../../../src/engines/mysql/load-stream.ts'
import { parseDefinerRule } from '../../../../src/engines/mysql/options.ts'
import { quoteAccount, quoteName } from '../../../../src/engines/mysql/quote.ts'
import { createRewriter } from '../../../../src/engines/mysql/rewrite.ts'

const MARIADB = createCollations(
  new Set(['utf8mb4_uca1400_nopad_ai_ci', 'utf8mb4_general_ci', 'utf8mb4_bin']),
)

function rewriter(definer: string, to: 'MariaDB' | 'MySQL' = 'MariaDB') {
  return createRewriter({ definer: parseDefinerRule(definer), collations: MARIADB, to })
}
function run(definer: string, statement: string, to: 'MariaDB' | 'MySQL' = 'MariaDB'): string | undefined {
  return rewriter(definer, to).rewrite(Buffer.from(statement), true)?.toString()
}

describe('DEFINER', () => {
  const trigger =
    "/*!50003 CREATE*/ /*!50017 DEFINER=`a``b`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 'DEFINER=`x`@`y`' */;;"

  test('is kept, stripped or mapped in the head of an object', () => {
    expect(run('keep', trigger)).toBe(trigger)
    expect(run('strip', trigger)).toBe(trigger.replace('DEFINER=`a``b`@`%`', ''))
    expect(run('map:*=admin@%', trigger)).toBe(trigger.replace('`a``b`@`%`', '`admin`@`%`'))
    expect(run('map:`a``b`@%=new@localhost', trigger)).toBe(
      trigger.replace('`a``b`@`%`', '`new`@`localhost`'),
    )
    expect(run('map:other@%=new@localhost', trigger)).toBe(trigger)
  })

  test('is never touched in the body of a routine, nor in a statement that creates nothing', () => {
    const body =
      'CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN CREATE DEFINER=`c`@`d` VIEW v AS SELECT 1; END ;;'
    expect(run('strip', body)).toBe(body.replace('DEFINER=`a`@`b`', ''))
    const set = 'SET @definer = 1, @x = DEFINER=`a`@`b`;'
    expect(run('strip', set)).toBe(set)
  })

  test('is found after any strings, names and comments, and only outside of them', () => {
    const part = fc.constantFrom(
      "'",
      '"',
      '`',
      '\\',
      ' ',
      'DEFINER=`x`@`y`',
      ';',
      'é',
      '*/',
      '-- ',
      '#',
      '\n',
    )
    const text = fc.array(part, { maxLength: 12 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, text, text, (comment, string, user) => {
        const account = { user: user.replaceAll('\0', '') || 'u', host: 'h' }
        const before = `CREATE /* ${comment.replaceAll('*/', '')} */ DEFINER=`
        const after = ` VIEW ${quoteName('v')} AS SELECT '${string.replace(/['\\]/g, '\\$&')}', "${string.replace(/["\\]/g, '\\$&')}" -- ${comment.replaceAll('\n', '')}\n;`
        const statement = `${before}${quoteAccount(account)} SQL SECURITY DEFINER${after}`
        expect(run('map:*=n@m', statement)).toBe(`${before}\`n\`@\`m\` SQL SECURITY DEFINER${after}`)
        expect(run('keep', statement)).toBe(statement)
      }),
      { numRuns: 500 },
    )
  })

  test('follows NO_BACKSLASH_ESCAPES', () => {
    const statement = Buffer.from(
      "CREATE DEFINER=`a`@`b` FUNCTION f() RETURNS TEXT RETURN '\\' || 'DEFINER=`c`@`d`';;",
    )
    expect(rewriter('strip').rewrite(statement, false)?.toString()).toBe(
      statement.toString().replace('DEFINER=`a`@`b`', ''),
    )
  })
})

describe('what the other vendor lacks', () => {
  test('collations become the nearest that the target has, outside of strings', () => {
    const made = rewriter('keep')
    const statement =
      "CREATE TABLE `utf8mb4_0900_ai_ci` (a TEXT COLLATE utf8mb4_0900_ai_ci COMMENT 'COLLATE utf8mb4_0900_ai_ci') DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;"
    expect(made.rewrite(Buffer.from(statement), true)?.toString()).toBe(
      statement.replace('TEXT COLLATE utf8mb4_0900_ai_ci', 'TEXT COLLATE utf8mb4_uca1400_nopad_ai_ci'),
    )
    expect([...made.changes]).toEqual([
      'collation utf8mb4_0900_ai_ci, which the target does not have, became utf8mb4_uca1400_nopad_ai_ci',
    ])
  })

  test('sequences are left out for MySQL and named; Aria becomes InnoDB', () => {
    const made = rewriter('keep', 'MySQL')
    expect(made.rewrite(Buffer.from('CREATE SEQUENCE `ticket` start with 1;'), true)).toBeUndefined()
    expect([...made.omitted]).toEqual(['sequence `ticket`'])
    expect(
      made
        .rewrite(
          Buffer.from(
            'CREATE TABLE `t` (`a` int) ENGINE=Aria DEFAULT CHARSET=utf8mb4 PAGE_CHECKSUM=1 TRANSACTIONAL=1;',
          ),
          true,
        )
        ?.toString(),
    ).toBe('CREATE TABLE `t` (`a` int) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;')
  })
})

test('modes that the target does not have are left out of SET sql_mode', () => {
  const statement = "/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER' */ ;"
  expect(run('keep', statement, 'MySQL')).toBe(statement.replace(',NO_AUTO_CREATE_USER', ''))
  expect(run('keep', statement, 'MariaDB')).toBe(statement)
})

describe('load stream', () => {
  async function load(text: string, definer = 'keep', size = 7) {
    const stream = createLoadStream(rewriter(definer))
    const bytes = Buffer.from(text)
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })()
    return { text: Buffer.from(await collect(stream.through(pieces))).toString(), stream }
  }

  test.each(['/*!999999\\- enable the sandbox mode */', '/*M!999999\\- enable the sandbox mode */ '])(
    'drops the sandbox line %s from the first line only',
    async (sandbox) => {
      expect((await load(`${sandbox}\n-- MariaDB dump\nSELECT 1;\n`)).text).toBe(
        '\n-- MariaDB dump\nSELECT 1;\n',
      )
      const later = `-- first\n${sandbox};\nSELECT 1;\n`
      expect((await load(later)).text).toBe(later)
    },
  )

  test('never touches rows, whatever they hold', async () => {
    const rows =
      "INSERT INTO `t` VALUES\n(1,'CREATE DEFINER=`a`@`b` VIEW v'),\n(2,'COLLATE utf8mb4_0900_ai_ci;');\n"
    for (const size of [1, 5, 64, 4096]) expect((await load(rows, 'strip', size)).text).toBe(rows)
  })

  test('names the statement at a line', async () => {
    const { stream } = await load(
      'USE `shop`;\nSELECT 1;\nINSERT INTO `t` VALUES\n(1),\n(2);\nCREATE VIEW v AS\nSELECT 1;\n',
    )
    expect(stream.statementAt(2)).toBe('SELECT 1; (in `shop`)')
    expect(stream.statementAt(4)).toBe('INSERT INTO `t` (in `shop`)')
    expect(stream.statementAt(6)).toBe('CREATE VIEW v AS SELECT 1; (in `shop`)')
  })
})
