import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl, refuseUnknownOptions } from '../../../src/core/database-url.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

function refusal(text: string): LifeboatError {
  try {
    parseDatabaseUrl(text)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(LifeboatError)
    return thrown as LifeboatError
  }
  throw new Error(`'${text}' was accepted`)
}

describe('parseDatabaseUrl', () => {
  test('user, host, port, database and options', () => {
    expect(parseDatabaseUrl('mysql://app@db.example:3307/shop?definer=strip')).toMatchObject({
      scheme: 'mysql',
      user: 'app',
      host: 'db.example',
      port: 3307,
      database: 'shop',
      tls: 'require',
      options: new Map([['definer', 'strip']]),
    })
  })

  test('RDS hosts, and a given CA, mean verify-full; nothing else is verified unasked', () => {
    expect(parseDatabaseUrl('postgres://a@x.eu-west-1.rds.amazonaws.com').tls).toBe('verify-full')
    expect(parseDatabaseUrl('postgres://a@x.cn-north-1.rds.amazonaws.com.cn').tls).toBe('verify-full')
    expect(parseDatabaseUrl('postgres://a@x.rds.amazonaws.com.evil.example').tls).toBe('require')
    expect(parseDatabaseUrl('mysql://a@127.0.0.1').tls).toBe('require')
    expect(parseDatabaseUrl('mysql://a@127.0.0.1?tls-ca=/ca.pem').tls).toBe('verify-full')
    expect(parseDatabaseUrl('mysql://a@127.0.0.1?tls=disable').tls).toBe('disable')
  })

  test('connect= parts the dialled address from the verified name', () => {
    const url = parseDatabaseUrl('mysql://a@x.rds.amazonaws.com:3306?connect=127.0.0.1:13306')
    expect(url).toMatchObject({
      host: 'x.rds.amazonaws.com',
      port: 3306,
      connect: { host: '127.0.0.1', port: 13306 },
    })
    expect(parseDatabaseUrl('mysql://a@h?connect=[fd00::7]:9').connect).toEqual({ host: 'fd00::7', port: 9 })
    expect(parseDatabaseUrl('mysql://a@h?connect=fd00::7').connect).toEqual({
      host: 'fd00::7',
      port: undefined,
    })
    expect(refusal('mysql://a@h?connect=1.2.3.4:99999').message).toContain('connect=')
  })

  test('a Unix socket', () => {
    expect(parseDatabaseUrl('mysql://root@?socket=/run/mysqld/mysqld.sock')).toMatchObject({
      user: 'root',
      host: undefined,
      socket: '/run/mysqld/mysqld.sock',
      tls: 'disable',
    })
    expect(parseDatabaseUrl('postgres:///shop?socket=/run/postgresql')).toMatchObject({
      database: 'shop',
      host: undefined,
    })
    expect(refusal('mysql://h?socket=/s').message).toContain('both')
    expect(refusal('mysql://').message).toContain('neither')
    expect(refusal('mysql://u@?socket=/s&tls=require').message).toContain('Unix socket')
  })

  test('port 80 and IPv6 hosts survive', () => {
    expect(parseDatabaseUrl('mysql://a@h:80/x').port).toBe(80)
    expect(parseDatabaseUrl('mysql://a@h/x').port).toBeUndefined()
    expect(parseDatabaseUrl('postgres://a@[::1]:5433/x')).toMatchObject({ host: '::1', port: 5433 })
  })

  test('a password in the URL is refused and never repeated', () => {
    const refused = refusal('mysql://app:hunter2@db/shop')
    expect(refused.message).not.toContain('hunter2')
    expect(refused.hint).toContain('--password')
    expect(JSON.stringify(refused)).not.toContain('hunter2')
  })

  test.each([
    'shop',
    'mysql:/h',
    'mysql://h/a/b',
    'mysql://h?tls=maybe',
    'mysql://h?x=1&x=2',
    'mysql://h#x',
    'mysql://h:99999',
    'mysql://%zz@h',
  ])('%s is a usage error with a hint', (text) => {
    const refused = refusal(text)
    expect(refused.code).toBe('usage')
    expect(refused.hint).toBeTruthy()
  })

  test('any user and database name survives percent-encoding', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => encodable(text))
    fc.assert(
      fc.property(name, name, (user, database) => {
        const url = parseDatabaseUrl(`mysql://${encodeAll(user)}@db.example/${encodeAll(database)}`)
        expect(url.user).toBe(user)
        expect(url.database).toBe(database)
      }),
    )
  })

  test('no text makes it throw anything but a usage error', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', 'mysql://', 'postgres://u@'),
        (text, start) => {
          try {
            parseDatabaseUrl(start + text)
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(LifeboatError)
            expect((thrown as LifeboatError).code).toBe('usage')
          }
        },
      ),
    )
  })

  test('an option that the engine does not know is refused by name', () => {
    const url = parseDatabaseUrl('mysql://h?definr=strip')
    expect(() => refuseUnknownOptions(url, ['definer'])).toThrow("no option 'definr'")
    expect(() => refuseUnknownOptions(url, ['definer'])).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("Did you mean 'definer'? It takes connect,") }),
    )
    expect(() => refuseUnknownOptions(parseDatabaseUrl('mysql://h?definer=strip'), ['definer'])).not.toThrow()
  })
})

/** WHATWG URLs normalise '.' and '..' path steps even when percent-encoded: no database can be named so in a URL. */
function encodable(text: string): boolean {
  return text.isWellFormed() && text !== '.' && text !== '..'
}

function encodeAll(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
}
