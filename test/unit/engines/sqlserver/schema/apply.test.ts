import { describe, expect, it } from 'vitest'
import { LifeboatError } from '../../../../../src/core/errors.ts'
import { applyAfter, applyBefore } from '../../../../../src/engines/sqlserver/schema/apply.ts'
import { SETTINGS, type Step } from '../../../../../src/engines/sqlserver/schema/step.ts'
import { applyError, violationText } from '../../../../../src/engines/sqlserver/schema/violations.ts'
import type { Session, SqlRow } from '../../../../../src/engines/sqlserver/session.ts'
import { refusal } from '../catalog/catalog-session.ts'

const signal = new AbortController().signal

interface Target {
  readonly session: Session
  readonly sent: string[]
}

/** A server of names: `A needs B` works once B has run, and everything that is refused is refused by its number. */
function target(
  refused: Readonly<Record<string, number>> = {},
  answers: (sql: string) => readonly SqlRow[] = () => [],
): Target {
  const sent: string[] = []
  const made = new Set<string>()
  const session: Session = {
    async batch(sql) {
      sent.push(sql)
      const number = refused[sql]
      if (number !== undefined) throw refusal(number, `no to ${sql}`)
      const [name = '', needed] = sql.split(' needs ')
      if (needed !== undefined && !made.has(needed)) throw refusal(208, `Invalid object name '${needed}'.`)
      made.add(name)
      return []
    },
    async query(sql) {
      sent.push(sql)
      return answers(sql)
    },
    stream: () => {
      throw new Error('nothing is streamed')
    },
    bulk: async () => 0,
    transaction: async (_isolation, work) => await work(),
    async [Symbol.asyncDispose]() {},
  }
  return { session, sent }
}

const step = (sql: string, onFailure: Step['onFailure'], more: Partial<Step> = {}): Step => ({
  kind: 'view',
  name: `[${sql}]`,
  onFailure,
  batches: [sql],
  ...more,
})

describe('before the rows', () => {
  it('stops at the first that fails, and names it', async () => {
    const { session, sent } = target({ b: 1750 })
    const steps = ['a', 'b', 'c'].map((sql) => step(sql, 'stop', { kind: 'table' }))
    await expect(applyBefore(session, steps, signal)).rejects.toThrow(
      "unable to create table '[b]': no to b (error 1750)",
    )
    expect(sent).toEqual(['a', 'b'])
  })

  it('leaves what is there already', async () => {
    const { session } = target({ a: 2714 })
    const { warnings, restored } = await applyBefore(session, [step('a', 'stop', { exists: [2714] })], signal)
    expect(warnings).toEqual(['view [a] was there already and is left as it is'])
    expect(restored.size).toBe(0)
  })
})

describe('modules', () => {
  it('are tried again until a round brings nothing new', async () => {
    const { session, sent } = target()
    const steps = ['a needs b', 'b needs c', 'c', 'x needs gone', 'y needs x'].map((sql) =>
      step(sql, 'retry'),
    )
    const { notRestored, restored } = await applyAfter(session, steps, { violations: 'fail' }, signal)
    expect(restored.get('view')).toBe(3)
    expect(notRestored).toEqual([
      { what: 'view [x needs gone]', reason: "Invalid object name 'gone'." },
      { what: 'view [y needs x]', reason: "Invalid object name 'x'." },
    ])
    expect(sent.filter((sql) => sql === 'x needs gone')).toHaveLength(4)
  })

  it('are done before what comes after them, and the settings are put back', async () => {
    const { session, sent } = target()
    const steps = [
      step('a needs b', 'retry'),
      { ...step('SET X', 'stop'), kind: 'settings' },
      step('b', 'retry'),
      step('index', 'collect'),
    ]
    await applyAfter(session, steps, { violations: 'fail' }, signal)
    expect(sent).toEqual(['a needs b', 'SET X', 'b', SETTINGS, 'a needs b', SETTINGS, 'index'])
  })
})

describe('what fails', () => {
  it('does not keep the rest from being made', async () => {
    const { session } = target({ index: 1505, grant: 15151 })
    const steps = [
      step('index', 'collect', { kind: 'index' }),
      step('grant', 'report'),
      step('last', 'collect'),
    ]
    const result = await applyAfter(session, steps, { violations: 'fail' }, signal)
    expect(result.failures).toEqual([{ what: 'index [index]', reason: 'no to index' }])
    expect(result.notRestored).toEqual([{ what: 'view [grant]', reason: 'no to grant' }])
    expect(result.restored.get('view')).toBe(1)
    expect(applyError('shop', result)).toMatchObject({
      code: 'tool-failed',
      message: "unable to restore one object of database 'shop': index [index]: no to index",
    })
  })

  it('does not hide a lost connection, an abort or a defect', async () => {
    const lost = new LifeboatError('engine-unreachable', 'gone', {
      cause: Object.assign(new Error('gone'), { number: 596 }),
    })
    for (const thrown of [lost, new TypeError('ours'), new LifeboatError('timed-out', 'late')]) {
      const { session } = target()
      const failing = { ...session, batch: async () => Promise.reject(thrown) }
      for (const onFailure of ['collect', 'retry', 'report', 'stop'] as const) {
        await expect(
          applyAfter(failing, [step('a', onFailure)], { violations: 'fail' }, signal),
        ).rejects.toBe(thrown)
      }
    }
    const { session, sent } = target()
    await expect(
      applyAfter(session, [step('a', 'report')], { violations: 'fail' }, AbortSignal.abort()),
    ).rejects.toMatchObject({ code: 'interrupted' })
    expect(sent).toEqual([])
  })
})

describe('a constraint that rows break', () => {
  const key = step('add fk', 'collect', {
    kind: 'foreign key',
    name: '[fk] on [dbo].[orders]',
    violations: { rows: 'SELECT broken', unchecked: 'add fk unchecked' },
  })
  const rows = [
    { id: '7', customer: '12' },
    { id: '8', customer: null },
  ]

  it('is listed with them and left out, and is the error at the end', async () => {
    const { session, sent } = target({ 'add fk': 547 }, () => rows)
    const result = await applyAfter(session, [key, step('last', 'collect')], { violations: 'fail' }, signal)
    expect(sent).toEqual(['add fk', 'SELECT broken', 'last'])
    expect(result.violations).toEqual([
      { constraint: 'foreign key [fk] on [dbo].[orders]', rows, kept: false },
    ])
    const error = applyError('shop', result)
    expect(error?.code).toBe('integrity')
    expect(error?.message).toBe(
      "unable to restore one object of database 'shop': rows break foreign key [fk] on [dbo].[orders]: id = 7, customer = 12; id = 8, customer = NULL",
    )
    expect(error?.hint).toContain('violations=keep')
  })

  it('is made unchecked where that is asked for', async () => {
    const { session, sent } = target({ 'add fk': 547 }, () => rows)
    const result = await applyAfter(session, [key], { violations: 'keep' }, signal)
    expect(sent).toEqual(['add fk', 'SELECT broken', 'add fk unchecked'])
    expect(result.violations).toMatchObject([{ kept: true }])
    expect(result.restored.get('foreign key')).toBe(1)
    expect(applyError('shop', result)).toBeUndefined()
  })

  it('is told with why its rows can not be listed', async () => {
    const { session } = target({ 'add fk': 547 }, () => {
      throw refusal(8115, 'Arithmetic overflow error')
    })
    const { violations } = await applyAfter(session, [key], { violations: 'fail' }, signal)
    expect(violations.map(violationText)).toEqual([
      'foreign key [fk] on [dbo].[orders]: they can not be listed: Arithmetic overflow error',
    ])
  })

  it('fails like any other step for another reason', async () => {
    const { session, sent } = target({ 'add fk': 1776 })
    const { failures, violations } = await applyAfter(session, [key], { violations: 'keep' }, signal)
    expect(sent).toEqual(['add fk'])
    expect(violations).toEqual([])
    expect(failures).toHaveLength(1)
  })
})

describe('users', () => {
  const user = (name: string) =>
    step(`user ${name}`, 'report', {
      kind: 'user',
      name: `[${name}]`,
      login: `${name}-login`,
      otherwise: { batch: `orphan ${name}`, lost: 'it is made without its login' },
    })

  it('without their login are named, with what to do', async () => {
    const answers = () => [
      { name: 'bob', authentication_type_desc: 'NONE' },
      { name: 'ann', authentication_type_desc: 'INSTANCE' },
      { name: 'other', authentication_type_desc: 'NONE' },
    ]
    const { session } = target({}, answers)
    const { notRestored } = await applyAfter(
      session,
      [user('bob'), user('ann')],
      { violations: 'fail' },
      signal,
    )
    expect(notRestored).toEqual([
      {
        what: 'login of user [bob]',
        reason:
          "the server has no login 'bob-login' for it: create it, then run ALTER USER [bob] WITH LOGIN = [bob-login]",
      },
    ])
  })

  it('whose login is another user already are made without it', async () => {
    const { session, sent } = target({ 'user bob': 15063 })
    const { notRestored, restored } = await applyAfter(session, [user('bob')], { violations: 'fail' }, signal)
    expect(sent.slice(0, 2)).toEqual(['user bob', 'orphan bob'])
    expect(restored.get('user')).toBe(1)
    expect(notRestored).toEqual([
      { what: 'user [bob]', reason: 'it is made without its login: no to user bob' },
    ])
  })

  it('that the server does not tell about are a warning', async () => {
    const { session } = target({}, () => {
      throw refusal(207, "Invalid column name 'authentication_type_desc'.")
    })
    const { warnings } = await applyAfter(session, [user('bob')], { violations: 'fail' }, signal)
    expect(warnings).toEqual([expect.stringContaining('is not known')])
  })
})
