import { describe, expect, it } from 'vitest'
import { startSqlServer } from '../../../testbed/sqlserver.ts'
import { loadSqlServerFixture } from '../../../testbed/sqlserver-fixture.ts'
import { listSqlServerObjects } from '../../../testbed/sqlserver-objects.ts'

const ARN = 'arn:aws:s3:::bucket/some'

function createStorage() {
  const objects = new Map<string, Uint8Array>()
  const storage = {
    put: (arn: string, bytes: Uint8Array) => void objects.set(arn, bytes),
    get: (arn: string) => objects.get(arn),
    list: (prefix: string) => [...objects.keys()].filter((arn) => arn.startsWith(prefix)),
  }
  return { objects, storage }
}

async function startRds() {
  const { objects, storage } = createStorage()
  const server = await startSqlServer({ tls: 'off', storage })
  const look = async () => (await server.run('EXEC msdb.dbo.rds_task_status')).at(-1)
  return {
    server,
    objects,
    storage,
    look,
    /** To its end; the states on the way. */
    async follow(call: string): Promise<{ states: unknown[]; info: string }> {
      const [started] = await server.run(`EXEC msdb.dbo.${call}`)
      const states: unknown[] = [started?.lifecycle]
      for (let looks = 0; looks < 10; looks++) {
        const task = await look()
        states.push(task?.lifecycle)
        if (['SUCCESS', 'ERROR', 'CANCELLED'].includes(String(task?.lifecycle)))
          return { states, info: String(task?.task_info) }
      }
      throw new Error(`no end after ${states.join()}`)
    },
  }
}

describe('native backup and restore of RDS', () => {
  it('is not there without its option group', async () => {
    await using server = await startSqlServer({ tls: 'off' })
    await expect(server.run('EXEC msdb.dbo.rds_task_status')).rejects.toThrow('2812')
    expect(await server.run("SELECT OBJECT_ID('msdb.dbo.rds_task_status') AS id")).toEqual([{ id: null }])
  })

  it('writes files to the bucket that restore everything under another name', async () => {
    const { server, follow, objects } = await startRds()
    await using _ = server
    await loadSqlServerFixture(server)
    const before = listSqlServerObjects(server)
    const { states } = await follow(
      `rds_backup_database @source_db_name='shop', @s3_arn_to_backup_to='${ARN}/shop-*.bak', @number_of_files=3`,
    )
    expect(states).toEqual(['CREATED', 'IN_PROGRESS', 'IN_PROGRESS', 'IN_PROGRESS', 'SUCCESS'])
    expect([...objects.keys()]).toEqual([1, 2, 3].map((file) => `${ARN}/shop-${file}-of-3.bak`))
    expect(
      (
        await follow(`rds_restore_database @restore_db_name='copy', @s3_arn_to_restore_from='${ARN}/shop-*'`)
      ).states.at(-1),
    ).toBe('SUCCESS')
    const after = listSqlServerObjects(server)
    for (const [name, value] of before)
      if (name.startsWith('shop: ')) expect(after.get(name.replace('shop: ', 'copy: ')), name).toBe(value)
    expect((await server.run("SELECT Name FROM dbo.Customer WHERE Country = 'XX'", 'copy'))[0]).toEqual({
      Name: 'Zoë 🚀',
    })
  })

  it('ends in ERROR for cut bytes, a missing file, an existing target, and what the test asks for', async () => {
    const { server, follow, objects, storage } = await startRds()
    await using _ = server
    await server.run('CREATE DATABASE d')
    await follow(`rds_backup_database 'd', '${ARN}/d.bak'`)
    storage.put(`${ARN}/cut.bak`, (objects.get(`${ARN}/d.bak`) ?? new Uint8Array()).slice(0, -1))
    for (const [file, target, words] of [
      ['cut', 'x', 'incorrectly formed'],
      ['none', 'x', 'does not exist'],
      ['d', 'd', 'already exists'],
    ])
      expect(await follow(`rds_restore_database '${target}', '${ARN}/${file}.bak'`)).toMatchObject({
        info: expect.stringContaining(words ?? ''),
      })
    expect((await follow(`rds_backup_database 'd', '${ARN}/d.bak'`)).info).toContain('already exists')
    if (server.state.rds !== null) server.state.rds.failNext = 'Access Denied'
    expect((await follow(`rds_backup_database 'd', '${ARN}/e.bak'`)).info).toContain('Access Denied')
  })

  it('restores a differential upon a full one, and finishes', async () => {
    const { server, follow } = await startRds()
    await using _ = server
    await server.run('CREATE DATABASE d')
    await server.run('CREATE TABLE t (a int); INSERT INTO t VALUES (1)', 'd')
    expect((await follow(`rds_backup_database 'd', '${ARN}/diff.bak', @type='DIFFERENTIAL'`)).info).toContain(
      'current database backup does not exist',
    )
    await follow(`rds_backup_database 'd', '${ARN}/full.bak'`)
    await server.run('INSERT INTO t VALUES (2)', 'd')
    await follow(`rds_backup_database 'd', '${ARN}/diff.bak', @type='DIFFERENTIAL'`)
    await follow(`rds_restore_database 'copy', '${ARN}/full.bak', @with_norecovery=1`)
    await expect(server.run('SELECT a FROM copy.dbo.t')).rejects.toThrow('927')
    await follow(`rds_restore_database 'copy', '${ARN}/diff.bak', @type='DIFFERENTIAL', @with_norecovery=1`)
    expect((await follow(`rds_finish_restore 'copy'`)).states.at(-1)).toBe('SUCCESS')
    expect(await server.run('SELECT a FROM copy.dbo.t')).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('cancels a task that runs, and refuses what it does not know', async () => {
    const { server, look } = await startRds()
    await using _ = server
    await server.run('CREATE DATABASE d')
    const [task] = await server.run(`EXEC msdb.dbo.rds_backup_database 'd', '${ARN}/d.bak'`)
    await look()
    const [cancelled] = await server.run(`EXEC msdb.dbo.rds_cancel_task @task_id=${task?.task_id}`)
    expect(cancelled?.lifecycle).toBe('CANCEL_REQUESTED')
    expect((await look())?.lifecycle).toBe('CANCELLED')
    await expect(server.run("EXEC msdb.dbo.rds_backup_database @source_db_name='d'")).rejects.toThrow('201')
    await expect(server.run(`EXEC msdb.dbo.rds_backup_database 'd', '${ARN}/d', @colour=1`)).rejects.toThrow(
      '8145',
    )
    await expect(server.run(`EXEC msdb.dbo.rds_backup_database 'none', '${ARN}/d'`)).rejects.toThrow(
      'does not exist',
    )
    await expect(server.run(`BEGIN TRAN EXEC msdb.dbo.rds_backup_database 'd', '${ARN}/d'`)).rejects.toThrow(
      'transaction',
    )
  })
})
