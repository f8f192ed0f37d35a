import { describe, expect, test } from 'vitest'
import type { Gate } from '../../src/core/gate.ts'
import { Secret } from '../../src/core/secret.ts'
import type { OracleConnection } from '../../src/engines/oracle/connection.ts'
import { WRITE_SCRATCH } from '../../src/engines/oracle/gate-statements.ts'
import { clientLine } from '../../src/runbooks/fence-sql.ts'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { OraError } from '../testbed/oracle/ora-error.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { failureOf } from './engine-suite.ts'

const { signal } = new AbortController()
const PASSWORD = 'app'
const LOCKS = ['ALTER USER "APP" ACCOUNT LOCK', 'ALTER USER "Odd Name" ACCOUNT LOCK']
const UNLOCKS = LOCKS.map((sql) => sql.replace('LOCK', 'UNLOCK'))

interface Stage {
  readonly oracle: ScriptedOracle
  readonly gate: Gate
  connect(user?: string): Promise<OracleConnection>
  state(): unknown
}

/** Plays Oracle as its documents say: no real one was there to try it on. */
function start({ user = 'ADMIN', rds = true } = {}): Stage {
  const oracle = new ScriptedOracle(user)
  const { database } = oracle
  for (const name of ['APP', 'Odd Name', 'GONE']) database.addSchema(name, { password: PASSWORD })
  database.accounts.setStatus('GONE', 'EXPIRED & LOCKED')
  if (rds) for (const name of ['RDSADMIN', 'RDSSEC']) database.addSchema(name, { password: PASSWORD })
  const { gate } = engineFor(oracle)
  if (gate === undefined) throw new Error('it has no gate')
  return {
    oracle,
    gate,
    connect: (name = 'APP') =>
      oracle.source({ user: name, password: async () => new Secret(PASSWORD) }).open(signal),
    state: () => [...database.schemas.keys()].map((name) => [name, database.accounts.statusOf(name)]),
  }
}

const write = (application: OracleConnection) =>
  application.call(WRITE_SCRATCH, { p_table: 't' }, { p_read: { type: 'number' } }, signal)

const HERE = [
  ['on RDS', { rds: true }, 'END_SESSION_ON_RDS'],
  ['elsewhere', { rds: false }, 'END_SESSION'],
] as const

describe('the gate of Oracle', () => {
  test('a scratch table is written, read and removed', async () => {
    const { oracle, gate } = start()
    const before = oracle.database.snapshot()
    await gate.tryWrite(signal)
    expect(oracle.calls).toContain('WRITE_SCRATCH')
    expect(oracle.database.snapshot()).toBe(before)
    oracle.database.openMode = 'READ ONLY'
    expect((await failureOf(gate.tryWrite(signal))).message).toContain('ORA-16000')
  })

  test.each(HERE)(
    'a fence %s ends what is open, keeps out what comes, and lifts to what was',
    async (_, how, by) => {
      const { oracle, gate, connect, state } = start(how)
      const before = state()
      const application = await connect()
      await write(application)
      const colleague = await oracle
        .source({
          user: 'ADMIN',
          password: async () => new Secret('s3cret-0racle'),
        })
        .open(signal)
      const server = how.rds ? await connect('RDSADMIN') : undefined
      expect(await gate.writable(signal)).toBe('writable')
      const plan = await gate.planFence(signal)
      expect(state()).toEqual(before)
      expect(plan).toMatchObject({ client: 'sqlplus', statements: LOCKS, undo: UNLOCKS })
      expect(plan.limits.join(' ')).toMatch(/ADMIN.*scheduler.*PDB1.*outlast a restart/)

      const { done, failed } = await gate.fence(plan.statements, signal)
      expect(failed).toEqual([])
      expect(done).toEqual([
        ...LOCKS,
        expect.stringMatching(/kill\(\d+, \d+, 'IMMEDIATE'\)|'\d+,\d+,@1' IMMEDIATE/i),
      ])
      expect(oracle.calls.filter((name) => name.startsWith('END_SESSION'))).toEqual([by])
      await expect(write(application)).rejects.toThrow()
      await expect(connect()).rejects.toThrow(/ORA-28000/)
      // Our own goes on, and counts until it is gone: applications may use this account.
      await write(colleague)
      expect(await gate.writable(signal)).toBe('writable')
      await colleague[Symbol.asyncDispose]()
      expect(await gate.writable(signal)).toBe('read-only')
      if (server !== undefined) await write(server)

      expect((await gate.planFence(signal)).statements).toEqual([])
      expect(await gate.fence(plan.statements, signal)).toEqual({ done: LOCKS, failed: [] })
      const { standing } = await gate.planUnfence(signal)
      expect(standing).toEqual([...UNLOCKS, 'ALTER USER "GONE" ACCOUNT UNLOCK'])
      await gate.unfence(plan.undo, signal)
      expect((await gate.planUnfence(signal)).lifted).toEqual(UNLOCKS)
      expect(state()).toEqual(before)
      await write(await connect())
    },
  )

  test('an account that came after the plan still takes writes, and is in the next plan', async () => {
    const { oracle, gate } = start()
    const plan = await gate.planFence(signal)
    oracle.database.addSchema('LATE')
    expect((await gate.fence(plan.statements, signal)).failed).toEqual([])
    expect(await gate.writable(signal)).toBe('writable')
    const { statements } = await gate.planFence(signal)
    expect(statements).toEqual(['ALTER USER "LATE" ACCOUNT LOCK'])
    await gate.fence(statements, signal)
    expect(await gate.writable(signal)).toBe('read-only')
  })

  test('what opens by itself, or with a new password, is locked too', async () => {
    const { oracle, gate } = start()
    oracle.database.accounts.setStatus('APP', 'LOCKED(TIMED)')
    oracle.database.accounts.setStatus('Odd Name', 'EXPIRED')
    expect((await gate.planFence(signal)).statements).toEqual(LOCKS)
    expect(await gate.writable(signal)).toBe('writable')
  })

  test('who may not alter users is told what failed, and sessions are ended all the same', async () => {
    const { oracle, gate, connect } = start()
    const application = await connect()
    oracle.database.roles.delete('DBA')
    const { done, failed } = await gate.fence(LOCKS, signal)
    expect(failed).toEqual(LOCKS.map((sql) => expect.stringMatching(`^${sql}: .*lock account .*ORA-01031`)))
    expect(done).toHaveLength(1)
    await expect(write(application)).rejects.toThrow()
    expect(await gate.writable(signal)).toBe('writable')
    expect(await failureOf(gate.unfence(UNLOCKS, signal))).toMatchObject({
      message: expect.stringMatching(/unlock account 'APP'.*ORA-01031/),
      hint: expect.stringMatching(/GRANT ALTER USER.*ALTER USER "APP" ACCOUNT UNLOCK/),
    })
  })

  test('who may not see the accounts can tell nothing, and is told what to grant', async () => {
    const { oracle, gate } = start()
    oracle.database.roles.clear()
    for (const asking of [gate.writable, gate.planFence, gate.planUnfence])
      expect(await failureOf(asking(signal))).toMatchObject({
        code: 'unsupported',
        hint: expect.stringMatching(/GRANT SELECT_CATALOG_ROLE, ALTER USER TO ADMIN/),
      })
  })

  test('where there is no other account, applications use this one', async () => {
    const oracle = new ScriptedOracle('ADMIN')
    const { gate } = engineFor(oracle)
    expect((await gate?.planFence(signal))?.statements).toEqual([])
    expect(await gate?.writable(signal)).toBe('writable')
    oracle.database.openMode = 'READ ONLY WITH APPLY'
    expect(await gate?.writable(signal)).toBe('read-only')
    expect((await gate?.planFence(signal))?.limits).toEqual([])
  })

  test('common accounts are named, and locked from the root alone', async () => {
    const { oracle, gate } = start()
    oracle.database.addSchema('C##OPS')
    const plan = await gate.planFence(signal)
    expect(plan.statements).toEqual(LOCKS)
    expect(plan.limits.join('\n')).toContain('C##OPS')
    oracle.database.container = 'CDB$ROOT'
    expect((await gate.planFence(signal)).statements).toContain('ALTER USER "C##OPS" ACCOUNT LOCK')
  })

  test('a session that ends by itself is no failure', async () => {
    const { oracle, gate, connect } = start()
    await connect()
    oracle.fault({ on: 'END_SESSION_ON_RDS', kind: new OraError(30, 'User session ID does not exist.') })
    expect((await gate.fence([], signal)).failed).toEqual([])
  })

  test('nothing but locks is carried out', async () => {
    const { gate, oracle } = start()
    const other = 'ALTER USER "APP" IDENTIFIED BY x ACCOUNT UNLOCK'
    expect((await gate.fence([other], signal)).failed).toEqual([expect.stringContaining('not a statement')])
    await expect(gate.unfence([other], signal)).rejects.toThrow(/not a statement of a fence/)
    expect(oracle.calls.filter((name) => /LOCK/.test(name))).toEqual([])
  })

  test('by hand, a line types the statement into sqlplus', () => {
    expect(clientLine('sqlplus', { host: 'db.test', port: 1521 }, LOCKS[0] ?? '').argv).toEqual([
      ...['sh', '-c', 'echo "$1;" | sqlplus -S -L USER/PASSWORD@//db.test:1521/SERVICE', 'sh'],
      'ALTER USER "APP" ACCOUNT LOCK',
    ])
  })
})
