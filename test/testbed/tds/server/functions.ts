import type { TdsType, TdsValue } from '../backend.ts'
import { AGGREGATES, aggregate, aggregateType } from './aggregates.ts'
import type { Expr } from './ast.ts'
import { comparer, unify } from './comparison.ts'
import { compile } from './compile.ts'
import { METADATA_FUNCTIONS } from './functions-metadata.ts'
import { TEXT_FUNCTIONS } from './functions-text.ts'
import { TIME_FUNCTIONS } from './functions-time.ts'
import type { Binder, Compiled } from './scope.ts'
import { notPlayed, SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { BIGINT, FLOAT, familyOf, INT, nvarchar, varbinary } from './types.ts'
import { castValue, toVariant, Variant } from './values.ts'

type Call = Extract<Expr, { kind: 'call' }>
export type FunctionFactory = (call: Call, binder: Binder, sub: (expr: Expr) => Compiled) => Compiled

/** A function of values alone; a NULL among them gives NULL unless `nulls` is set. */
export function plain(
  least: number,
  most: number,
  type: TdsType | ((args: readonly Compiled[]) => TdsType),
  apply: (values: TdsValue[], session: SessionState, args: readonly Compiled[]) => TdsValue,
  nulls = false,
): FunctionFactory {
  return (call, binder, sub) => {
    checkCount(call, least, most)
    const args = call.args.map(sub)
    return {
      type: typeof type === 'function' ? type(args) : type,
      nullable: true,
      collation: args[0]?.collation,
      eval(env) {
        const values = args.map((arg) => arg.eval(env))
        return !nulls && values.includes(null) ? null : apply(values, binder.session, args)
      },
    }
  }
}

export function checkCount(call: Call, least: number, most: number): void {
  const count = call.args.length
  if (count >= least && count <= most) return
  throw new SqlError(
    174,
    `The ${(call.name[0] ?? '').toLowerCase()} function requires ${least} argument(s).`,
    { severity: 15, endsBatch: true },
  )
}

const isNull: FunctionFactory = (call, _binder, sub) => {
  checkCount(call, 2, 2)
  const [first, second] = call.args.map(sub) as [Compiled, Compiled]
  const type = first.isNull === true ? second.type : first.type
  return {
    type,
    nullable: first.nullable && second.nullable,
    collation: first.collation,
    eval(env) {
      const value = first.eval(env)
      return value === null ? castValue(second.eval(env), second.type, type) : value
    },
  }
}

const coalesce: FunctionFactory = (call, _binder, sub) => {
  const args = call.args.map(sub)
  if (args.length < 2) throw new SqlError(102, "Incorrect syntax near 'COALESCE'.")
  const type = unify(args)
  return {
    type,
    nullable: args.every((arg) => arg.nullable),
    collation: args[0]?.collation,
    eval(env) {
      for (const arg of args) {
        const value = arg.eval(env)
        if (value !== null) return castValue(value, arg.type, type)
      }
      return null
    },
  }
}

const nullIf: FunctionFactory = (call, _binder, sub) => {
  checkCount(call, 2, 2)
  const [first, second] = call.args.map(sub) as [Compiled, Compiled]
  const compareTo = comparer(first, second)
  return {
    ...first,
    nullable: true,
    eval(env) {
      const value = first.eval(env)
      return compareTo(value, second.eval(env)) === 0 ? null : value
    },
  }
}

const iif: FunctionFactory = (call, binder) => {
  checkCount(call, 3, 3)
  const [when, result, otherwise] = call.args as [Expr, Expr, Expr]
  return compile({ kind: 'case', whens: [{ when, result }], otherwise }, binder)
}

const aggregateFunction: FunctionFactory = (call, binder, sub) => {
  const name = (call.name[0] ?? '').toUpperCase()
  if (!binder.aggregates)
    throw new SqlError(
      147,
      'An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.',
      { severity: 15, endsBatch: true },
    )
  const args = call.args.map(sub)
  const order = call.withinGroup?.map((each) => ({ by: sub(each.by), descending: each.descending }))
  return {
    type: aggregateType(name, args),
    nullable: !name.startsWith('COUNT'),
    collation: args[0]?.collation,
    eval(env) {
      let rows = env.group ?? []
      if (order !== undefined && order.length > 0) {
        const [first] = order
        if (order.length > 1 || first === undefined) throw notPlayed('WITHIN GROUP by several columns')
        const compareTo = comparer(first.by, first.by)
        rows = [...rows].sort(
          (a, b) => (first.descending ? -1 : 1) * (compareTo(first.by.eval(a), first.by.eval(b)) ?? 0),
        )
      }
      return aggregate(name, args, call.star, call.distinct, rows)
    },
  }
}

const number = (apply: (value: number) => number) =>
  plain(
    1,
    1,
    (args) => args[0]?.type ?? INT,
    ([value], _session, args) => {
      const type = args[0]?.type ?? INT
      return castValue(apply(Number(value)), FLOAT, type)
    },
  )

const variantProperty: FunctionFactory = plain(
  2,
  2,
  { name: 'sql_variant', length: 8016 },
  ([value, name], _session, args) => {
    const variant =
      value instanceof Variant ? value : (toVariant(value ?? null, args[0]?.type ?? INT) as Variant)
    const { base } = variant
    switch (String(name).toLowerCase()) {
      case 'basetype':
        return new Variant(nvarchar(128), base.name)
      case 'precision':
        return new Variant(INT, base.precision ?? 0)
      case 'scale':
        return new Variant(INT, base.scale ?? 0)
      case 'maxlength':
        return new Variant(INT, base.length ?? 0)
      case 'collation':
        return familyOf(base) === 'text' ? new Variant(nvarchar(128), 'SQL_Latin1_General_CP1_CI_AS') : null
      case 'totalbytes':
        throw notPlayed('SQL_VARIANT_PROPERTY TotalBytes')
      default:
        return null
    }
  },
)

const errorFunction = (type: TdsType, pick: (session: SessionState) => TdsValue) =>
  plain(0, 0, type, (_values, session) => pick(session))

export const FUNCTIONS: Readonly<Record<string, FunctionFactory>> = {
  ISNULL: isNull,
  COALESCE: coalesce,
  NULLIF: nullIf,
  IIF: iif,
  ...Object.fromEntries([...AGGREGATES].map((name) => [name, aggregateFunction])),
  ABS: plain(
    1,
    1,
    (args) => args[0]?.type ?? INT,
    ([value]) =>
      typeof value === 'string'
        ? value.replace(/^-/, '')
        : typeof value === 'bigint'
          ? value < 0n
            ? -value
            : value
          : Math.abs(Number(value)),
  ),
  FLOOR: number(Math.floor),
  CEILING: number(Math.ceil),
  SIGN: number(Math.sign),
  SQL_VARIANT_PROPERTY: variantProperty,
  SCOPE_IDENTITY: plain(
    0,
    0,
    { name: 'numeric', length: 17, precision: 38, scale: 0 },
    (_values, session) => session.scopeIdentity?.toString() ?? null,
  ),
  ERROR_NUMBER: errorFunction(INT, (session) => session.caught?.number ?? null),
  ERROR_MESSAGE: errorFunction(nvarchar(4000), (session) => session.caught?.message ?? null),
  ERROR_SEVERITY: errorFunction(INT, (session) => session.caught?.severity ?? null),
  ERROR_STATE: errorFunction(INT, (session) => (session.caught === null ? null : 1)),
  ERROR_LINE: errorFunction(INT, (session) => session.caught?.line ?? null),
  ERROR_PROCEDURE: errorFunction(nvarchar(128), (session) => session.caught?.procedure ?? null),
  XACT_STATE: plain(0, 0, { name: 'smallint', length: 2 }, (_values, session) =>
    session.trancount === 0 ? 0 : session.transaction?.doomed ? -1 : 1,
  ),
  ...TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...METADATA_FUNCTIONS,
}

export function globalVariable(name: string, session: SessionState): Compiled {
  const give = (type: TdsType, read: () => TdsValue): Compiled => ({ type, nullable: false, eval: read })
  switch (name) {
    case '@@version':
      return give(
        nvarchar(300),
        () =>
          `Microsoft ${session.server.facts.engineEdition === 0 ? '' : 'SQL Server 2022'} - ${session.server.facts.version} (X64) \n\t${session.server.facts.edition} on Linux (lifeboat test server)`,
      )
    case '@@trancount':
      return give(INT, () => session.trancount)
    case '@@rowcount':
      return give(INT, () => session.rowcount)
    case '@@error':
      return give(INT, () => session.lastError)
    case '@@spid':
      return give({ name: 'smallint', length: 2 }, () => session.spid)
    case '@@servername':
      return give(nvarchar(128), () => session.server.facts.name)
    case '@@identity':
      return give(
        { name: 'numeric', length: 17, precision: 38, scale: 0 },
        () => session.scopeIdentity?.toString() ?? null,
      )
    case '@@dbts':
      return give(varbinary(8), () =>
        castValue(session.database.rowversion, BIGINT, { name: 'binary', length: 8 }),
      )
    case '@@language':
      return give(nvarchar(128), () => 'us_english')
    case '@@textsize':
      return give(INT, () => session.textSize)
    case '@@max_precision':
      return give({ name: 'tinyint', length: 1 }, () => 38)
    case '@@microsoftversion':
      return give(INT, () => Number(session.server.facts.version.split('.')[0]) * 16777216)
    case '@@options':
      return give(INT, () => 5496)
    default:
      throw new SqlError(137, `Must declare the scalar variable "${name}".`)
  }
}
