import { setImmediate as turn } from 'node:timers/promises'
import { type Connection, createConnection, type ResultSetHeader } from 'mysql2/promise'
import type { SqlServer } from './mysql-snapshot.ts'

/** Three tables of two databases between which money moves, and never gets more or less. */
export const BANK = `
CREATE DATABASE bank; CREATE DATABASE vault;
CREATE TABLE bank.digits (n INT PRIMARY KEY);
INSERT INTO bank.digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE bank.account (id INT PRIMARY KEY, cents BIGINT NOT NULL, filler CHAR(250) NOT NULL);
INSERT INTO bank.account SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n, 1000, REPEAT('x', 250)
  FROM bank.digits a, bank.digits b, bank.digits c, bank.digits d;
CREATE TABLE vault.account LIKE bank.account; INSERT INTO vault.account SELECT * FROM bank.account;
CREATE TABLE vault.box (id BIGINT PRIMARY KEY, cents BIGINT NOT NULL);
INSERT INTO vault.box SELECT id, 1000 FROM bank.account WHERE id < 100;
ANALYZE TABLE bank.account, vault.account, vault.box;`

/** All the money there is, and the accounts: what no transfer changes. */
export function countMoney(server: SqlServer): Promise<string> {
  return server.run(
    `SELECT SUM(cents), COUNT(*) FROM (SELECT cents FROM bank.account UNION ALL SELECT cents FROM vault.account UNION ALL SELECT cents FROM vault.box) AS everything`,
  )
}

export interface Transfers {
  /** Transactions that were committed so far. */
  count(): number
  /** Ends them in good order. */
  stop(): Promise<void>
}

/** Moves money all the time, over several connections: from low keys to high ones, between tables and databases. */
export async function startTransfers(url: string, password: string, connections = 4): Promise<Transfers> {
  const { username, hostname, port } = new URL(url)
  let committed = 0
  let running = true
  const work = Array.from({ length: connections }, async (_, seed) => {
    const connection = await createConnection({
      host: hostname,
      port: Number(port),
      user: username,
      password,
      ssl: { rejectUnauthorized: false },
    })
    try {
      for (let round = seed + 1; running; round += connections) {
        if (await transfer(connection, round)) committed += 1
        await turn()
      }
    } finally {
      await connection.end()
    }
  })
  return {
    count: () => committed,
    async stop() {
      running = false
      await Promise.all(work)
    },
  }
}

const TABLES = ['bank.account', 'vault.account', 'vault.box'] as const

async function transfer(connection: Connection, round: number): Promise<boolean> {
  const [from, to] = [TABLES[round % 3], TABLES[(round + 1 + (round % 2)) % 3]]
  const ids = (table: string | undefined) => (table === 'vault.box' ? 100 : 10_000)
  try {
    await connection.query('START TRANSACTION')
    const given = await change(connection, from, -round, (round * 7919) % ids(from))
    const taken = await change(connection, to, round, ids(to) - 1 - ((round * 7907) % ids(to)))
    if (!given || !taken) {
      await connection.query('ROLLBACK')
      return false
    }
    // A row that goes from one range of keys to another is in both, or in neither, where ranges differ in their moment.
    if (round % 5 === 0) {
      const box = (round / 5) % 100
      await connection.query(
        `UPDATE vault.box SET id = IF(id < 1000, id + 1000000000, id - 1000000000) WHERE id IN (${box}, ${box + 1_000_000_000})`,
      )
    }
    await connection.query('COMMIT')
    return true
  } catch (thrown) {
    const { errno } = thrown as { errno?: number }
    // Deadlock, or a lock that was too long in coming: as in real life, given up.
    if (errno !== 1213 && errno !== 1205) throw thrown
    await connection.query('ROLLBACK')
    return false
  }
}

/** False where the account is elsewhere just now. */
async function change(
  connection: Connection,
  table: string | undefined,
  cents: number,
  id: number,
): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE ${table} SET cents = cents + ${cents} WHERE id = ${id}`,
  )
  return result.affectedRows === 1
}
