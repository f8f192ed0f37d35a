import { describe, expect, it } from 'vitest'
import { scriptAfter, scriptBefore } from '../../../../../src/engines/sqlserver/schema/script.ts'
import { scriptDatabase } from '../../../../../src/engines/sqlserver/schema/script-database.ts'
import { readSteps, type Step, writeSteps } from '../../../../../src/engines/sqlserver/schema/step.ts'
import { catalog, column, everything, module, table } from './sample-catalog.ts'

const before = scriptBefore(everything)
const after = scriptAfter(everything)

function batchesOf(steps: readonly Step[], kind: string): readonly string[] {
  return steps
    .filter((step) => step.kind === kind)
    .flatMap(({ batches }) => batches.map((batch) => batch.replace(/\s+/g, ' ')))
}

function placeOf(kind: string, name: string): number {
  const place = after.findIndex((step) => step.kind === kind && step.name.includes(name))
  expect(place, `${kind} ${name}`).toBeGreaterThanOrEqual(0)
  return place
}

describe('before the rows', () => {
  it('makes schemas, types and sequences', () => {
    expect(batchesOf(before, 'schema')).toEqual(['CREATE SCHEMA [sales]', 'CREATE SCHEMA [plain]'])
    expect(batchesOf(before, 'type')).toEqual(['CREATE TYPE [dbo].[phone] FROM varchar(20) NOT NULL'])
    expect(batchesOf(before, 'table type')).toEqual([
      'CREATE TYPE [dbo].[lines] AS TABLE ( [id] int IDENTITY(1,1) NOT NULL, PRIMARY KEY CLUSTERED ([id] ASC), INDEX [ix_lines] NONCLUSTERED ([id] ASC), CHECK ([id]>(0)) )',
    ])
    expect(batchesOf(before, 'sequence')).toEqual([
      'CREATE SEQUENCE [dbo].[numbers] AS bigint START WITH 1 INCREMENT BY 2 MINVALUE 1 MAXVALUE 9223372036854775807 NO CYCLE CACHE 50',
      'CREATE SEQUENCE [dbo].[cycled] AS decimal(20,0) START WITH 5 INCREMENT BY -3 MINVALUE -10 MAXVALUE 100 CYCLE NO CACHE',
      'CREATE SEQUENCE [dbo].[unused] AS [dbo].[number] START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 10 NO CYCLE CACHE',
    ])
  })

  it('makes partition functions and schemes, all in PRIMARY', () => {
    expect(batchesOf(before, 'partition function')).toEqual([
      'CREATE PARTITION FUNCTION [by_id] (int) AS RANGE RIGHT FOR VALUES (10, 20)',
      "CREATE PARTITION FUNCTION [by_day] (varchar(10)) AS RANGE LEFT FOR VALUES (CAST(N'a' AS varchar(10)))",
    ])
    expect(batchesOf(before, 'partition scheme')).toEqual([
      'CREATE PARTITION SCHEME [ps] AS PARTITION [by_id] ALL TO ([PRIMARY])',
    ])
  })

  it('makes tables with all that a column can have, but what calls functions', () => {
    const [orders, escalation, events, facts, mixed, prices, , memory] = batchesOf(before, 'table')
    expect(orders).toBe(
      "CREATE TABLE [sales].[odd ]]name] ( [id] int IDENTITY(10,5) NOT FOR REPLICATION NOT NULL, [code] nvarchar(20) COLLATE Latin1_General_CI_AS MASKED WITH (FUNCTION = 'partial(1,\"xxx\",0)') NOT NULL CONSTRAINT [df_code] DEFAULT (N'x'), [amount] decimal(18,4) NULL, [phone] [dbo].[phone] NULL, [guid] uniqueidentifier ROWGUIDCOL NOT NULL, [seen] datetimeoffset(3) NULL, [doc] xml(DOCUMENT [dbo].[shapes]) NULL, [twice] AS ([amount]*(2)) PERSISTED NOT NULL, [rate] int NULL, [based] AS ([dbo].[half]([amount])), [rare] int SPARSE NULL, [all] xml COLUMN_SET FOR ALL_SPARSE_COLUMNS, [version] timestamp NOT NULL )",
    )
    expect(escalation).toBe('ALTER TABLE [sales].[odd ]]name] SET (LOCK_ESCALATION = AUTO)')
    expect(events).toBe(
      'CREATE TABLE [dbo].[events] ( [id] int NOT NULL, [kind] int NOT NULL, [data] varbinary(max) NULL ) ON [ps] ([id]) WITH (DATA_COMPRESSION = PAGE ON PARTITIONS (1, 2), DATA_COMPRESSION = NONE ON PARTITIONS (3))',
    )
    expect(facts).toBe('CREATE TABLE [dbo].[facts] ( [id] int NOT NULL, [x] float NULL )')
    expect(mixed).toBe('CREATE TABLE [dbo].[mixed] ( [id] int NOT NULL, [y] real NULL )')
    expect(prices).toBe(
      'CREATE TABLE [dbo].[prices] ( [id] int NOT NULL, [from] datetime2(7) NOT NULL, [until] datetime2(7) NOT NULL )',
    )
    expect(memory).toBe(
      'CREATE TABLE [dbo].[memory] ( [id] int NOT NULL, CONSTRAINT [pk_memory] PRIMARY KEY NONCLUSTERED HASH ([id]) WITH (BUCKET_COUNT = 1024), INDEX [ix_memory] NONCLUSTERED ([id] ASC) ) WITH (MEMORY_OPTIMIZED = ON, DURABILITY = SCHEMA_ONLY)',
    )
  })

  it('makes functions that columns call before the tables, where they need none', () => {
    const names = before.map(({ kind, name }) => `${kind} ${name}`)
    const functions = names.filter((name) => name.startsWith('function'))
    expect(functions).toEqual(['function [dbo].[third]', 'function [dbo].[half]'])
    expect(names.indexOf('function [dbo].[half]')).toBeLessThan(
      names.findIndex((name) => name.startsWith('table ')),
    )
    expect(after.map(({ name }) => name)).not.toContain('[dbo].[half]')
  })

  it('makes clustered keys and indexes, and no other', () => {
    expect(batchesOf(before, 'primary key')).toEqual([
      'ALTER TABLE [sales].[odd ]]name] ADD CONSTRAINT [pk_orders] PRIMARY KEY CLUSTERED ([id] ASC)',
      'ALTER TABLE [dbo].[prices] ADD CONSTRAINT [pk_prices] PRIMARY KEY CLUSTERED ([id] ASC)',
    ])
    expect(batchesOf(before, 'index')).toEqual([
      'CREATE CLUSTERED COLUMNSTORE INDEX [cci] ON [dbo].[facts] ORDER ([x]) WITH (COMPRESSION_DELAY = 10, DATA_COMPRESSION = COLUMNSTORE_ARCHIVE) ON [ps] ([id])',
    ])
  })
})

describe('after the rows', () => {
  it('makes other keys and indexes, and disables those that were', () => {
    expect(batchesOf(after, 'unique')).toEqual([
      'ALTER TABLE [sales].[odd ]]name] ADD CONSTRAINT [uq] UNIQUE NONCLUSTERED ([code] ASC, [amount] DESC) WITH (PAD_INDEX = ON, FILLFACTOR = 80, IGNORE_DUP_KEY = ON)',
    ])
    expect(batchesOf(after, 'index')).toEqual([
      'CREATE UNIQUE NONCLUSTERED INDEX [ix_filtered] ON [sales].[odd ]]name] ([amount] ASC) INCLUDE ([code]) WHERE ([amount]>(1))',
      'CREATE NONCLUSTERED INDEX [ix_disabled] ON [sales].[odd ]]name] ([seen] ASC) WITH (ALLOW_ROW_LOCKS = OFF, ALLOW_PAGE_LOCKS = OFF)',
      'CREATE PRIMARY XML INDEX [xml_first] ON [sales].[odd ]]name] ([doc])',
      'CREATE XML INDEX [xml_path] ON [sales].[odd ]]name] ([doc]) USING XML INDEX [xml_first] FOR PATH',
      'CREATE SPATIAL INDEX [places] ON [dbo].[mixed] ([y]) USING GEOMETRY_GRID WITH (BOUNDING_BOX = (0, -1.5, 10, 2.0000000000000001e-003), GRIDS = (LOW, MEDIUM, HIGH, HIGH), CELLS_PER_OBJECT = 16)',
      'CREATE SPATIAL INDEX [globe] ON [dbo].[mixed] ([y]) USING GEOGRAPHY_AUTO_GRID',
      'CREATE NONCLUSTERED COLUMNSTORE INDEX [ncci] ON [dbo].[mixed] ([id], [y]) WHERE ([y]>(0))',
      'CREATE NONCLUSTERED INDEX [ix_taxed] ON [sales].[odd ]]name] ([taxed] ASC) WITH (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON)',
      'CREATE UNIQUE CLUSTERED INDEX [ix_w] ON [dbo].[w] ([id] ASC)',
    ])
    expect(batchesOf(after, 'disabled index')).toEqual([
      'ALTER INDEX [ix_disabled] ON [sales].[odd ]]name] DISABLE',
    ])
  })

  it('checks what was trusted, and leaves the rest as it was', () => {
    expect(batchesOf(after, 'check')).toEqual([
      'ALTER TABLE [sales].[odd ]]name] WITH CHECK ADD CONSTRAINT [ck] CHECK ([amount]>=(0))',
      'ALTER TABLE [sales].[odd ]]name] WITH NOCHECK ADD CONSTRAINT [ck_off] CHECK ([amount]<(9))',
      'ALTER TABLE [sales].[odd ]]name] NOCHECK CONSTRAINT [ck_off]',
    ])
    expect(batchesOf(after, 'foreign key')).toEqual([
      'ALTER TABLE [sales].[odd ]]name] WITH CHECK ADD CONSTRAINT [fk] FOREIGN KEY ([id], [rare]) REFERENCES [dbo].[events] ([id], [kind]) ON DELETE SET NULL ON UPDATE CASCADE',
      'ALTER TABLE [sales].[odd ]]name] WITH NOCHECK ADD CONSTRAINT [fk_untrusted] FOREIGN KEY ([id]) REFERENCES [dbo].[events] ([id]) NOT FOR REPLICATION',
    ])
  })

  it('asks for the rows that break a constraint', () => {
    const { violations } = after[placeOf('foreign key', '[fk]')] ?? {}
    expect(violations).toEqual({
      rows: 'SELECT TOP (10) CAST(child.[id] AS nvarchar(200)) AS [id], CAST(child.[rare] AS nvarchar(200)) AS [rare] FROM [sales].[odd ]]name] AS child WHERE child.[id] IS NOT NULL AND child.[rare] IS NOT NULL AND NOT EXISTS (SELECT * FROM [dbo].[events] AS parent WHERE parent.[id] = child.[id] AND parent.[kind] = child.[rare])',
      unchecked:
        'ALTER TABLE [sales].[odd ]]name] WITH NOCHECK ADD CONSTRAINT [fk] FOREIGN KEY ([id], [rare]) REFERENCES [dbo].[events] ([id], [kind]) ON DELETE SET NULL ON UPDATE CASCADE',
    })
    expect(after[placeOf('check', '[ck]')]?.violations?.rows).toBe(
      'SELECT TOP (10) CAST([id] AS nvarchar(200)) AS [id], CAST([amount] AS nvarchar(200)) AS [amount] FROM [sales].[odd ]]name] WHERE NOT (([amount]>=(0)))',
    )
    expect(after[placeOf('foreign key', '[fk_untrusted]')]?.violations).toBeUndefined()
  })

  it('puts modules in the order of their dependencies, each under its own settings', () => {
    const order = ['[base]', '[tax]', '[w]', '[v]', '[p]']
    const places = order.map((name) =>
      after.findIndex((step) => step.name === `[dbo].${name}` && step.onFailure === 'retry'),
    )
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(after[placeOf('function', '[tax]')]?.batches[0]).toBe(
      'SET ANSI_NULLS ON\nSET QUOTED_IDENTIFIER OFF',
    )
    expect(after[placeOf('procedure', '[p]')]?.batches[0]).toBe(
      'SET ANSI_NULLS OFF\nSET QUOTED_IDENTIFIER ON',
    )
  })

  it('adds what calls functions once these are there, and then the indexes on it', () => {
    expect(batchesOf(after, 'computed column')).toEqual([
      'ALTER TABLE [sales].[odd ]]name] ADD [taxed] AS ([dbo].[tax]([amount]))',
    ])
    expect(batchesOf(after, 'default').filter((batch) => batch.includes('df_rate'))).toEqual([
      'ALTER TABLE [sales].[odd ]]name] ADD CONSTRAINT [df_rate] DEFAULT ([dbo].[tax]((1))) FOR [rate]',
    ])
    expect(placeOf('function', '[tax]')).toBeLessThan(placeOf('computed column', '[taxed]'))
    expect(placeOf('computed column', '[taxed]')).toBeLessThan(placeOf('view', '[w]'))
    expect(placeOf('computed column', '[taxed]')).toBeLessThan(placeOf('index', '[ix_taxed]'))
    expect(placeOf('function', '[tax]')).toBeLessThan(placeOf('table type', '[taxes]'))
  })

  it('turns versioning on with the history that was loaded', () => {
    expect(batchesOf(after, 'system versioning')).toEqual([
      'ALTER TABLE [dbo].[prices] ADD PERIOD FOR SYSTEM_TIME ([from], [until])',
      'ALTER TABLE [dbo].[prices] ALTER COLUMN [from] ADD HIDDEN',
      'ALTER TABLE [dbo].[prices] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[prices_history], DATA_CONSISTENCY_CHECK = ON, HISTORY_RETENTION_PERIOD = 6 MONTH))',
    ])
  })

  it('goes on counting where the source was', () => {
    expect(batchesOf(after, 'position of identity column')).toEqual([
      "IF EXISTS (SELECT * FROM [sales].[odd ]]name]) BEGIN DBCC CHECKIDENT (N'[sales].[odd ]]name]', RESEED, 35) WITH NO_INFOMSGS DBCC CHECKIDENT (N'[sales].[odd ]]name]', RESEED) WITH NO_INFOMSGS END ELSE DBCC CHECKIDENT (N'[sales].[odd ]]name]', RESEED, 40) WITH NO_INFOMSGS",
    ])
    expect(batchesOf(after, 'position of sequence')).toEqual([
      "DECLARE @first sql_variant EXECUTE sys.sp_sequence_get_range @sequence_name = N'[dbo].[numbers]', @range_size = 5, @range_first_value = @first OUTPUT",
      'ALTER SEQUENCE [dbo].[cycled] RESTART WITH 98',
      'SELECT NEXT VALUE FOR [dbo].[cycled] AS taken',
    ])
  })

  it('does not seed an empty table beyond what its column can hold', () => {
    const identity = { seed: '1', increment: '1', lastValue: '255', notForReplication: false }
    const full = table('full', [column('id', 'tinyint', { identity })])
    const [batch] = batchesOf(scriptAfter(catalog({ tables: [full] })), 'position of identity column')
    expect(batch?.match(/RESEED, \d+/g)).toEqual(['RESEED, 255', 'RESEED, 255'])
  })

  it('makes triggers after the constraints, and keeps those on the database quiet until the end', () => {
    expect(batchesOf(after, 'disabled trigger')).toEqual(['DISABLE TRIGGER [dbo].[tr] ON [dbo].[events]'])
    expect(batchesOf(after, 'order of trigger')).toEqual([
      "EXECUTE sys.sp_settriggerorder @triggername = N'[dbo].[tr]', @order = N'First', @stmttype = N'INSERT'",
      "EXECUTE sys.sp_settriggerorder @triggername = N'[guard]', @order = N'Last', @stmttype = N'DROP_TABLE', @namespace = N'DATABASE'",
    ])
    expect(batchesOf(after, 'database trigger').slice(1)).toEqual([
      'CREATE TRIGGER guard ON DATABASE FOR DROP_TABLE AS RETURN',
      'DISABLE TRIGGER [guard] ON DATABASE',
    ])
    expect(after.at(-1)?.batches).toEqual(['ENABLE TRIGGER [guard] ON DATABASE'])
    expect(placeOf('foreign key', '[fk]')).toBeLessThan(placeOf('trigger', '[tr]'))
  })

  it('makes users first, and gives owners before permissions', () => {
    expect(batchesOf(after, 'user')).toEqual([
      "IF SUSER_ID(N'o''bob') IS NULL CREATE USER [bob] WITHOUT LOGIN WITH DEFAULT_SCHEMA = [sales] ELSE CREATE USER [bob] FOR LOGIN [o'bob] WITH DEFAULT_SCHEMA = [sales]",
      'CREATE USER [nobody] WITHOUT LOGIN',
      'REVOKE CONNECT FROM [nobody]',
      'CREATE USER [ann] FROM EXTERNAL PROVIDER',
    ])
    expect(batchesOf(after, 'role')).toEqual(['CREATE ROLE [readers]'])
    expect(batchesOf(after, 'member of role')).toEqual(['ALTER ROLE [db_datareader] ADD MEMBER [bob]'])
    expect(batchesOf(after, 'owner')).toEqual([
      'ALTER AUTHORIZATION ON ROLE::[readers] TO [bob]',
      'ALTER AUTHORIZATION ON SCHEMA::[sales] TO [bob]',
      'ALTER AUTHORIZATION ON OBJECT::[dbo].[events] TO [bob]',
    ])
    expect(batchesOf(after, 'permission')).toEqual([
      'GRANT SELECT ON OBJECT::[dbo].[events] ([kind]) TO [bob] WITH GRANT OPTION',
      'DENY VIEW DEFINITION TO [readers] AS [bob]',
      'REVOKE SELECT ON OBJECT::[dbo].[events] ([data]) FROM [bob]',
    ])
    expect(placeOf('user', '[bob]')).toBeLessThan(placeOf('function', '[base]'))
    expect(placeOf('owner', 'OBJECT::[dbo].[events]')).toBeLessThan(placeOf('permission', 'GRANT SELECT'))
  })

  it('makes full-text catalogs, stoplists and indexes', () => {
    expect(batchesOf(after, 'full-text catalog')).toEqual([
      'CREATE FULLTEXT CATALOG [ft] WITH ACCENT_SENSITIVITY = OFF AS DEFAULT',
    ])
    expect(batchesOf(after, 'full-text stoplist')).toEqual([
      'CREATE FULLTEXT STOPLIST [stop]',
      "ALTER FULLTEXT STOPLIST [stop] ADD N'it''s' LANGUAGE 1033",
    ])
    expect(batchesOf(after, 'full-text index')).toEqual([
      'CREATE FULLTEXT INDEX ON [dbo].[events] ([data] TYPE COLUMN [kind] LANGUAGE 1033 STATISTICAL_SEMANTICS, [kind] LANGUAGE 0) KEY INDEX [pk_events] ON [ft] WITH (CHANGE_TRACKING = MANUAL, STOPLIST = [stop])',
      'ALTER FULLTEXT INDEX ON [dbo].[events] DISABLE',
    ])
  })

  it('adds synonyms, policies, bound rules and extended properties', () => {
    expect(batchesOf(after, 'synonym')).toEqual(['CREATE SYNONYM [dbo].[s] FOR [other].[dbo].[t]'])
    expect(batchesOf(after, 'security policy')).toEqual([
      'CREATE SECURITY POLICY [dbo].[policy] ADD FILTER PREDICATE [dbo].[mine]([id]) ON [dbo].[events], ADD BLOCK PREDICATE [dbo].[mine]([id]) ON [dbo].[events] AFTER INSERT WITH (STATE = ON, SCHEMABINDING = ON) NOT FOR REPLICATION',
    ])
    expect(batchesOf(after, 'bound default or rule')).toEqual([
      "EXECUTE sys.sp_bindefault N'[dbo].[nothing]', N'[dbo].[phone]'",
      "EXECUTE sys.sp_bindrule N'[dbo].[positive]', N'[sales].[odd ]]name].[rate]'",
    ])
    expect(batchesOf(after, 'extended property')).toEqual([
      "EXECUTE sys.sp_addextendedproperty @name = N'MS_Description', @value = N'it''s', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'events', @level2type = N'COLUMN', @level2name = N'kind'",
      "DECLARE @value sql_variant = CONVERT(date, N'2024-02-29', 121) EXECUTE sys.sp_addextendedproperty @name = N'made', @value = @value",
      "EXECUTE sys.sp_addextendedproperty @name = N'number', @value = -7, @level0type = N'SCHEMA', @level0name = N'sales'",
      "EXECUTE sys.sp_addextendedproperty @name = N'null', @value = NULL",
    ])
  })
})

describe('the database itself', () => {
  it('is made with the settings that matter to its data', () => {
    expect(scriptDatabase(everything.database).flatMap(({ batches }) => batches)).toEqual([
      'CREATE DATABASE [sh]]op] COLLATE Latin1_General_100_CI_AS_SC',
      'ALTER DATABASE [sh]]op] SET COMPATIBILITY_LEVEL = 150',
      'ALTER DATABASE [sh]]op] SET CONTAINMENT = PARTIAL',
      'ALTER DATABASE [sh]]op] SET ALLOW_SNAPSHOT_ISOLATION ON',
      'ALTER DATABASE [sh]]op] SET READ_COMMITTED_SNAPSHOT ON',
    ])
  })
})

describe('as a text', () => {
  it('is read back as it was written', () => {
    for (const steps of [before, after]) expect(readSteps(writeSteps(steps))).toEqual(steps)
  })

  it('keeps modules whose text holds what sqlcmd would act on', () => {
    const definition = "CREATE PROC dbo.p AS\n/* \nGO\n*/ SELECT N'$(x)'"
    const steps = scriptAfter(catalog({ modules: [module(1, 'procedure', 'p', definition)] }))
    const [first, text] = readSteps(writeSteps(steps)).find(({ kind }) => kind === 'procedure')?.batches ?? []
    expect(first).toBe('SET ANSI_NULLS ON\nSET QUOTED_IDENTIFIER ON')
    expect(text?.split('\n').map((line) => line.trim())).not.toContain('GO')
    expect(text).toMatch(/^DECLARE @batch[\s\S]*EXECUTE \(@batch\)$/)
  })

  it('is refused where it is cut or not understood', () => {
    const text = writeSteps(after)
    expect(() => readSteps(text.slice(0, text.lastIndexOf('-- lifeboat') - 40))).not.toThrow()
    const [, settings = ''] = writeSteps([
      { kind: 'a', name: 'a', onFailure: 'stop', batches: ['SELECT 1', 'SELECT 2'] },
    ]).split(/(?=SELECT 2)/)
    expect(settings).toContain('SELECT 2')
    expect(() => readSteps(settings)).toThrow('without its heading')
    expect(() =>
      readSteps('-- lifeboat {"kind":"a","name":"a","onFailure":"stop","batches":2}\nSELECT 1\nGO\n'),
    ).toThrow('its last step is cut')
    expect(() =>
      readSteps('-- lifeboat {"kind":"a","name":"a","onFailure":"later","batches":1}\nSELECT 1\nGO\n'),
    ).toThrow('not understood')
    expect(() => readSteps('-- lifeboat {\nSELECT 1\nGO\n')).toThrow('no JSON')
  })
})
