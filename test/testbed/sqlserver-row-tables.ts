/** Tables of every type, for a database of a SQL Server, the real one or the stand-in. */
export const ROW_TABLES = `
CREATE TABLE dbo.numbers (
  id int IDENTITY(10, 5) PRIMARY KEY, a tinyint, b smallint, c bigint, d bit, e float, f real,
  g decimal(38, 10), h numeric(38, 38), i money, j smallmoney, twice AS (id * 2), version rowversion
);
CREATE TABLE dbo.words (
  a char(6), b varchar(50) COLLATE Latin1_General_CI_AS, c nchar(4), d nvarchar(100), e nvarchar(max),
  f varchar(max), g text, h ntext, i xml, j uniqueidentifier
);
CREATE TABLE dbo.moments (
  a date, b time(7), c time(0), d smalldatetime, e datetime, f datetime2(7), g datetime2(3), h datetimeoffset(7)
);
CREATE TABLE dbo.bits (a binary(4), b varbinary(20), c varbinary(max), d image);
CREATE TABLE dbo.variants (id int NOT NULL, v sql_variant);
GO
CREATE FUNCTION dbo.twice (@n int) RETURNS int AS BEGIN RETURN @n * (SELECT COUNT(*) FROM dbo.bits) END
GO
CREATE TABLE dbo.called (a AS dbo.twice(b), b int, c int);
CREATE TABLE dbo.[odd ]]name] ([a ]] b] int, [it's] nvarchar(20));
`

/** The extremes of each type, NULL and the empty value. */
export const ROWS = `
INSERT INTO dbo.numbers (a, b, c, d, e, f, g, h, i, j) VALUES
  (255, -32768, -9223372036854775808, 1, -1.7976931348623157E308, 3.4E38, '1234567890123456789012345678.0123456789',
   '-0.99999999999999999999999999999999999999', -922337203685477.5808, 214748.3647),
  (0, 32767, 9223372036854775807, 0, 0.1, 0.1, '-0.0000000001', '0.00000000000000000000000000000000000001', 0.0001, -214748.3648),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO dbo.words VALUES
  ('ab', 'caf' + NCHAR(233) + '  ', N'\u{1f6a2}a', N'', N'', '', '', N'', N'', NEWID()),
  ('', '', N'', N' lead and trail  ', REPLICATE(CAST(N'ü' AS nvarchar(max)), 100000), REPLICATE(CAST('x' AS varchar(max)), 100000),
   'text', N'ntext', N'<a b="1"><c/> text </a>', '0E984725-C51C-4BF4-9960-E1C80E27ABA0'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO dbo.moments VALUES
  ('0001-01-01', '23:59:59.9999999', '23:59:59', '2079-06-06 23:59:00', '1753-01-01 00:00:00.003',
   '9999-12-31 23:59:59.9999999', '0001-01-01 00:00:00.001', '2024-02-29 23:59:59.1234567 +05:30'),
  ('9999-12-31', '00:00:00.0000001', '00:00:00', '1900-01-01 00:00:00', '9999-12-31 23:59:59.997',
   '0001-01-01 00:00:00.0000001', '9999-12-31 23:59:59.999', '0001-01-02 00:00:00.0000000 -14:00'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO dbo.bits VALUES (0x00000000, 0x, 0x, 0x), (0x01020304, 0x00, 0x1F1E, 0x1E1F0A), (NULL, NULL, NULL, NULL);
-- All of one type here: VALUES would give them one otherwise.
INSERT INTO dbo.variants VALUES
  (1, CAST(CAST(5 AS int) AS sql_variant)), (2, CAST(CAST(12.34 AS decimal(10, 2)) AS sql_variant)), (3, CAST(CAST(0.1 AS float) AS sql_variant)), (4, CAST(N'nvarchar,0,0,20,:looks like a head' AS sql_variant)),
  (5, CAST(CAST('caf' + NCHAR(233) AS varchar(20)) AS sql_variant)), (6, CAST(CAST(0x00FF AS varbinary(10)) AS sql_variant)), (7, CAST(NULL AS sql_variant)), (8, CAST(CAST(1 AS bit) AS sql_variant)),
  (9, CAST(CAST('2024-02-29 23:59:59.1234567' AS datetime2(7)) AS sql_variant)), (10, CAST(CAST('12:00:00' AS time(0)) AS sql_variant)), (11, CAST(CAST(-1.5 AS money) AS sql_variant)),
  (12, CAST(CAST('0E984725-C51C-4BF4-9960-E1C80E27ABA0' AS uniqueidentifier) AS sql_variant)), (13, CAST(CAST('x' AS char(5)) AS sql_variant)), (14, CAST(N'' AS sql_variant)),
  (15, CAST(CAST('2024-02-29 23:59:59.1234567 +05:30' AS datetimeoffset(7)) AS sql_variant)), (16, CAST(CAST(9223372036854775807 AS bigint) AS sql_variant)),
  (17, CAST(CAST('2024-02-29' AS date) AS sql_variant)), (18, CAST(CAST('2024-02-29 23:59:59.997' AS datetime) AS sql_variant)), (19, CAST(CAST(0.1 AS real) AS sql_variant));
INSERT INTO dbo.[odd ]]name] VALUES (1, N'it''s'), (2, NULL);
`
