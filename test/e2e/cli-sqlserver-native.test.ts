import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type BucketStorage,
  createBucketStorage,
  newVersionedBucket,
  versionsIn,
} from '../testbed/bucket-storage.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { fileNames } from '../testbed/folder-contents.ts'
import { createLine, type Line, type LineRun } from '../testbed/line.ts'
import { type LinePlace, startFilePlace } from '../testbed/line-places.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import type { RdsState } from '../testbed/tds/server/rds-tasks.ts'

/** What every .bak file of the stand-in begins with. */
const PLAIN = 'LIFEBOAT TEST BAK'
const DENIED = 'Aborted the task because of a task failure or an overlap. Access Denied'

/** The stand-in plays RDS: its tasks write to, and read from, a bucket of a real S3 server. */
describe.skipIf(lacks('s3')).each(S3_SERVERS)(
  'layout=native by the command line, staging at %s',
  {
    timeout: 120_000,
  },
  (name) => {
    let line: Line
    let place: LinePlace
    let s3: S3Server
    let storage: BucketStorage
    let source: SqlServer
    let target: SqlServer
    let at: string

    beforeAll(async () => {
      ;[line, place, s3] = await Promise.all([createLine(), startFilePlace(), startS3Server(name)])
      storage = createBucketStorage(s3)
      ;[source, target] = await Promise.all([
        startSqlServer({ storage }),
        startSqlServer({ storage, facts: { name: 'another-server' } }),
      ])
      for (const [database, rows] of [
        ['big', 300],
        ['small', 3],
      ] as const) {
        await source.run(`CREATE DATABASE ${database}`)
        const values = Array.from({ length: rows }, (_, at) => `(${at}, N'row ${at}')`).join(', ')
        await source.run(
          `CREATE TABLE orders (id int NOT NULL PRIMARY KEY, what nvarchar(20))\nGO\nINSERT orders VALUES ${values}`,
          database,
        )
      }
      at = await (await place.newRoot()).url()
    }, 60_000)
    afterAll(async () => {
      await Promise.all([line, place, source, target, s3].map((each) => each?.[Symbol.asyncDispose]()))
    })
    beforeEach(() => {
      for (const server of [source, target]) {
        Object.assign(rdsOf(server), { holdTasks: false, failNext: null, steps: [] })
      }
    })

    function rdsOf(server: SqlServer): RdsState {
      const { rds } = server.state
      if (rds === null) throw new Error('this server plays no RDS')
      return rds
    }
    const urlOf = (server: SqlServer, database?: string, query: Record<string, string> = {}) =>
      server.url({ ...(database !== undefined && { database }), query: { layout: 'native', ...query } })
    /** Options of a run with this staging bucket. */
    function stagedAt(bucket: string, args: readonly string[] = []): LineRun {
      const query = new URLSearchParams({ endpoint: s3.endpoint, region: s3.region, 'path-style': 'true' })
      if (s3.kmsKey !== undefined) query.set('kms-key', s3.kmsKey)
      return { args: ['--staging', `s3://${bucket}/stage/here?${query}`, ...args], env: s3.env }
    }
    const claims = async () => (await readdir(join(line.home, 'state/staged')).catch(() => [])).length
    const rowsAt = (server: SqlServer, database: string) =>
      server.run('SELECT id, what FROM orders ORDER BY id', database)
    /** Resolves with the task that a run has begun, which stays under way until holdTasks is taken back. */
    async function heldTask(server: SqlServer, count: number) {
      return await vi.waitFor(
        () => {
          const task = rdsOf(server).tasks[count]
          expect(task?.lifecycle).toBe('IN_PROGRESS')
          if (task === undefined) throw new Error('no task')
          return task
        },
        { timeout: 60_000, interval: 50 },
      )
    }

    /** A task that is under way gets on with the next look at it, and is done with the one after. */
    function letGo(rds: RdsState): void {
      Object.assign(rds, { holdTasks: false, steps: [90] })
    }

    /** What has nothing to do with the make of the S3 server is tried at one of them. */
    const once = test.runIf(name === 'ceph')

    once('doctor looks at the option group and at the bucket', async () => {
      const { args = [], env = {} } = stagedAt(await newVersionedBucket(s3))
      const doctor = ['doctor', '--from', urlOf(source), '--password', 'env:DB_PASSWORD']
      const own = { home: line.home, env: { ...env, DB_PASSWORD: source.password } }
      const whole = await runLifeboat([...doctor, ...args], own)
      expect(whole.stdout).toMatch(/bucket 'lifeboat-\w+' answers this machine/)
      expect(whole.stdout).toMatch(/SQLSERVER_BACKUP_RESTORE are there/)
      expect(whole.exitCode).toBe(0)
      const gone = await runLifeboat([...doctor, ...(stagedAt('no-such-bucket-7f').args ?? [])], own)
      expect(gone.stdout).toMatch(/no-such-bucket-7f/)
      expect(gone.exitCode).not.toBe(0)
    })

    test('a dump leaves the region encrypted, a restore goes through SSE-KMS, and no version of a .bak stays', async () => {
      const [near, far] = [await newVersionedBucket(s3), await newVersionedBucket(s3)]
      const before = rdsOf(source).tasks.length
      const id = await line.dump(source, urlOf(source, undefined, { files: '2' }), at, stagedAt(near))
      expect(await versionsIn(s3, near)).toEqual([])
      expect(rdsOf(source).tasks.slice(before)).toMatchObject([
        {
          database: 'small',
          lifecycle: 'SUCCESS',
          arn: expect.stringContaining(`${near}/stage/here/lifeboat-`),
        },
        { database: 'big', lifecycle: 'SUCCESS' },
      ])
      const folder = new URL(at).pathname
      const stored = (await fileNames(folder)).filter((each) => each.includes('.bak'))
      expect(stored.length).toBe(4)
      for (const each of stored) expect((await readFile(join(folder, each))).includes(PLAIN)).toBe(false)

      storage.encryptionsRead.length = 0
      expect(await line.restore(target, at, target.url(), stagedAt(far))).toMatchObject({
        id,
        verified: true,
      })
      expect(storage.encryptionsRead).toEqual(Array.from({ length: 4 }, () => 'aws:kms'))
      expect(await versionsIn(s3, far)).toEqual([])
      for (const database of ['small', 'big']) {
        expect(await rowsAt(target, database)).toEqual(await rowsAt(source, database))
      }
      expect(await claims()).toBe(0)
    })

    once('a full and a differential backup, one restored upon the other', async () => {
      const bucket = await newVersionedBucket(s3)
      const chain = await (await place.newRoot()).url()
      const full = await line.dump(source, urlOf(source, 'small'), chain, stagedAt(bucket))
      await source.run("INSERT orders VALUES (100, N'after the full one')", 'small')
      const type = { 'backup-type': 'differential' }
      const differential = await line.dump(source, urlOf(source, 'small', type), chain, stagedAt(bucket))
      await using fresh = await startSqlServer({ storage, facts: { name: 'a-third-server' } })
      Object.assign(rdsOf(fresh), { steps: [] })

      const refused = line.startRestore(fresh, chain, fresh.url(), stagedAt(bucket))
      expect((await line.failureOf(refused, 'unsupported')).hint).toContain('recovery=norecovery')
      const first = await line.restore(fresh, chain, urlOf(fresh, undefined, { recovery: 'norecovery' }), {
        ...stagedAt(bucket, [full]),
      })
      expect(first).toMatchObject({ id: full, verified: false })
      const second = await line.restore(fresh, chain, fresh.url(), stagedAt(bucket, [differential]))
      expect(second).toMatchObject({ id: differential, verified: true })
      expect(await rowsAt(fresh, 'small')).toEqual(await rowsAt(source, 'small'))
      expect(await versionsIn(s3, bucket)).toEqual([])
    })

    once(
      'a role without rights ends the run with the first task, that of the smallest database',
      async () => {
        const bucket = await newVersionedBucket(s3)
        const rds = rdsOf(source)
        const before = rds.tasks.length
        rds.failNext = DENIED
        const failure = await line.failureOf(
          line.startDump(source, urlOf(source), at, stagedAt(bucket)),
          'sink-denied',
        )
        expect(failure.message).toMatch(
          /unable to back up database 'small': task \d+ failed: .*Access Denied/,
        )
        expect(failure.hint).toMatch(/role of the option group needs s3:ListBucket.*s3:PutObject/)
        expect(rds.tasks.length).toBe(before + 1)
        expect(await claims()).toBe(0)
      },
    )

    once.each(['SIGINT', 'SIGTERM'] as const)('%s cancels the task of a dump', async (signal) => {
      const bucket = await newVersionedBucket(s3)
      const rds = rdsOf(source)
      rds.holdTasks = true
      const run = line.startDump(source, urlOf(source, 'small'), at, stagedAt(bucket))
      const task = await heldTask(source, rds.tasks.length)
      run.kill(signal)
      await line.failureOf(run, signal === 'SIGINT' ? 'interrupted' : 'terminated')
      expect(task.lifecycle).toBe('CANCELLED')
      expect(await versionsIn(s3, bucket)).toEqual([])
      expect(await claims()).toBe(0)
    })

    test('an interrupted restore cancels its task and clears the bucket', async () => {
      const bucket = await newVersionedBucket(s3)
      const rds = rdsOf(target)
      rds.holdTasks = true
      const run = line.startRestore(target, at, target.url(), stagedAt(bucket, ['--replace']))
      const task = await heldTask(target, rds.tasks.length)
      expect(await versionsIn(s3, bucket)).not.toEqual([])
      run.kill('SIGINT')
      await line.failureOf(run, 'interrupted')
      expect(task.lifecycle).toBe('CANCELLED')
      expect(await versionsIn(s3, bucket)).toEqual([])
      expect(await claims()).toBe(0)
    })

    test('what a killed restore had staged, and the task that reads it, the next one does away with', async () => {
      const bucket = await newVersionedBucket(s3)
      const rds = rdsOf(target)
      rds.holdTasks = true
      const run = line.startRestore(target, at, target.url(), stagedAt(bucket, ['--replace']))
      const task = await heldTask(target, rds.tasks.length)
      run.kill('SIGKILL')
      await run
      expect((await versionsIn(s3, bucket)).length).toBeGreaterThan(0)
      letGo(rds)
      const restored = await line.restore(target, at, target.url(), stagedAt(bucket, ['--replace']))
      expect(restored).toMatchObject({ verified: true })
      expect(task.lifecycle).toBe('CANCELLED')
      expect(await versionsIn(s3, bucket)).toEqual([])
      expect(await rowsAt(target, 'big')).toEqual(await rowsAt(source, 'big'))
    })

    test('the task of a killed dump is cancelled by the next one, before it writes', async () => {
      const bucket = await newVersionedBucket(s3)
      const rds = rdsOf(source)
      rds.holdTasks = true
      const run = line.startDump(source, urlOf(source, 'small'), at, stagedAt(bucket))
      const task = await heldTask(source, rds.tasks.length)
      run.kill('SIGKILL')
      await run
      letGo(rds)
      await line.dump(source, urlOf(source, 'small'), at, stagedAt(bucket))
      expect(task.lifecycle).toBe('CANCELLED')
      expect(await versionsIn(s3, bucket)).toEqual([])
    })

    test('what the server writes for a killed dump after others have cleared the bucket, goes too', async () => {
      const bucket = await newVersionedBucket(s3)
      const rds = rdsOf(source)
      rds.holdTasks = true
      const run = line.startDump(source, urlOf(source, 'small'), at, stagedAt(bucket))
      const task = await heldTask(source, rds.tasks.length)
      run.kill('SIGKILL')
      await run
      // It knows nothing of the tasks of another server.
      await line.dump(target, urlOf(target, 'small'), at, stagedAt(bucket))
      expect(await versionsIn(s3, bucket)).toEqual([])
      rds.holdTasks = false
      await source.run(`EXEC msdb.dbo.rds_task_status @task_id = ${task.id}`)
      expect(task.lifecycle).toBe('SUCCESS')
      expect((await versionsIn(s3, bucket)).length).toBe(1)
      await line.dump(target, urlOf(target, 'small'), at, stagedAt(bucket))
      expect(await versionsIn(s3, bucket)).toEqual([])
    })
  },
)
