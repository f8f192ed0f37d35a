import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type SystemdSettings, toSystemdUnits } from '../../../../src/app/schedule/systemd.ts'
import { lacks } from '../../../testbed/requirement.ts'
import { SHOP, scheduled } from './schedules.ts'

const run = promisify(execFile)
const settings: SystemdSettings = {
  command: '/bin/true',
  config: '/etc/lifeboat/lifeboat.yaml',
  user: false,
  runAs: undefined,
  stateFolder: '/home/x/.local/state/lifeboat',
}
const units = (over: Partial<SystemdSettings> = {}) =>
  scheduled(SHOP).flatMap((job) => toSystemdUnits(job, { ...settings, ...over }))
const service = (over?: Parameters<typeof units>[0]) => units(over)[0]?.text.split('\n') ?? []

describe('a systemd unit', () => {
  test('has two files, named for the job', () => {
    expect(units().map(({ name }) => name)).toEqual(['lifeboat-shop.service', 'lifeboat-shop.timer'])
  })

  test('the timer spreads its start, and makes up for a run that was missed', () => {
    const lines = units()[1]?.text.split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 03:30:00',
        'RandomizedDelaySec=300s',
        'Persistent=true',
      ]),
    )
  })

  test('takes rights away, and names what it may write', () => {
    expect(service()).toEqual(
      expect.arrayContaining([
        ...['NoNewPrivileges=yes', 'ProtectSystem=strict', 'ProtectHome=read-only', 'PrivateTmp=yes'],
        ...['CapabilityBoundingSet=', 'SystemCallFilter=@system-service', 'MemoryMax=2G', 'UMask=0077'],
        'StateDirectory=lifeboat',
        'ReadWritePaths="-/backups/a b%%"',
        'ReadWritePaths=-/srv/audit',
      ]),
    )
  })

  test('holds no secret, only where it comes from', () => {
    const lines = service()
    expect(lines).toContain('EnvironmentFile=/etc/lifeboat/shop.env')
    expect(lines).toContain('# It sets, mode 0600: DB_PW, SIGN_PW, FAR_PW, CHAT_URL')
    expect(lines).toContain('LoadCredential=ssh.pass:/etc/lifeboat/credentials/ssh.pass')
  })

  test('the service does not wait for itself: the timer does', () => {
    expect(service().find((line) => line.startsWith('ExecStart='))).toBe(
      'ExecStart=/bin/true dump shop --config /etc/lifeboat/lifeboat.yaml',
    )
  })

  test('runs as whom one names', () => {
    expect(service({ runAs: 'lifeboat' })).toContain('User=lifeboat')
    expect(service().some((line) => line.startsWith('User='))).toBe(false)
  })

  test('what systemd would replace in a path is escaped', () => {
    expect(service({ config: '/etc/l %i $HOME "q".yaml' })).toContain(
      'ExecStart=/bin/true dump shop --config "/etc/l %%i $$HOME \\"q\\".yaml"',
    )
  })

  test("a person's own asks for nothing that only root may take away", () => {
    const lines = service({ user: true })
    expect(lines).toContain('ReadWritePaths=-/home/x/.local/state/lifeboat')
    expect(lines).toContain('PrivateUsers=yes')
    expect(lines.join('\n')).not.toMatch(/Capability|ProtectKernel|StateDirectory|network-online/)
  })
})

describe.skipIf(lacks('systemd'))('systemd itself', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-units-'))
    // The manager of a person keeps its sockets there.
    await writeFile(join(folder, 'shop.env'), '')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const analyze = async (args: readonly string[]) =>
    run('systemd-analyze', args, { env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: folder } })
  const write = async (over: Parameters<typeof units>[0]) => {
    const files = units({ config: join(folder, 'lifeboat.yaml'), ...over })
    await Promise.all(files.map(({ name, text }) => writeFile(join(folder, name), text)))
    return files.map(({ name }) => join(folder, name))
  }

  test.for([
    ['of the system', {}, '--system'],
    ['of an account', { runAs: 'root' }, '--system'],
    ['of a person', { user: true }, '--user'],
  ] as const)('has nothing to say against those %s', async ([, over, manager]) => {
    const { stderr } = await analyze(['verify', manager, ...(await write(over))])
    expect(stderr).toBe('')
  })

  test('would complain of a key that it does not know', async () => {
    const [path = ''] = await write({})
    await writeFile(path, '[Service]\nType=oneshot\nExecStart=/bin/true\nProtectSytem=strict\n')
    const { stderr } = await analyze(['verify', '--system', path])
    expect(stderr).toMatch(/Unknown key.*ProtectSytem/)
  })

  test('finds little that is exposed', async () => {
    const [path = ''] = await write({})
    const { stdout } = await analyze(['security', '--offline=true', '--threshold=25', path])
    expect(stdout).toMatch(/exposure level .*: [01]\.\d OK/)
  })
})
