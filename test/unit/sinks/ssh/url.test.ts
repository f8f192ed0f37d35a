import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSshSinkUrl } from '../../../../src/sinks/ssh/index.ts'

describe('parseSshSinkUrl', () => {
  test.for([
    [
      'ssh://backup@db.example.net/srv/backups',
      { user: 'backup', host: 'db.example.net', port: 22, folder: '/srv/backups' },
    ],
    [
      'ssh://db.example.net:2222/srv/',
      { user: undefined, host: 'db.example.net', port: 2222, folder: '/srv' },
    ],
    ['ssh://u@h:80/x', { port: 80 }],
    ['ssh://u@h:22/x', { port: 22 }],
    ['ssh://u%40corp@[2001:db8::7]:22/x', { user: 'u@corp', host: '2001:db8::7', port: 22 }],
    ['ssh://h/~/backups/mysql/', { folder: './backups/mysql' }],
    ['ssh://h/~', { folder: '.' }],
    ['ssh://h/~other', { folder: '/~other' }],
    ['ssh://h/a%20b/../c', { folder: '/c' }],
    ['ssh://h/a\\b', { folder: '/a\\b' }],
    [
      'ssh://h/x?identity=~/.ssh/a&identity=b&certificate=c',
      { identities: ['~/.ssh/a', 'b'], certificates: ['c'] },
    ],
    ['ssh://h/x?known-hosts=/etc/k&agent=none', { knownHosts: '/etc/k', agent: 'none' }],
    ['ssh://h/x?connect-timeout=1.5&keepalive=3', { timeouts: { connectMs: 1500, keepaliveMs: 3000 } }],
  ] as const)('reads %s', ([text, expected]) => {
    expect(parseSshSinkUrl(text)).toMatchObject(expected)
  })

  test.for([
    ['ssh://h', /names no folder/],
    ['ssh://h/', /names no folder/],
    ['ssh://', /not a valid URL|names no folder/],
    ['ssh://h:0/x', /port 0/],
    ['ssh://h:70000/x', /not a valid URL/],
    ['ssh://h/x#y', /holds a '#'/],
    ['ssh://h/~/../x', /leads out/],
    ['ssh://h/a%0Ab', /control character/],
    ['ssh://h/%', /percent-encoded/],
    ['ssh://h/x?identiy=y', /no option 'identiy'/],
    ['ssh://h/x?agent=a&agent=b', /given twice/],
    ['ssh://h/x?identity=', /is empty/],
    ['ssh://h/x?stall-timeout=0', /not a number of seconds/],
    ['ssh://h/x?stall-timeout=1h', /not a number of seconds/],
    ['sftp://h/x', /does not start with ssh/],
  ] as const)('refuses %s', ([text, reason]) => {
    expect(() => parseSshSinkUrl(text)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(reason),
        hint: expect.stringMatching(/./),
      }),
    )
  })

  test('never repeats a password', () => {
    try {
      parseSshSinkUrl('ssh://user:hunter2@host/x')
      expect.unreachable()
    } catch (thrown) {
      expect(JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))).not.toContain('hunter2')
      expect(thrown).toMatchObject({ code: 'usage', hint: expect.stringContaining('--sink-password') })
    }
  })

  test('reads back any absolute path', () => {
    const step = fc
      .string({ unit: 'grapheme', minLength: 1 })
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are refused, as another test says
      .filter((name) => !/[/\x00-\x1f\x7f]/.test(name) && !/^(\.\.?|~)$/.test(name))
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        const { folder } = parseSshSinkUrl(`ssh://host/${steps.map(encodeURIComponent).join('/')}`)
        expect(folder).toBe(`/${steps.join('/')}`)
      }),
    )
  })
})
