import { describe, expect, test } from 'vitest'
import { SHOP, scheduled } from './schedules.ts'

describe('toScheduledJob', () => {
  test('knows what its run needs', () => {
    expect(scheduled(SHOP)).toEqual([
      {
        name: 'shop',
        schedule: '30 3 * * mon-fri',
        jitterMs: 300_000,
        runTimeoutMs: 21_600_000,
        variables: ['DB_PW', 'SIGN_PW', 'FAR_PW', 'CHAT_URL'],
        secretFiles: ['/run/credentials/lifeboat-shop.service/ssh.pass'],
        writes: ['/backups/a b%', '/var/lib/node', '/var/log/lifeboat', '/srv/audit'],
      },
    ])
  })

  test.for([
    ['  shop: { source: mysql://db }', /it has no schedule/, /jobs\.shop\.schedule/],
    [
      "  shop: { source: { url: mysql://db, password: 'prompt:' }, schedule: '@daily' }",
      /asks for a secret at the terminal/,
      /file:PATH or env:NAME/,
    ],
  ] as const)('refuses %s', ([job, message, hint]) => {
    expect(() => scheduled(job)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    )
  })
})
