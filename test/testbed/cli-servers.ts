import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTool } from '../../src/core/tool.ts'
import { startMariadb } from './mariadb.ts'
import { startPostgres } from './postgres.ts'

/** A database server as the command-line tests see it, whichever vendor's it is. */
export interface CliServer extends AsyncDisposable {
  readonly url: string
  readonly password: string
  /** The dump tool at its work, as it shows in the process list. */
  readonly tool: RegExp
  /** Added to the environment of a run whose dump tool is to be held: a tool that stops itself, where it can be had. */
  readonly holdEnv: Readonly<Record<string, string>> | undefined
  /** Makes database `shop` with table `item` of so many rows. */
  seed(rows: number): Promise<void>
  /** Exact rows of `shop.item`, and the last name in it. */
  look(): Promise<{ rows: number; last: string }>
}

const LAST = 'Zoë 🚣'

export async function startCliMariadb(): Promise<CliServer> {
  const server = await startMariadb()
  const real = await findTool(['mariadb-dump'], process.env.PATH ?? '')
  if (real === undefined) throw new Error('mariadb-dump is not on PATH')
  const tools = await mkdtemp(join(tmpdir(), 'lb-tools-'))
  await symlink(
    fileURLToPath(new URL('../fixtures/tools/stops-at-first', import.meta.url)),
    join(tools, 'mariadb-dump'),
  )
  return {
    url: server.url,
    password: server.password,
    tool: /mariadb-dump/,
    // It is done within milliseconds: too quick to be caught from outside.
    holdEnv: { PATH: `${tools}:${process.env.PATH}`, REAL_TOOL: real },
    async seed(rows) {
      await server.run(`CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
        CREATE TABLE item (id INT PRIMARY KEY, name TEXT) ENGINE=InnoDB;
        INSERT INTO item SELECT seq, CONCAT(SHA2(seq, 512), SHA2(-seq, 512)) FROM seq_1_to_${rows - 1};
        INSERT INTO item VALUES (${rows}, '${LAST}');`)
    },
    async look() {
      const text = await server.run(
        'SELECT COUNT(*) FROM shop.item; SELECT name FROM shop.item ORDER BY id DESC LIMIT 1',
      )
      const [rows, last = ''] = text.split('\n')
      return { rows: Number(rows), last }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(tools, { recursive: true, force: true })
    },
  }
}

/** With `ballast`, a dump takes so long that its tool can be seen, and held. */
export async function startCliPostgres({ ballast = false } = {}): Promise<CliServer> {
  const server = await startPostgres()
  return {
    url: server.url({}),
    password: server.password,
    tool: /^\S*pg_dump (?!.*--(version|help))/,
    holdEnv: undefined,
    async seed(rows) {
      await server.query('CREATE DATABASE shop')
      await server.query('CREATE TABLE item (id int PRIMARY KEY, name text)', 'shop')
      await server.query(
        `INSERT INTO item SELECT n, sha512(n::text::bytea)::text FROM generate_series(1, ${rows - 1}) n`,
        'shop',
      )
      await server.query(`INSERT INTO item VALUES (${rows}, '${LAST}')`, 'shop')
      if (!ballast) return
      await server.query(
        'CREATE TABLE ballast AS SELECT n AS id, repeat(md5(n::text), 16) AS name FROM generate_series(1, 60000) n',
        'shop',
      )
    },
    async look() {
      const [count] = await server.query('SELECT count(*)::int AS rows FROM item', 'shop')
      const [last] = await server.query('SELECT name FROM item ORDER BY id DESC LIMIT 1', 'shop')
      return { rows: Number(count?.rows), last: String(last?.name) }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Asks again until it holds; each question is a round trip to a server or to /proc, so nothing spins. */
export async function until(holds: () => Promise<boolean>, limitMs = 15_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not come about within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
