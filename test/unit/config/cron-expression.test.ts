import { describe, expect, test } from 'vitest'
import { normaliseCron, parseCron } from '../../../src/config/cron-expression.ts'

describe('parseCron', () => {
  test.for([
    ['30 3 * * *', { minutes: [30], hours: [3], days: undefined, months: undefined, weekdays: undefined }],
    ['0 0 1 jan,JUL *', { days: [1], months: [1, 7] }],
    ['*/20 1-3 * * mon-wed', { minutes: [0, 20, 40], hours: [1, 2, 3], weekdays: [1, 2, 3] }],
    ['0 3 * * 7', { weekdays: [0] }],
    ['0 3 15 * 5', { days: [15], weekdays: [5] }],
    // Either is enough, so every day is.
    ['0 3 1-31 * 5', { days: undefined, weekdays: undefined }],
    ['@weekly', { minutes: [0], hours: [0], weekdays: [0] }],
  ] as const)('%s', ([text, times]) => {
    expect(parseCron(text)).toMatchObject(times)
  })

  test.for([
    ['60 3 * * *', /minute: 60/],
    ['0 3 * *', /five fields/],
    ['0 0 3 * * *', /five fields/],
    ['', /five fields/],
    ['@reboot', /there is no @reboot; there are @hourly/],
    ['0 3 L * *', /'L'/],
    ['0 3 * * 1#2', /'1#2'/],
    ['? 3 * * *', /'\?'/],
    ['0 22-4 * * *', /larger/],
    ['0 3 30 2 *', /no such day/],
    ['0 3 31 4,6 *', /no such day/],
    // Debian's cron asks for both, that of Kubernetes for either.
    ['0 3 */2 * 1', /read differently/],
    ['0 3 1 * */2', /read differently/],
  ] as const)('refuses %s', ([text, reason]) => {
    expect(() => parseCron(text)).toThrow(reason)
  })

  test('a name becomes five fields, for whoever knows no names', () => {
    expect(normaliseCron('@Daily')).toBe('0 0 * * *')
    expect(normaliseCron(' 0  3 * * * ')).toBe('0 3 * * *')
  })
})
