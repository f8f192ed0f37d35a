import { createHash } from 'node:crypto'
import type { TdsType, TdsValue } from '../backend.ts'
import { type FunctionFactory, plain } from './functions.ts'
import { literally } from './pattern.ts'
import type { Compiled } from './scope.ts'
import { SqlError } from './sql-error.ts'
import { BIGINT, familyOf, INT, isUnicode, NVARCHAR_MAX, nvarchar, varbinary, varchar } from './types.ts'
import { castValue, Variant } from './values.ts'

const first = (args: readonly Compiled[]): TdsType => args[0]?.type ?? INT
/** Text stays of its kind; anything else becomes varchar. */
const textOf = (args: readonly Compiled[]): TdsType => {
  const type = first(args)
  if (familyOf(type) !== 'text') return varchar(8000)
  return isUnicode(type)
    ? { name: 'nvarchar', length: type.length === -1 ? -1 : 8000 }
    : { name: 'varchar', length: type.length === -1 ? -1 : 8000 }
}
const asText = (value: TdsValue | undefined, args: readonly Compiled[], at = 0): string =>
  String(castValue(value ?? null, args[at]?.type ?? INT, NVARCHAR_MAX) ?? '')

const text = (least: number, most: number, apply: (value: string, rest: TdsValue[]) => TdsValue) =>
  plain(least, most, textOf, ([value, ...rest], _session, args) => apply(asText(value, args), rest))

function dataLength(value: TdsValue, type: TdsType): number {
  if (value instanceof Variant) return dataLength(value.inner, value.base)
  if (value instanceof Uint8Array) return value.length
  if (familyOf(type) === 'text') return String(value).length * (isUnicode(type) ? 2 : 1)
  return type.length ?? 4
}

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  SHA: 'sha1',
  SHA1: 'sha1',
  SHA2_256: 'sha256',
  SHA2_512: 'sha512',
}

export const TEXT_FUNCTIONS: Readonly<Record<string, FunctionFactory>> = {
  LEN: plain(1, 1, INT, ([value], _session, args) => asText(value, args).replace(/ +$/, '').length),
  DATALENGTH: plain(
    1,
    1,
    (args) => (first(args).length === -1 ? BIGINT : INT),
    ([value], _session, args) => {
      const length = dataLength(value ?? null, first(args))
      return first(args).length === -1 ? BigInt(length) : length
    },
  ),
  UPPER: text(1, 1, (value) => value.toUpperCase()),
  LOWER: text(1, 1, (value) => value.toLowerCase()),
  LTRIM: text(1, 1, (value) => value.replace(/^ +/, '')),
  RTRIM: text(1, 1, (value) => value.replace(/ +$/, '')),
  TRIM: text(1, 1, (value) => value.replace(/^ +| +$/g, '')),
  REVERSE: text(1, 1, (value) => [...value].reverse().join('')),
  LEFT: text(2, 2, (value, [count]) => value.slice(0, Number(count))),
  RIGHT: text(2, 2, (value, [count]) => (Number(count) === 0 ? '' : value.slice(-Number(count)))),
  SUBSTRING: plain(
    3,
    3,
    (args) => (familyOf(first(args)) === 'binary' ? varbinary(first(args).length ?? 8000) : textOf(args)),
    ([value, from, count], _session, args) => {
      const start = Number(from) - 1
      const end = start + Number(count)
      if (Number(count) < 0)
        throw new SqlError(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.')
      if (value instanceof Uint8Array) return value.slice(Math.max(0, start), Math.max(0, end))
      return asText(value, args).slice(Math.max(0, start), Math.max(0, end))
    },
  ),
  REPLACE: plain(3, 3, textOf, ([value, from, to], _session, args) => {
    const search = String(from)
    if (search === '') return asText(value, args)
    return asText(value, args).replace(new RegExp(literally(search), 'gi'), () => String(to))
  }),
  REPLICATE: plain(2, 2, textOf, ([value, count], _session, args) => {
    const repeated = asText(value, args).repeat(Math.max(0, Number(count)))
    const unit = isUnicode(first(args)) ? 4000 : 8000
    return first(args).length === -1 ? repeated : repeated.slice(0, unit)
  }),
  SPACE: plain(1, 1, varchar(8000), ([count]) => ' '.repeat(Math.max(0, Number(count)))),
  STUFF: text(4, 4, (value, [from, count, insert]) => {
    const start = Number(from) - 1
    return value.slice(0, start) + String(insert ?? '') + value.slice(start + Number(count))
  }),
  CHARINDEX: plain(
    2,
    3,
    INT,
    ([search, value, from], _session, args) =>
      asText(value, args, 1)
        .toLowerCase()
        .indexOf(asText(search, args).toLowerCase(), Math.max(0, Number(from ?? 1) - 1)) + 1,
  ),
  CONCAT: plain(
    2,
    254,
    NVARCHAR_MAX,
    (values, _session, args) =>
      values.map((value, at) => (value === null ? '' : asText(value, args, at))).join(''),
    true,
  ),
  CONCAT_WS: plain(
    3,
    254,
    NVARCHAR_MAX,
    ([separator, ...values], _session, args) =>
      values
        .flatMap((value, at) => (value === null ? [] : [asText(value, args, at + 1)]))
        .join(String(separator ?? '')),
    true,
  ),
  NCHAR: plain(1, 1, nvarchar(2), ([code]) =>
    Number(code) < 0 || Number(code) > 0x10ffff
      ? null
      : Number(code) > 0xffff
        ? null
        : String.fromCharCode(Number(code)),
  ),
  CHAR: plain(1, 1, varchar(1), ([code]) =>
    Number(code) < 0 || Number(code) > 255 ? null : String.fromCharCode(Number(code)),
  ),
  UNICODE: plain(1, 1, INT, ([value], _session, args) => asText(value, args).codePointAt(0) ?? null),
  ASCII: plain(1, 1, INT, ([value], _session, args) => asText(value, args).charCodeAt(0)),
  QUOTENAME: plain(1, 2, nvarchar(258), ([value, mark], _session, args) => {
    const name = asText(value, args)
    if (name.length > 128) return null
    const open = String(mark ?? '[')
    if (open === '[' || open === ']') return `[${name.replaceAll(']', ']]')}]`
    return open === "'" || open === '"' ? `${open}${name.replaceAll(open, open + open)}${open}` : null
  }),
  PARSENAME: plain(
    2,
    2,
    nvarchar(128),
    ([value, part], _session, args) =>
      asText(value, args)
        .split('.')
        .reverse()
        [Number(part) - 1]?.replace(/^\[|\]$/g, '') ?? null,
  ),
  HASHBYTES: plain(2, 2, varbinary(8000), ([algorithm, value], _session, args) => {
    const hash = HASHES[String(algorithm).toUpperCase()]
    if (hash === undefined) return null
    const bytes =
      value instanceof Uint8Array
        ? value
        : Buffer.from(String(value), isUnicode(args[1]?.type ?? INT) ? 'utf16le' : 'latin1')
    return Uint8Array.from(createHash(hash).update(bytes).digest())
  }),
  ISNUMERIC: plain(1, 1, INT, ([value], _session, args) =>
    /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(asText(value, args)) ? 1 : 0,
  ),
  NEWID: plain(0, 0, { name: 'uniqueidentifier', length: 16 }, () => crypto.randomUUID().toUpperCase()),
  NEWSEQUENTIALID: plain(0, 0, { name: 'uniqueidentifier', length: 16 }, () =>
    crypto.randomUUID().toUpperCase(),
  ),
}
