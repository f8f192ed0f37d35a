import { describe, expect, test } from 'vitest'
import { LifeboatError } from '../../src/core/errors.ts'
import type { Finding } from '../../src/core/finding.ts'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { seedOracle } from '../testbed/oracle/fixture.ts'
import { createMemoryStaging } from '../testbed/oracle/memory-staging.ts'
import { OraError } from '../testbed/oracle/ora-error.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { failureOf, sourceOf, take } from './engine-suite.ts'

const never = new AbortController().signal
const MIB = 1024 ** 2

function seeded(): ScriptedOracle {
  const oracle = new ScriptedOracle()
  seedOracle(oracle)
  return oracle
}

const problems = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level === 'failure').map(({ topic, message }) => `${topic}: ${message}`)

describe('what of an Oracle server is taken', () => {
  test('schemas= takes those alone', async () => {
    const taken = await take(engineFor(seeded(), `&schemas=shop,"O'Hara"`))
    expect(taken.result.contents.databases.map(({ name }) => name)).toEqual(['SHOP', "O'Hara"])
    const target = new ScriptedOracle()
    await engineFor(target).restore(sourceOf(taken), { replace: false }, never)
    expect([...target.database.schemas.keys()]).not.toContain('Café 🦊')
    expect(target.database.rows("O'Hara", 'PEOPLE')).toHaveLength(7)
  })

  test('tables= takes those alone, in TABLE mode, and restores them into a schema that is there', async () => {
    const oracle = seeded()
    const taken = await take(engineFor(oracle, '&tables=SHOP.EMPTY,SHOP."Odd.Name"'))
    expect(oracle.started.at(-1)?.mode).toBe('TABLE')
    expect(taken.result.contents.tables.map(({ table }) => table).sort()).toEqual(['EMPTY', 'Odd.Name'])
    const target = new ScriptedOracle()
    target.database.tablespaces.add('SHOP_DATA')
    const refused = await failureOf(engineFor(target).restore(sourceOf(taken), { replace: false }, never))
    expect(refused.hint).toContain('CREATE USER SHOP')
    target.database.addSchema('SHOP')
    target.database.write('SHOP', 'MINE', ['mine'])
    const engine = engineFor(target)
    expect(await engine.occupied(sourceOf(taken).contents, never)).toEqual({ conflicts: [], others: [] })
    await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(target.database.rows('SHOP', 'Odd.Name')).toEqual(oracle.database.rows('SHOP', 'Odd.Name'))
    expect((await engine.occupied(sourceOf(taken).contents, never)).conflicts.toSorted()).toEqual([
      'SHOP.EMPTY',
      'SHOP.Odd.Name',
    ])
    await engine.restore(sourceOf(taken), { replace: true }, never)
    expect(target.database.rows('SHOP', 'MINE')).toEqual(['mine'])
  })

  test('a schema or table that is not there fails before anything starts', async () => {
    const oracle = seeded()
    for (const option of ['&schemas=SHOP,NOBODY', '&tables=SHOP.NOTHING']) {
      const { findings } = await engineFor(oracle, option).probe('source', never)
      expect(problems(findings)).toEqual([expect.stringMatching(/NOBODY|SHOP\.NOTHING/)])
    }
  })

  test("the provider's and Oracle's own users are left out, and so is an account of the database that holds nothing", async () => {
    const oracle = seeded()
    for (const name of ['RDSADMIN', 'RDSSEC', 'RDS_DATAGUARD', 'PDBADMIN']) oracle.database.addSchema(name)
    const probe = await engineFor(oracle).probe('source', never)
    expect(probe.databases.map(({ name }) => name)).toEqual(['SHOP', "O'Hara", 'Café 🦊'])
  })

  test('several workers only where the edition has them', async () => {
    for (const [edition, degree] of [
      ['Enterprise Edition', 3],
      ['Standard Edition 2', 1],
    ] as const) {
      const oracle = seeded()
      oracle.database.edition = edition
      await take(engineFor(oracle, '&piece=1M'), 'exact', 3)
      expect(oracle.started.at(-1)?.parallel).toBe(degree)
    }
  })

  test('without v$database the SCN comes by time, and the identity is unsure rather than wrong', async () => {
    const oracle = seeded()
    oracle.fault({ on: 'READ_DATABASE', kind: new OraError(942, 'table or view does not exist'), times: 99 })
    oracle.fault({ on: 'READ_SCN', kind: new OraError(942, 'table or view does not exist'), times: 99 })
    const { result, probe } = await take(engineFor(oracle))
    expect(oracle.calls).toContain('READ_SCN_BY_TIME')
    expect(result.position?.before).toMatch(/^\d+$/)
    expect(engineFor(oracle).compareIdentity(probe.identity, probe).verdict).toBe('unsure')
  })
})

describe('what a probe of an Oracle server finds', () => {
  test.each<readonly [string, (oracle: ScriptedOracle) => void, RegExp]>([
    [
      'a standby',
      ({ database }) => {
        database.openMode = 'READ ONLY WITH APPLY'
      },
      /open READ ONLY WITH APPLY/,
    ],
    [
      'the root of a container database',
      ({ database }) => {
        database.container = 'CDB$ROOT'
      },
      /pluggable/,
    ],
    [
      'no directory object',
      ({ database }) => void database.directories.clear(),
      /no directory object 'DATA_PUMP_DIR'/,
    ],
    [
      'a directory that may only be read',
      ({ database }) => void database.directoryGrants.delete('WRITE'),
      /may not WRITE/,
    ],
    [
      'no CREATE TABLE',
      ({ database }) => void database.privileges.delete('CREATE TABLE'),
      /may not CREATE TABLE/,
    ],
    [
      'no role for others',
      ({ database }) => void database.roles.clear(),
      /lacks the role DATAPUMP_EXP_FULL_DATABASE/,
    ],
    [
      'a disk group without room',
      ({ database }) =>
        void database.directories.set('DATA_PUMP_DIR', { path: '+DATA/dump', files: new Map() }),
      /1 MiB are free in disk group DATA/,
    ],
  ])('%s', async (_what, prepare, message) => {
    const oracle = seeded()
    prepare(oracle)
    const { findings } = await engineFor(oracle).probe('source', never)
    expect(problems(findings).join('\n')).toMatch(message)
    for (const { level, hint } of findings) if (level === 'failure') expect(hint).toMatch(/\S/)
  })

  test('room that no statement tells is a warning with the amount that is needed', async () => {
    const { findings } = await engineFor(seeded()).probe('source', never)
    expect(findings).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        topic: 'room',
        message: expect.stringMatching(/about \d+ MiB by its segments/),
      }),
    )
  })
})

describe('room for the whole dump', () => {
  /** Needs about 7 MiB, 4 of them for one row. */
  function big(fileMegabytes = 10): ScriptedOracle {
    const oracle = seeded()
    oracle.database.write('SHOP', 'BIG', ['x'.repeat(4 * MIB)])
    oracle.database.fileBytes = fileMegabytes * MIB
    return oracle
  }
  const roomOf = async (oracle: ScriptedOracle, options: string) => {
    const { findings } = await engineFor(oracle, options).probe('source', never)
    return findings.filter(({ topic }) => topic === 'room')
  }

  test.each([
    ['&room=3M', 10, 'failure', /about \d MiB by its segments; 3 MiB are free there, says room=/],
    ['&room=20M', 10, 'ok', /20 MiB are free there/],
    ['&storage=12M', 10, 'failure', /2 MiB at most are free of the 12 MiB of storage=, 10 MiB being files/],
    ['&storage=9M', 10, 'failure', /0 MiB at most are free/],
    ['&storage=100M', 90, 'warning', /10 MiB at most are free .*, of which \d MiB would be left/],
    ['&storage=1T', 10, 'ok', /1024.0 GiB at most are free/],
  ] as const)('%s, with %d MiB of files: %s', async (options, files, level, message) => {
    const [finding, ...others] = await roomOf(big(files), options)
    expect(others).toEqual([])
    expect(finding).toMatchObject({ level, message: expect.stringMatching(message) })
    if (level !== 'ok') expect(finding?.hint).toMatch(/storage|room=/)
  })

  test('each number that is known is compared', async () => {
    expect((await roomOf(big(), '&room=20M&storage=12M')).map(({ level }) => level)).toEqual([
      'ok',
      'failure',
    ])
  })

  test('on RDS what lies in the directory counts, too', async () => {
    const oracle = big()
    oracle.database.addSchema('RDSADMIN')
    oracle.database.files('DATA_PUMP_DIR').set('old.dmp', { data: Buffer.alloc(8 * MIB) })
    expect(await roomOf(oracle, '&storage=20M')).toMatchObject([
      { level: 'failure', message: expect.stringMatching(/2 MiB at most are free/) },
    ])
  })

  test('an account that may not see the files is told so', async () => {
    const oracle = big()
    oracle.database.roles.clear()
    expect(await roomOf(oracle, '&storage=1T')).toMatchObject([
      { level: 'warning', hint: expect.stringContaining('SELECT_CATALOG_ROLE') },
    ])
  })

  test('a restore is refused where its pieces do not fit, before anything is changed', async () => {
    const taken = await take(engineFor(big()))
    const target = new ScriptedOracle()
    const before = target.database.snapshot()
    for (const option of ['&room=2M', '&storage=12M']) {
      const failure = await failureOf(
        engineFor(target, option).restore(sourceOf(taken), { replace: false }, never),
      )
      expect(failure).toMatchObject({ code: 'unsupported', hint: expect.stringMatching(/room=|storage=/) })
      expect(failure.message).toMatch(/MiB by the backup; 2 MiB/)
    }
    expect(target.database.snapshot()).toBe(before)
    expect([...target.database.files('DATA_PUMP_DIR').keys()]).toEqual([])
    await engineFor(target, '&room=20M').restore(sourceOf(taken), { replace: false }, never)
    expect(target.database.rows('SHOP', 'BIG')).toHaveLength(1)
  })
})

describe('how an Oracle backup is restored', () => {
  test('remap-schema= and remap-tablespace= rename, for conflicts and counts too', async () => {
    const taken = await take(engineFor(seeded(), '&piece=1M'))
    const target = seeded()
    const engine = engineFor(
      target,
      '&remap-schema=SHOP:SHOP2,"O\'Hara":OHARA,"Café 🦊":CAFE&remap-tablespace=SHOP_DATA:USERS',
    )
    expect((await engine.occupied(sourceOf(taken).contents, never)).conflicts).toEqual([])
    const { restored } = await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(restored).toContain('schema SHOP as SHOP2')
    expect(await engine.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
    expect(target.database.schemas.get('SHOP2')?.tables.get('ORDERS')?.tablespace).toBe('USERS')
    expect((await engine.occupied(sourceOf(taken).contents, never)).conflicts.toSorted()).toEqual([
      'CAFE',
      'OHARA',
      'SHOP2',
    ])
  })

  test('a name that the backup does not hold is refused before anything is changed', async () => {
    const taken = await take(engineFor(seeded()))
    const target = new ScriptedOracle()
    const failure = await failureOf(
      engineFor(target, '&remap-schema=NOBODY:X').restore(sourceOf(taken), { replace: false }, never),
    )
    expect(failure.code).toBe('usage')
    expect(target.started).toEqual([])
  })

  test('a tablespace that can not be made is told with the line to type', async () => {
    const taken = await take(engineFor(seeded()))
    const target = new ScriptedOracle()
    target.database.managesFiles = false
    const failure = await failureOf(engineFor(target).restore(sourceOf(taken), { replace: false }, never))
    expect(failure.code).toBe('unsupported')
    expect(failure.hint).toMatch(/CREATE TABLESPACE SHOP_DATA DATAFILE.*remap-tablespace=SHOP_DATA:USERS/)
    expect(target.started).toEqual([])
  })

  test('nothing is dropped for a backup that turns out damaged, or whose tablespaces can not be made', async () => {
    const taken = await take(engineFor(seeded()))
    const target = seeded()
    const source = sourceOf(taken)
    const damage = new LifeboatError('integrity', 'the digest differs')
    const damaged = {
      ...source,
      async *open(name: string, signal: AbortSignal) {
        yield* source.open(name, signal)
        throw damage
      },
    }
    expect(await failureOf(engineFor(target).restore(damaged, { replace: true }, never))).toBe(damage)
    expect(target.database.rows('SHOP', 'ORDERS')).toHaveLength(2000)
    target.database.managesFiles = false
    target.database.tablespaces.delete('SHOP_DATA')
    const failure = await failureOf(engineFor(target).restore(source, { replace: true }, never))
    expect(failure.hint).toContain('CREATE TABLESPACE')
    expect(target.database.rows('SHOP', 'ORDERS')).toHaveLength(2000)
    expect(target.leftovers()).toEqual([])
  })

  test('a schema that holds something is replaced only when told, and never the own one', async () => {
    const taken = await take(engineFor(seeded()))
    const target = seeded()
    const failure = await failureOf(engineFor(target).restore(sourceOf(taken), { replace: false }, never))
    expect(failure.code).toBe('confirmation-required')
    const own = new ScriptedOracle('SHOP', 's3cret-0racle')
    own.database.write('SHOP', 'MINE', ['mine'])
    const refused = await failureOf(engineFor(own).restore(sourceOf(taken), { replace: true }, never))
    expect(refused.message).toContain('the account of this session')
    expect(own.database.rows('SHOP', 'MINE')).toEqual(['mine'])
  })

  test('an account that exists and holds nothing stays, and is reported', async () => {
    const taken = await take(engineFor(seeded()))
    const target = new ScriptedOracle()
    target.database.addSchema('SHOP', { tablespace: 'SHOP_DATA' })
    const { notRestored } = await engineFor(target).restore(sourceOf(taken), { replace: false }, never)
    expect(notRestored).toEqual([
      { what: expect.stringContaining('USER:"SHOP"'), reason: expect.stringContaining('stays as it is') },
    ])
  })

  test('table-exists-action=append adds to what is there', async () => {
    const oracle = seeded()
    const taken = await take(engineFor(oracle))
    const target = seeded()
    const engine = engineFor(target, '&table-exists-action=append')
    expect((await engine.occupied(sourceOf(taken).contents, never)).conflicts).toEqual([])
    await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(target.database.rows('SHOP', 'ORDERS')).toHaveLength(4000)
  })

  test('an older server and another character set', async () => {
    const taken = await take(engineFor(seeded()))
    const target = new ScriptedOracle()
    target.database.version = '12.1.0.2.0'
    const failure = await failureOf(engineFor(target).restore(sourceOf(taken), { replace: false }, never))
    expect(failure.code).toBe('unsupported')
    const other = new ScriptedOracle()
    other.database.characterSet = 'WE8ISO8859P1'
    const { warnings } = await engineFor(other).restore(sourceOf(taken), { replace: false }, never)
    expect(warnings).toEqual([expect.stringContaining('was AL32UTF8 and is WE8ISO8859P1')])
  })

  test.each([
    [
      'a grant to a role that is not there is reported',
      [
        'ORA-39083: Object type OBJECT_GRANT failed to create with error:',
        "ORA-01917: user or role 'READERS' does not exist",
      ],
      undefined,
    ],
    [
      'rows that did not get in are a failure',
      [
        'ORA-31693: Table data object "SHOP"."ORDERS" failed to load/unload and is being skipped due to error:',
        'ORA-01653: unable to extend table SHOP.ORDERS by 128 in tablespace USERS',
      ],
      /tablespace or quota is full/,
    ],
    [
      'a constraint that could not be made is a failure',
      [
        'ORA-39083: Object type REF_CONSTRAINT:"SHOP"."FK" failed to create with error:',
        'ORA-02298: cannot validate (SHOP.FK) - parent keys not found',
      ],
      /DBA_DATAPUMP_JOBS|reason/,
    ],
  ] as const)('%s', async (_what, log, hint) => {
    const taken = await take(engineFor(seeded()))
    const target = new ScriptedOracle()
    target.pump.script = { log }
    const restoring = engineFor(target).restore(sourceOf(taken), { replace: false }, never)
    if (hint === undefined) {
      const { notRestored } = await restoring
      expect(notRestored).toEqual([{ what: log[0], reason: log[1] }])
    } else {
      const failure = await failureOf(restoring)
      expect(failure.message).toContain(log[0])
      expect(failure.hint).toMatch(hint)
    }
    expect(target.leftovers()).toEqual([])
  })
})

describe('via=s3', () => {
  test('pieces go through the bucket in both directions, and nothing stays there', async () => {
    const oracle = seeded()
    const target = new ScriptedOracle()
    const { bucket, open } = createMemoryStaging(oracle, target)
    const engine = engineFor(oracle, '&piece=1M&via=s3', { staging: open })
    const probe = await engine.probe('source', never)
    const parts = new Map<string, { format: string; bytes: Uint8Array }>()
    let result: Awaited<ReturnType<typeof take>>['result']
    {
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      for await (const part of dump.parts) {
        const pieces: Uint8Array[] = []
        for await (const piece of part.open(never)) pieces.push(piece)
        parts.set(part.name, { format: part.format, bytes: Buffer.concat(pieces) })
      }
      result = await dump.finish(never)
      expect(bucket.objects.size).toBeGreaterThan(1)
      await dump.committed?.(never)
      expect(bucket.objects.size).toBe(0)
    }
    expect(oracle.calls).toContain('UPLOAD_TO_S3')
    expect(oracle.leftovers()).toEqual([])
    await engineFor(target, '&via=s3', { staging: open }).restore(
      sourceOf({ probe, result, parts }),
      { replace: false },
      never,
    )
    expect(target.calls).toContain('DOWNLOAD_FROM_S3')
    expect(target.database.snapshot()).toBe(oracle.database.snapshot())
    expect(bucket.objects.size).toBe(0)
    expect(target.leftovers()).toEqual([])
  })

  test('a task that fails is told with its log, and what came across is removed', async () => {
    const oracle = seeded()
    const { bucket, open } = createMemoryStaging()
    oracle.bucket = { name: 'another', sink: bucket }
    const failure = await failureOf(take(engineFor(oracle, '&via=s3', { staging: open })))
    expect(failure.message).toMatch(/The task failed/)
    expect(failure.hint).toContain('BDUMP/dbtask-')
    expect(bucket.objects.size).toBe(0)
    expect(oracle.leftovers()).toEqual([])
  })

  test('without --staging it says what to give', async () => {
    const oracle = seeded()
    const failure = await failureOf(take(engineFor(oracle, '&via=s3')))
    expect(failure).toMatchObject({ code: 'usage', hint: expect.stringContaining('--staging') })
    expect(oracle.leftovers()).toEqual([])
  })
})
