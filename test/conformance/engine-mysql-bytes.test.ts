import { chmod, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { createPrivateFolder, type PrivateFolder } from '../../src/core/private-folder.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { snapshotMysql } from '../testbed/mysql-snapshot.ts'
import { lacks } from '../testbed/requirement.ts'
import { failureOf, sourceOf, type Taken, take } from './engine-suite.ts'

/** Definitions beyond ASCII in every place, of a client that speaks this character set. Its bytes are those of UTF-8. */
function definitions(charset: string): string {
  const name = (kind: string) => `\`${kind}_ж_${charset}\``
  return `SET NAMES ${charset}; CREATE DATABASE ${name('db')} COMMENT 'é表'; USE ${name('db')};
CREATE TABLE ${name('t')} (id INT PRIMARY KEY COMMENT 'Schlüssel 表', \`größe\` VARCHAR(99) DEFAULT 'é''表\\\\',
  kind ENUM('ä', '表', '''') DEFAULT 'ä', made VARCHAR(99) AS (CONCAT(\`größe\`, 'é表')) STORED,
  CHECK (\`größe\` <> 'ß')) COMMENT 'é "表" '' \\\\'
  PARTITION BY LIST (id) (PARTITION \`ö\` VALUES IN (1, 2, 3) COMMENT 'ñ');
INSERT INTO ${name('t')} (id, \`größe\`) VALUES (1, 'é表'), (2, '\\'\\\\é'), (3, DEFAULT);
CREATE SEQUENCE ${name('s')} COMMENT 'é表';
CREATE VIEW ${name('a view')} AS SELECT id AS \`ï\`, 'é表' AS text, _latin1'é' AS other FROM ${name('t')};
CREATE VIEW ${name('b view')} AS SELECT * FROM ${name('a view')} WHERE text <> 'é';
DELIMITER ;;
CREATE TRIGGER ${name('tr')} BEFORE INSERT ON ${name('t')} FOR EACH ROW BEGIN /* é表 */ SET NEW.\`größe\` = 'é表'; END;;
CREATE PROCEDURE ${name('p')}(IN \`ü\` VARCHAR(9)) COMMENT 'é表' BEGIN SELECT 'é表', \`ü\`; -- ж
END;;
CREATE FUNCTION ${name('f')}() RETURNS VARCHAR(9) DETERMINISTIC RETURN 'é表';;
CREATE EVENT ${name('e')} ON SCHEDULE EVERY 1 DAY COMMENT 'é表' DO SELECT 'é表';;
DELIMITER ;
`
}

const never = new AbortController().signal

describe.skipIf(lacks('mariadb'))('mysql by one job, told single bytes', { timeout: 60_000 }, () => {
  let source: MariadbServer
  let folder: PrivateFolder
  let quick: Taken
  let plain: Taken
  let restorable: { readonly taken: Taken; readonly snapshot: string }
  let tools = 0

  /** What came of the tool, and what it was told. An argument may be put in the place of another. */
  async function dump(url: string, swap?: { readonly from: string; readonly to: string }) {
    tools += 1
    const log = await folder.file(`told-${tools}`, '')
    const wrapper = await folder.file(
      `tool-${tools}`,
      `#!/bin/bash
args=("$@")
${swap === undefined ? '' : `for at in "\${!args[@]}"; do [[ \${args[at]} != ${swap.from}* ]] || args[at]=${swap.to}; done`}
echo "$*" >>'${log}'
exec /usr/bin/mariadb-dump "\${args[@]}"
`,
    )
    await chmod(wrapper, 0o700)
    await using engine = createMysqlEngine(parseDatabaseUrl(url), {
      searchPath: '/usr/bin:/bin',
      commands: { 'mariadb-dump': [wrapper] },
      password: async () => new Secret(source.password),
    })
    const taken = await take(engine)
    return { taken, told: await readFile(log, 'utf8') }
  }
  /** Without what no two dumps share. */
  const text = ({ parts }: Taken) =>
    Buffer.from(parts.get('databases')?.bytes ?? [])
      .toString('latin1')
      .replace(/^-- Host: .*$/m, '')
      .replace(/^-- Dump completed on .*$/m, '')

  beforeAll(async () => {
    folder = await createPrivateFolder()
    source = await startMariadb()
    await loadMysqlFixture(source, 'mariadb')
    await source.run(definitions('utf8mb4'))
    await fillCharsets(source)
    // MariaDB's tool itself gets names and comments wrong in routines and events of other clients than UTF-8's.
    restorable = { taken: (await dump(source.url)).taken, snapshot: await snapshotMysql(source) }
    for (const charset of ['latin1', 'cp1251', 'koi8r']) await source.run(definitions(charset))
    const told = await dump(source.url)
    expect(told.told).toMatch(/--default-character-set=latin1/)
    quick = told.taken
    // The way without a gate.
    const before = await dump(`mariadb://${source.user}@127.0.0.1:${source.port}?tls=disable`)
    expect(before.told).toMatch(/--default-character-set=utf8mb4/)
    plain = before.taken
  }, 120_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await folder?.[Symbol.asyncDispose]()
  })

  test('writes the same dump, byte for byte', () => {
    expect(text(quick).split('\n')).toEqual(text(plain).split('\n'))
    expect(text(quick).length).toBeGreaterThan(100_000)
    expect(quick.result).toEqual({ ...plain.result, position: quick.result.position })
  })

  test('the same over the Unix socket', async () => {
    const { taken, told } = await dump(source.socketUrl)
    expect(told).toMatch(/--default-character-set=latin1/)
    expect(text(taken).split('\n')).toEqual(text(plain).split('\n'))
  })

  test('is restored into the same databases, definitions and rows', async () => {
    await using target = await startMariadb()
    await using engine = createMysqlEngine(parseDatabaseUrl(target.url), {
      searchPath: '/usr/bin:/bin',
      password: async () => new Secret(target.password),
    })
    await engine.restore(sourceOf(restorable.taken), { replace: false }, never)
    expect(await snapshotMysql(target)).toBe(restorable.snapshot)
  })

  test.each([
    [
      'takes another',
      '--default-character-set=',
      '--default-character-set=cp850',
      'changes the character set',
    ],
    ['opens no snapshot', '--single-transaction', '--skip-lock-tables', 'without asking for a snapshot'],
    ['does not name it', '--quick', '--skip-set-charset', 'its head names no character set'],
  ])('a tool that was told a character set, but %s, is not trusted', async (_what, from, to, message) => {
    expect(await failureOf(dump(source.url.replace('?', '/legacy?'), { from, to }))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('report the version'),
    })
  })

  test('a tool that fails says why', async () => {
    expect(await failureOf(dump(source.url, { from: '--quick', to: '--no-such-option' }))).toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('no-such-option'),
    })
  })
})

/** Rows with every awkward byte in columns of many character sets. */
async function fillCharsets(server: MariadbServer): Promise<void> {
  await server.run(`CREATE DATABASE charsets CHARACTER SET utf8mb4; USE charsets; CREATE TABLE 日本 (
    id INT PRIMARY KEY, whole TEXT, latin1 TEXT CHARACTER SET latin1, ucs2 TEXT CHARACTER SET ucs2,
    sjis TEXT CHARACTER SET sjis, gbk TEXT CHARACTER SET gbk, bytes VARBINARY(255), bits BIT(9), place POINT)`)
  // 表 and 能 end in a backslash in Shift JIS, 誠 in GBK.
  const unit = fc.constantFrom(...`ab'"\\\0\n\r\x1a;)é表能誠漢字ſß\u{1f600}\ufffd`)
  const texts = fc.sample(fc.string({ unit, minLength: 1, maxLength: 40 }), { numRuns: 400, seed: 7 })
  const session = await createConnection({
    socketPath: server.socket,
    user: server.user,
    password: server.password,
    charset: 'utf8mb4',
  })
  await session.query("SET sql_mode = ''")
  const rows = texts.map((text, id) => [id, text, text, text, text, text, Buffer.from(text).subarray(1), id])
  await session.query(
    'INSERT INTO charsets.日本 (id, whole, latin1, ucs2, sjis, gbk, bytes, bits) VALUES ?',
    [rows],
  )
  await session.query('UPDATE charsets.日本 SET place = POINT(id, 0.5)')
  await session.end()
}
