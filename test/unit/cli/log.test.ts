import { describe, expect, test } from 'vitest'
import { createLog } from '../../../src/cli/log.ts'
import { createReporter } from '../../../src/cli/reporter.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

function recorded() {
  const lines: string[] = []
  let ms = 0
  const log = createLog({ verb: 'dump', write: (line) => lines.push(line), nowMs: () => ms })
  return {
    log,
    pass: (more: number) => {
      ms += more
    },
    read: () =>
      lines.map((line) => {
        expect(line.indexOf('\n')).toBe(line.length - 1)
        return JSON.parse(line) as Record<string, unknown>
      }),
  }
}

describe('createLog', () => {
  test('each line says when, where, how grave and what', () => {
    const { read } = recorded()
    expect(read()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        host: expect.any(String),
        pid: process.pid,
        lifeboat: expect.any(String),
        verb: 'dump',
        event: 'started',
        message: 'lifeboat dump has started',
      },
    ])
  })

  test('has what happens, with its facts', () => {
    const { log, read, pass } = recorded()
    log.about('shop')
    log.event({ kind: 'part-started', number: 1, parts: 2, name: 'accounts' })
    log.event({ kind: 'part-ended', number: 1, plainBytes: 10 })
    log.warn({ message: 'careful', hint: 'look' })
    log.about('crm')
    log.fail(new LifeboatError('sink-full', 'unable to write', { hint: 'Make room.' }))
    pass(2500)
    log.end(22)
    expect(read().slice(1)).toMatchObject([
      { level: 'info', job: 'shop', event: 'part-started', number: 1, parts: 2, name: 'accounts' },
      { level: 'info', job: 'shop', event: 'part-ended', plainBytes: 10 },
      { level: 'warn', job: 'shop', event: 'warning', message: 'careful', hint: 'look' },
      {
        ...{ level: 'error', job: 'crm', event: 'error', code: 'sink-full', exitCode: 22 },
        ...{ message: 'unable to write', hint: 'Make room.' },
      },
      { level: 'error', job: 'crm', event: 'ended', exitCode: 22, durationMs: 2500 },
    ])
  })

  test('tells of bytes once a minute', () => {
    const { log, read, pass } = recorded()
    for (let second = 0; second < 150; second++) {
      pass(1000)
      log.event({ kind: 'progress', plainBytes: second, storedBytes: 1 })
    }
    expect(read().slice(1)).toMatchObject([
      { event: 'progress', plainBytes: 59 },
      { event: 'progress', plainBytes: 119 },
    ])
  })

  test('no line of a message can pass for one of the log', () => {
    const { log, read } = recorded()
    log.fail(new LifeboatError('tool-failed', 'first\n{"level":"info"}'))
    expect(read()).toHaveLength(2)
  })
})

describe('the reporter', () => {
  test('tells the log all that it tells people, each once', () => {
    const { log, read } = recorded()
    const reporter = createReporter({ json: true, color: false, terminal: false })
    reporter.logTo(log, true)
    reporter.onEvent({ kind: 'warning', message: 'one' })
    reporter.warn({ message: 'two' })
    reporter.onEvent({ kind: 'step', message: 'three' })
    reporter.say('four')
    expect(reporter.end(3, new LifeboatError('config', 'five'))).toBe(false)
    expect(read().map(({ event, message }) => [event, message])).toEqual([
      ['started', 'lifeboat dump has started'],
      ['warning', 'one'],
      ['warning', 'two'],
      ['step', 'three'],
      ['result', 'four'],
      ['error', 'five'],
      ['ended', 'lifeboat dump has ended with exit code 3'],
    ])
    expect(reporter.warnings).toEqual([{ message: 'one' }, { message: 'two' }])
  })
})
