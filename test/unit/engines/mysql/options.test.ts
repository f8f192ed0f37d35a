import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { parseDefinerRule, parseMysqlOptions } from '../../../../src/engines/mysql/options.ts'
import { parsePrivileges } from '../../../../src/engines/mysql/privileges.ts'
import { parseAccount, quoteAccount } from '../../../../src/engines/mysql/quote.ts'
import { readClientVersion } from '../../../../src/engines/mysql/tools.ts'
import { isAtLeast, readServerVersion } from '../../../../src/engines/mysql/version.ts'

describe('options of the URL', () => {
  const options = (query: string) => parseMysqlOptions(parseDatabaseUrl(`mysql://u@h/${query}`))

  test('have defaults; accounts are left out of a run that is limited to one database', () => {
    expect(options('')).toEqual({
      definer: { mode: 'keep' },
      accounts: true,
      brokenViews: 'fail',
      cleartext: 'auto',
      client: 'auto',
    })
    expect(options('shop').accounts).toBe(false)
    expect(options('shop?accounts=yes').accounts).toBe(true)
  })

  test.each([
    'definer=drop',
    'definer=map:a',
    'definer=map:a=',
    'accounts=maybe',
    'acounts=no',
    'definer=map:a=b=c',
  ])('refuses %s', (query) => {
    expect(() => options(`?${query}`)).toThrow(expect.objectContaining({ code: 'usage' }) as Error)
  })

  test('map definers, percent-encoded', () => {
    expect(options('?definer=map:app@%25=admin@%25,*=dba@localhost').definer).toEqual({
      mode: 'map',
      entries: [
        { old: { user: 'app', host: '%' }, now: { user: 'admin', host: '%' } },
        { old: undefined, now: { user: 'dba', host: 'localhost' } },
      ],
    })
    expect(parseDefinerRule("map:'a,b'@'x'=`c=d`@`y`")).toMatchObject({
      entries: [{ old: { user: 'a,b', host: 'x' }, now: { user: 'c=d', host: 'y' } }],
    })
  })
})

test('an account is read back as it was quoted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (user, host) => {
      const text = quoteAccount({ user, host })
      fc.pre(text.trim() === text)
      expect(parseAccount(text)).toEqual({ user, host })
    }),
  )
})

test.each([
  ['mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)', 'MariaDB', '10.11.19'],
  ['mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)', 'MariaDB', '11.8.3'],
  ['mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', 'Oracle', '8.0.36'],
  ['mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)', 'Oracle', '5.7.44'],
])('client %s', (text, vendor, version) => {
  expect(readClientVersion(text)).toEqual({ vendor, version })
})

test.each([
  ['10.11.19-MariaDB-0+deb12u1-log', '', 'MariaDB', '10.11.19'],
  ['5.5.5-10.4.1-MariaDB', '', 'MariaDB', '10.4.1'],
  ['10.6.14', 'managed by https://aws.amazon.com/rds/, mariadb', 'MariaDB', '10.6.14'],
  ['8.4.3', 'Source distribution', 'MySQL', '8.4.3'],
  ['8.0.mysql_aurora.3.05.2', '', 'MySQL', '8.0'],
  ['5.7.44-log', 'Percona Server', 'MySQL', '5.7.44'],
])('server %s (%s)', (version, comment, flavour, text) => {
  expect(readServerVersion(version, comment)).toMatchObject({ flavour, text })
})

test('versions compare number by number', () => {
  expect(isAtLeast([10, 11, 2], [10, 9])).toBe(true)
  expect(isAtLeast([8], [8, 0, 17])).toBe(false)
})

describe('privileges', () => {
  test('are read from SHOW GRANTS: global, per database with wildcards, ALL, revoked', () => {
    const held = parsePrivileges([
      'GRANT SELECT, RELOAD, SHOW VIEW ON *.* TO `u`@`%` WITH GRANT OPTION',
      'GRANT SHOW_ROUTINE ON *.* TO `u`@`%`',
      'GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `u`@`%`',
      "GRANT EVENT ON `log%`.* TO 'u'@'%'",
      'GRANT SELECT (`a`), TRIGGER ON `x`.`t` TO `u`@`%`',
      'REVOKE SELECT ON `secret`.* FROM `u`@`%`',
      'GRANT `role`@`%` TO `u`@`%`',
    ])
    expect(held.has('SELECT')).toBe(true)
    expect(held.has('SELECT', 'secret')).toBe(false)
    expect(held.has('SHOW_ROUTINE')).toBe(true)
    expect(held.has('TRIGGER', 'my_shop')).toBe(true)
    expect(held.has('TRIGGER', 'myxshop')).toBe(false)
    expect(held.has('EVENT', 'logs')).toBe(true)
    expect(held.has('EVENT')).toBe(false)
    expect(held.has('TRIGGER', 'x')).toBe(false)
  })
})
