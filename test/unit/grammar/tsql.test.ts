import { describe, expect, it } from 'vitest'
import { GrammarError } from './grammars.ts'
import { parseTsql } from './tsql.ts'
import { TSQL_GAPS } from './tsql-gaps.ts'

/** Statements of this job, for what the grammar knows by itself. */
const KNOWN = [
  "CREATE TABLE [dbo].[t] ([id] int IDENTITY(1,1) NOT FOR REPLICATION NOT NULL, [a] nvarchar(max) COLLATE Latin1_General_CI_AS SPARSE NULL, [b] AS ([id]*(2)) PERSISTED, [d] uniqueidentifier ROWGUIDCOL NOT NULL CONSTRAINT [df] DEFAULT (newsequentialid()), [e] varchar(9) MASKED WITH (FUNCTION = 'default()') NULL)",
  'CREATE TABLE [t] ([f] datetime2(7) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL)',
  'CREATE CLUSTERED COLUMNSTORE INDEX [c] ON [dbo].[t] WITH (DATA_COMPRESSION = COLUMNSTORE_ARCHIVE)',
  'CREATE UNIQUE NONCLUSTERED INDEX [i] ON [dbo].[t] ([a] ASC, [b] DESC) INCLUDE ([c]) WHERE ([a] IS NOT NULL) WITH (FILLFACTOR = 80)',
  "EXEC sys.sp_addextendedproperty @name = N'MS_Description', @value = N'it''s [one]', @level0type = N'SCHEMA', @level0name = N'dbo'",
  'ALTER TABLE [dbo].[t] WITH CHECK ADD CONSTRAINT [f] FOREIGN KEY ([a]) REFERENCES [dbo].[u] ([a]) ON DELETE CASCADE',
  'CREATE PARTITION FUNCTION [pf] (int) AS RANGE RIGHT FOR VALUES (1, 10)',
  'CREATE SECURITY POLICY [dbo].[p] ADD FILTER PREDICATE [dbo].[f]([a]) ON [dbo].[t] WITH (STATE = ON)',
  'GRANT SELECT ON OBJECT::[dbo].[t] TO [bob] WITH GRANT OPTION AS [dbo]',
  'SELECT COUNT_BIG(*) FROM [dbo].[t] WITH (TABLOCK, HOLDLOCK)',
  'BEGIN TRY SELECT 1 END TRY BEGIN CATCH THROW END CATCH',
]

/** For each gap, by its construct: what is filled, and wrong ones that must be refused all the same. */
const FILLED: Readonly<
  Record<string, { readonly good: readonly string[]; readonly wrong: readonly string[] }>
> = {
  'xml bound to a schema collection': {
    good: ['CREATE TABLE [t] ([a] xml(CONTENT [dbo].[c]) NULL, [b] xml([dbo].[c]))'],
    wrong: ['CREATE TABLE [t] ([a] xml(CONTENTS [dbo].[c]))', 'CREATE TABLE [t] ([a] xml(CONTENT ))'],
  },
  'a table type, which has any number of constraints': {
    good: ['CREATE TYPE [dbo].[i] AS TABLE ([a] int NOT NULL, PRIMARY KEY ([a]), CHECK ([a]>(0)))'],
    wrong: [
      'CREATE TYPE [dbo].[i] AS TABLE ([a] int NOT NULL, PRIMARY ([a]))',
      'CREATE TYPE [dbo].[i] TABLE ([a] int)',
    ],
  },
  'an identity that begins or counts below zero': {
    good: ['CREATE TABLE [t] ([a] int IDENTITY(-5,-2) NOT NULL)'],
    wrong: ['CREATE TABLE [t] ([a] int IDENTITY(-5,) NOT NULL)', 'CREATE TABLE [t] ([a] int IDENTIY(-5,1))'],
  },
  'a sequence that begins below zero': {
    good: ['CREATE SEQUENCE [dbo].[s] AS bigint START WITH -1 INCREMENT BY -1'],
    wrong: ['CREATE SEQUENCE [dbo].[s] AS bigint START WITH --1', 'CREATE SEQUENCE [dbo].[s] START AT -1'],
  },
  'a sequence of a user-defined type with its schema': {
    good: ['CREATE SEQUENCE [dbo].[s] AS [dbo].[amount] START WITH 1'],
    wrong: ['CREATE SEQUENCE [dbo].[s] AS [dbo]. START WITH 1'],
  },
  'a partition function with a collation': {
    good: [
      'CREATE PARTITION FUNCTION [p] (nvarchar(10) COLLATE Latin1_General_CI_AS) AS RANGE LEFT FOR VALUES (1)',
    ],
    wrong: ['CREATE PARTITION FUNCTION [p] (nvarchar(10) COLLATION x) AS RANGE LEFT FOR VALUES (1)'],
  },
  'a table on a partition scheme, with options after it': {
    good: ['CREATE TABLE [t] ([a] int) ON [ps] ([a]) WITH (DATA_COMPRESSION = PAGE ON PARTITIONS (1, 2))'],
    wrong: ['CREATE TABLE [t] ([a] int) ON [ps] ([a] WITH (DATA_COMPRESSION = PAGE)'],
  },
  'a default of the old kind': {
    good: ['CREATE DEFAULT [dbo].[zero] AS 0', "CREATE DEFAULT [none] AS N''"],
    wrong: ['CREATE DEFAULT [dbo].[zero] 0', 'CREATE DEFAULT [dbo].[zero] AS'],
  },
  'a security policy with two options': {
    good: [
      'CREATE SECURITY POLICY [p] ADD FILTER PREDICATE [dbo].[f]([a]) ON [dbo].[t] WITH (STATE = ON, SCHEMABINDING = OFF)',
    ],
    wrong: [
      'CREATE SECURITY POLICY [p] ADD FILTER PREDICATE [dbo].[f]([a]) ON [dbo].[t] WITH (STATE = ON, SCHEMABIND = OFF)',
    ],
  },
  'a column of a user-defined type with its schema': {
    good: ['CREATE TABLE [dbo].[t] ([a] [dbo].[phone] NOT NULL, [b] [dbo].[phone])'],
    wrong: ['CREATE TABLE [dbo].[t] ([a] [dbo].[phone] NOTNULL)', 'SELECT [a] [dbo].[phone] FROM [t]'],
  },
  'the column set of sparse columns': {
    good: ['CREATE TABLE [t] ([a] xml COLUMN_SET FOR ALL_SPARSE_COLUMNS, [b] int)'],
    wrong: [
      'CREATE TABLE [t] ([a] xml COLUMN_SET FOR ALL_SPARSE)',
      'CREATE TABLE [t] ([a] int COLUMN_SET FOR ALL_SPARSE_COLUMNS)',
    ],
  },
  'the period of a temporal table, beside its columns': {
    good: ['CREATE TABLE [t] ([a] int, PERIOD FOR SYSTEM_TIME ([f], [u]))'],
    wrong: [
      'CREATE TABLE [t] ([a] int, PERIOD FOR SYSTEM_TIME ([f]))',
      'CREATE TABLE [t] ([a] int, PERIOD FOR SYSTEMTIME ([f], [u]))',
    ],
  },
  'the period of a temporal table, added later': {
    good: ['ALTER TABLE [t] ADD PERIOD FOR SYSTEM_TIME ([f], [u])'],
    wrong: [
      'ALTER TABLE [t] PERIOD FOR SYSTEM_TIME ([f], [u])',
      'ALTER TABLE [t] ADD PERIOD SYSTEM_TIME ([f], [u])',
    ],
  },
  'system versioning, switched': {
    good: [
      'ALTER TABLE [t] SET (SYSTEM_VERSIONING = OFF)',
      'ALTER TABLE [t] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[h], DATA_CONSISTENCY_CHECK = ON, HISTORY_RETENTION_PERIOD = 6 MONTHS))',
    ],
    wrong: [
      'ALTER TABLE [t] SET (SYSTEM_VERSIONING = MAYBE)',
      'ALTER TABLE [t] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [h]))',
      'ALTER TABLE [t] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[h])',
    ],
  },
  'system versioning of a new table': {
    good: ['CREATE TABLE [t] ([a] int) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[h]))'],
    wrong: ['CREATE TABLE [t] ([a] int) WITH (SYSTEM_VERSIONING = ON (HISTORYTABLE = [dbo].[h]))'],
  },
  'checking the rows that are there already': {
    good: ['ALTER TABLE [dbo].[t] WITH CHECK CHECK CONSTRAINT [f]', 'ALTER TABLE [t] NOCHECK CONSTRAINT ALL'],
    wrong: ['ALTER TABLE [t] WITH CHEK CHECK CONSTRAINT [f]', 'ALTER TABLE [t] WITH CHECK CHECK [f]'],
  },
  'a constraint that replication does not check': {
    good: [
      'ALTER TABLE [t] ADD CONSTRAINT [f] FOREIGN KEY ([a]) REFERENCES [dbo].[u] ([a]) ON DELETE CASCADE NOT FOR REPLICATION',
      'ALTER TABLE [t] ADD CONSTRAINT [c] CHECK NOT FOR REPLICATION ([a] > 0)',
    ],
    wrong: ['ALTER TABLE [t] ADD CONSTRAINT [c] CHECK NOT REPLICATION ([a] > 0)'],
  },
  'all triggers of a table': {
    good: ['ALTER TABLE [t] DISABLE TRIGGER ALL'],
    wrong: ['ALTER TABLE [t] DISABLE TRIGERS ALL'],
  },
  'several permissions at once': {
    good: [
      'GRANT SELECT, UPDATE ([a], [b]) ON OBJECT::[dbo].[t] TO [bob]',
      'DENY SELECT, INSERT ON [t] TO [bob]',
    ],
    wrong: ['GRANT SELECT, NONSENSE ON [t] TO [bob]', 'GRANT SELECT, ON [t] TO [bob]'],
  },
  'permissions on columns, in the order of the catalog': {
    good: ['GRANT SELECT ON OBJECT::[dbo].[t] ([a], [b]) TO [bob]'],
    wrong: [
      'GRANT SELECT ON OBJECT::[dbo].[t] ([a],) TO [bob]',
      'GRANT SELECT ON OBJECT::[dbo].[t] ([a] TO [bob]',
    ],
  },
  DENY: {
    good: [
      'DENY VIEW DEFINITION ON SCHEMA::[s] TO [bob]',
      'DENY SELECT ON OBJECT::[s].[t] ([a]) TO [bob] CASCADE AS [dbo]',
    ],
    wrong: [
      'DENY SELECT ON OBJECT:[s].[t] TO [bob]',
      'DENY SELECT ON [t] FROM [bob]',
      'DENY NONSENSE ON [t] TO [bob]',
    ],
  },
  REVOKE: {
    good: ['REVOKE CONNECT FROM [guest]', 'REVOKE GRANT OPTION FOR SELECT ON [t] FROM [bob] CASCADE'],
    wrong: ['REVOKE SELECT ON [t] [bob]', 'REVOKE NONSENSE FROM [bob]'],
  },
  'an index on a partition scheme': {
    good: ['CREATE NONCLUSTERED INDEX [i] ON [t] ([a]) WITH (FILLFACTOR = 80) ON [ps] ([a])'],
    wrong: ['CREATE NONCLUSTERED INDEX [i] ON [t] ([a]) ON [ps] ([a]'],
  },
  'a columnstore index on a partition scheme or with an order': {
    good: ['CREATE CLUSTERED COLUMNSTORE INDEX [i] ON [dbo].[t] ORDER ([a], [b])'],
    wrong: ['CREATE CLUSTERED COLUMNSTORE INDEX [i] ON [dbo].[t] ORDERED ([a])'],
  },
  'a hash index of a memory-optimized table': {
    good: [
      'CREATE TABLE [m] ([a] int NOT NULL, CONSTRAINT [p] PRIMARY KEY NONCLUSTERED HASH ([a]) WITH (BUCKET_COUNT = 1024)) WITH (MEMORY_OPTIMIZED = ON, DURABILITY = SCHEMA_ONLY)',
    ],
    wrong: ['CREATE TABLE [m] ([a] int, PRIMARY KEY NONCLUSTERED HASH ([a]) WITH (BUCKETS = 1024))'],
  },
  'an index among the constraints of a table': {
    good: ['CREATE TABLE [t] ([a] int, INDEX [i] NONCLUSTERED ([a] ASC), CHECK ([a]>(0)))'],
    wrong: ['CREATE TABLE [t] ([a] int, INDEX [i] NONCLUSTERED ([a] UP), CHECK ([a]>(0)))'],
  },
  'a spatial index': {
    good: [
      'CREATE SPATIAL INDEX [i] ON [dbo].[t] ([g]) USING GEOMETRY_GRID WITH (BOUNDING_BOX = (0, 0, 500, 200), GRIDS = (LOW, LOW, MEDIUM, HIGH), CELLS_PER_OBJECT = 64)',
      'CREATE SPATIAL INDEX [i] ON [dbo].[t] ([g])',
    ],
    wrong: [
      'CREATE SPATIAL INDEX [i] ON [t] ([g]) USING GEOMETRY_GRIDS',
      'CREATE SPATIAL INDEX ON [t] ([g])',
    ],
  },
  'a full-text index': {
    good: [
      'CREATE FULLTEXT INDEX ON [dbo].[t] ([a] TYPE COLUMN [b] LANGUAGE 1033 STATISTICAL_SEMANTICS, [c] LANGUAGE 0) KEY INDEX [pk] ON [ft] WITH (CHANGE_TRACKING = AUTO, STOPLIST = [stop])',
    ],
    wrong: [
      'CREATE FULLTEXT INDEX ON [dbo].[t] ([a] LANGUAGE) KEY INDEX [pk] ON [ft]',
      'CREATE FULLTEXT INDEX ON [dbo].[t] ([a]) INDEX [pk] ON [ft]',
      'CREATE FULLTEXT INDEX ON [dbo].[t] ([a]) KEY INDEX [pk] ON [ft] WITH (STOPLISTS = OFF)',
    ],
  },
  'a full-text index that is not kept': {
    good: ['ALTER FULLTEXT INDEX ON [dbo].[t] DISABLE'],
    wrong: ['ALTER FULLTEXT INDEX ON [dbo].[t] DISABLED', 'ALTER FULLTEXT INDEX [dbo].[t] DISABLE'],
  },
  'reseeding an identity': {
    good: ["DBCC CHECKIDENT (N'[dbo].[t]', RESEED, -12) WITH NO_INFOMSGS", "DBCC CHECKIDENT ('t')"],
    wrong: [
      "DBCC CHECKIDENT (N'[dbo].[t]' RESEED, 12)",
      "DBCC CHECKIDENT (N'[dbo].[t]', RESED, 12)",
      "DBCC CHEKIDENT ('t')",
    ],
  },
  'a bulk load': {
    good: [
      'INSERT BULK [dbo].[t] ([a] int, [b] nvarchar(max) COLLATE Latin1_General_CI_AS) WITH (TABLOCK, KEEP_NULLS)',
    ],
    wrong: [
      'INSERT BULK [dbo].[t] ([a] int, [b]) WITH (TABLOCK)',
      'INSERT BULK [dbo].[t] ([a] int) WITH (TABLELOCK)',
    ],
  },
  'all versions of the rows of a temporal table': {
    good: ['SELECT [a] FROM [dbo].[t] FOR SYSTEM_TIME ALL'],
    wrong: ['SELECT [a] FROM [dbo].[t] FOR SYSTEM_TIME ALWAYS'],
  },
}

const WRONG: Readonly<Record<string, string>> = {
  'a missing parenthesis': 'CREATE TABLE [dbo].[t] ([id] int NOT NULL',
  'one parenthesis too many': 'SELECT 1 )',
  'a misspelt verb': 'CREAT TABLE [dbo].[t] ([id] int)',
  'a misspelt word in the middle': 'CREATE UNIQUE NONCLUSTRED INDEX [i] ON [t] ([a])',
  'a comma too many': 'SELECT a,, b FROM t',
  'a comma at the end': 'SELECT a, FROM t',
  'a string without its end': "SELECT N'abc FROM t",
  'PL/SQL': 'BEGIN DBMS_DATAPUMP.START_JOB(h); END;',
  'a flashback query': 'SELECT * FROM t AS OF SCN 12',
  "MySQL's LIMIT": 'SELECT * FROM t LIMIT 5',
  backticks: 'SELECT `a` FROM t',
}

describe('the T-SQL grammar', () => {
  it.each(KNOWN)('takes %s', async (text) => {
    await parseTsql(text)
  })

  it.each(Object.entries(WRONG))('refuses %s', async (_what, text) => {
    await expect(parseTsql(text)).rejects.toThrow(GrammarError)
  })

  it('says where it stumbles', async () => {
    await expect(parseTsql('SELECT 1\nSELECT a,, b FROM t')).rejects.toMatchObject({ line: 2, column: 10 })
  })

  it('has an example for each of its gaps', () => {
    expect(Object.keys(FILLED)).toEqual(TSQL_GAPS.map((gap) => gap.construct))
  })

  describe.each(Object.entries(FILLED))('%s', (_construct, { good, wrong }) => {
    it.each(good)('takes %s', async (text) => {
      await parseTsql(text)
    })
    it.each(wrong)('refuses %s', async (text) => {
      await expect(parseTsql(text)).rejects.toThrow(GrammarError)
    })
  })

  it('looks for no construct inside strings, names and comments', async () => {
    await parseTsql("SELECT N'DENY SELECT TO x' AS [REVOKE A FROM b] -- INSERT BULK t (a int)")
  })
})
