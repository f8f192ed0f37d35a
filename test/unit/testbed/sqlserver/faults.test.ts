import { describe, expect, it } from 'vitest'
import { type SqlServer, startSqlServer } from '../../../testbed/sqlserver.ts'
import { connectTedious, runTedious } from '../../../testbed/tds/tedious-client.ts'

async function connect(server: SqlServer) {
  return await connectTedious({ port: server.port, user: 'sa', password: server.password })
}

async function startWithRows() {
  const server = await startSqlServer({ tls: 'off' })
  await server.run('CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2), (3), (4), (5)')
  return server
}

describe('faults', () => {
  it('fail a statement before its rows, or after some', async () => {
    await using server = await startWithRows()
    const connection = await connect(server)
    using _ = server.fault({ match: /FROM t/, times: 1, error: { number: 1205, message: 'deadlock' } })
    await expect(runTedious(connection, 'SELECT a FROM t').result).rejects.toMatchObject({
      number: 1205,
      rowsBefore: 0,
    })
    using __ = server.fault({
      match: /FROM t/,
      times: 1,
      afterRows: 3,
      error: { number: 824, message: 'torn page', severity: 24 },
    })
    await expect(runTedious(connection, 'SELECT a FROM t').result).rejects.toMatchObject({ rowsBefore: 3 })
    connection.close()
  })

  it('cut the connection after some rows, and let the next one in', async () => {
    await using server = await startWithRows()
    const connection = await connect(server)
    const cut = server.fault({ match: /FROM t/, afterRows: 2, disconnect: true })
    await expect(runTedious(connection, 'SELECT a FROM t').result).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    cut[Symbol.dispose]()
    const next = await connect(server)
    expect((await runTedious(next, 'SELECT a FROM t').result).rows).toHaveLength(5)
    next.close()
  })

  it('stall until the client gives up', async () => {
    await using server = await startWithRows()
    const connection = await connect(server)
    const hit = Promise.withResolvers<void>()
    using _ = server.fault({ match: /FROM t/, stall: true, onHit: hit.resolve })
    const { result } = runTedious(connection, 'SELECT a FROM t')
    const refused = expect(result).rejects.toMatchObject({ code: 'ECLOSE' })
    await hit.promise
    connection.close()
    await refused
  })

  it('hide views and columns, as a server of another make lacks them', async () => {
    await using server = await startWithRows()
    server.faults.hiddenViews.add('sys.periods')
    server.faults.hiddenColumns.add('sys.tables.temporal_type')
    await expect(server.run('SELECT * FROM sys.periods')).rejects.toThrow('208')
    await expect(server.run('SELECT temporal_type FROM sys.tables')).rejects.toThrow('207')
    expect(Object.keys((await server.run('SELECT * FROM sys.tables'))[0] ?? {})).not.toContain(
      'temporal_type',
    )
  })

  it('cut every connection on a restart, and refuse logins when told', async () => {
    await using server = await startWithRows()
    const connection = await connect(server)
    const ended = new Promise<void>((resolve) => connection.on('end', () => resolve()))
    server.restart()
    await ended
    server.faults.refuseLogins = { number: 17142, message: 'SQL Server service has been paused.' }
    await expect(connect(server)).rejects.toThrow('paused')
    server.faults.refuseLogins = null
    ;(await connect(server)).close()
  })
})
