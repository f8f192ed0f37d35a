import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { holdTool } from '../testbed/hold-tool.ts'
import { lacks } from '../testbed/requirement.ts'
import { type Sshd, startSshd } from '../testbed/sshd.ts'

/** Over SSH: a sink that is closed before a verb is done with it fails there, where a folder would not notice. */
describe.skipIf(lacks('mariadb') || lacks('ssh'))('the audit log', { timeout: 60_000 }, () => {
  let home: string
  let log: string
  let config: string
  let server: CliServer
  let sshd: Sshd
  const secret = 'correct horse battery staple'
  const env = () => ({ DB_PASSWORD: server.password, KEY_PASSPHRASE: secret })
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home, env: env() })
  const read = async (file = log) =>
    (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  const key = () => ['--key', join(home, 'keys/ops.sec.asc'), '--passphrase', 'env:KEY_PASSPHRASE']

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-audit-'))
    log = join(home, 'audit.jsonl')
    ;[server, sshd] = await Promise.all([startCliMariadb(), startSshd()])
    await server.seed(10)
    const keys = ['keygen', '--name', 'ops', '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
    expect(await runLifeboat(keys, { home, env: env() })).toMatchObject({ exitCode: 0 })
    config = join(home, 'lifeboat.yaml')
    const ssh = `ssh://${sshd.user}@${sshd.host}:${sshd.port}${sshd.objects}?identity=${sshd.identity}&known-hosts=${sshd.knownHosts}&agent=none`
    await writeFile(
      config,
      `version: 1
keys:
  ops: { public: ${home}/keys/ops.pub.asc, secret: ${home}/keys/ops.sec.asc, passphrase: env:KEY_PASSPHRASE }
signing: { key: ops }
signers: [ops]
sinks:
  far: { url: '${ssh}' }
  near: { url: 'file://${home}/near' }
audit: { file: ${log} }
defaults: { classification: development, recipients: [ops] }
jobs:
  shop:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
    sinks: [far, near]
  broken:
    source: { url: 'mysql://nobody@127.0.0.1:1?tls=disable', password: env:DB_PASSWORD }
    sinks: [near]
`,
    )
  })
  afterAll(async () => {
    await Promise.all([server?.[Symbol.asyncDispose](), sshd?.[Symbol.asyncDispose]()])
    await rm(home, { recursive: true, force: true })
  })

  test('has the start and the end of every verb that reads or changes a backup, and no secret', async () => {
    const checked = await run('config', 'check')
    expect(checked.stdout).toContain(`recorded  in ${log}`)
    const dumped = await run('dump', 'shop')
    expect(dumped).toMatchObject({ exitCode: 0 })
    const id = dumped.stdout
    const place = ['--at', 'far', '--job', 'shop']
    expect(await run('dump', 'broken')).toMatchObject({ exitCode: 12 })
    expect(await run('verify', ...place, '--deep', ...key())).toMatchObject({ exitCode: 0 })
    expect(await run('verify', '--all', '--at', 'far')).toMatchObject({ exitCode: 0 })
    expect(await run('keep', id, ...place, '--reason', 'the first')).toMatchObject({ exitCode: 0 })
    expect(await run('keep', id, ...place, '--undo')).toMatchObject({ exitCode: 0 })
    // Far enough to read all that a restore reads before it looks at the target.
    const into = ['--into', server.url, '--password', 'env:DB_PASSWORD', ...key()]
    expect(await run('restore', '--from', 'far', '--job', 'shop', ...into)).toMatchObject({ exitCode: 14 })
    const second = (await run('dump', 'shop')).stdout
    const prune = ['prune', '--at', 'near', '--job', 'shop', '--keep-last', '1', '--confirm']
    expect(await run(...prune)).toMatchObject({ exitCode: 0 })

    const records = await read()
    const ends = records.filter(({ event }) => event === 'end')
    expect(ends).toMatchObject([
      { verb: 'dump', exitCode: 0, backup: id },
      { verb: 'dump', exitCode: 12, code: 'engine-unreachable' },
      { verb: 'verify', exitCode: 0, backup: id },
      { verb: 'verify', exitCode: 0 },
      { verb: 'keep', exitCode: 0 },
      { verb: 'keep', exitCode: 0 },
      { verb: 'restore', exitCode: 14, code: 'source-protected' },
      { verb: 'dump', exitCode: 0, backup: second },
      { verb: 'prune', exitCode: 0, removed: [id] },
    ])
    const starts = records.filter(({ event }) => event === 'start')
    expect(starts.map(({ run: name }) => name)).toEqual(ends.map(({ run: name }) => name))
    const sink = `ssh://${sshd.user}@${sshd.host}:${sshd.port}${sshd.objects}`
    const fingerprint = expect.stringMatching(/^[0-9A-F]{40,64}$/)
    expect(starts[0]).toMatchObject({
      who: { user: expect.any(String), host: expect.any(String), pid: expect.any(Number) },
      job: 'shop',
      source: expect.stringMatching(/^mariadb:.*@/),
      sinks: [expect.stringContaining(sink), `file://${home}/near`],
      recipients: [fingerprint],
      signer: fingerprint,
    })
    expect(starts[2]).toMatchObject({ backup: 'latest', keys: [starts[0].signer], options: ['deep'] })
    expect(starts.slice(4, 6)).toMatchObject([
      { backup: id, options: [] },
      { backup: id, options: ['undo'] },
    ])
    expect(starts[6]).toMatchObject({ target: starts[0].source, keys: [starts[0].signer] })
    expect(starts[8]).toMatchObject({ job: 'shop', options: ['confirm'] })
    const text = await readFile(log, 'utf8')
    for (const hidden of [server.password, secret]) expect(text).not.toContain(hidden)
    expect((await stat(log)).mode & 0o777).toBe(0o600)
  })

  test('is vouched for by the signed manifests of both sinks; a past that was rewritten is found', async () => {
    for (const sink of ['far', 'near']) {
      const verified = await run('audit', 'verify', '--at', sink, '--json')
      expect(verified).toMatchObject({ exitCode: 0, stderr: '' })
      expect(JSON.parse(verified.stdout)).toMatchObject({
        ok: true,
        logs: [{ file: log, unfinished: [], torn: 0, vouched: expect.any(Number) }],
        backups: { silent: [], unusable: [] },
        warnings: [],
      })
    }
    const { logs } = JSON.parse((await run('audit', 'verify', '--at', 'far', '--json')).stdout)
    expect(logs[0].vouched).toBe(15)
    const cut = join(home, 'cut.jsonl')
    await writeFile(cut, `${(await readFile(log, 'utf8')).split('\n').slice(0, 14).join('\n')}\n`)
    expect(await run('audit', 'verify', '--file', cut)).toMatchObject({ exitCode: 0 })
    const found = await run('audit', 'verify', '--file', cut, '--at', 'far')
    expect(found).toMatchObject({ exitCode: 31, stdout: '' })
    expect(found.stderr).toMatch(
      /vouches for 15 records,\s+and there are only 14[\s\S]*^hint: Keep the file/m,
    )
  })

  test('that can not be written stops a run before it begins', async () => {
    const objects = async () => (await readdir(join(home, 'near'), { recursive: true })).length
    const before = await objects()
    const refused = await run('dump', 'shop', '--audit', join(home, 'none/audit.jsonl'))
    expect(refused).toMatchObject({ exitCode: 3, stdout: '' })
    expect(refused.stderr).toMatch(
      /unable to write audit log '.*': its folder is not there\s+hint: Make the folder/,
    )
    expect(await objects()).toBe(before)
  })

  test('holds up no emergency, and the manifest says that there is no record; else the record says that it is one', async () => {
    const overridden = async (id: string) => {
      const { backups } = JSON.parse((await run('list', '--at', 'near', '--job', 'shop', '--json')).stdout)
      return backups.find((backup: { id: string }) => backup.id === id).overridden
    }
    const unrecorded = await run('dump', 'shop', '--emergency', '--audit', join(home, 'none/audit.jsonl'))
    expect(unrecorded).toMatchObject({ exitCode: 0 })
    expect(unrecorded.stderr.replace(/\s+/g, ' ')).toContain('overridden: audit: unable to write audit log')
    expect(await overridden(unrecorded.stdout)).toEqual(['lease', 'audit'])
    const dumped = await run('dump', 'shop', '--emergency')
    expect(dumped).toMatchObject({ exitCode: 0 })
    expect(await overridden(dumped.stdout)).toEqual(['lease'])
    const [start, end] = (await read()).slice(-2)
    expect(start).toMatchObject({ event: 'start', emergency: { overridden: ['lease'] } })
    expect(end).toMatchObject({ event: 'end', run: start.run, backup: dumped.stdout })
    const verified = await run('audit', 'verify', '--at', 'near', '--json')
    expect(JSON.parse(verified.stdout).backups.silent).toEqual([`shop/${unrecorded.stdout}`])
  })

  test('that fails at the end of a dump takes nothing of it back: the id is told, and exit status 3', async () => {
    const own = join(home, 'own.jsonl')
    const running = startLifeboat(['dump', 'shop', '--audit', own, '--json', '--config', config], {
      home,
      env: { ...env(), ...server.holdEnv },
    })
    const held = await holdTool(running.pid, server)
    await rename(own, join(home, 'begun.jsonl'))
    await mkdir(own)
    held.release()
    const { exitCode, stdout, stderr } = await running
    expect(stderr).toBe('')
    const { id, warnings } = JSON.parse(stdout)
    expect(warnings).toContainEqual({
      message: expect.stringMatching(
        `unable to record how the dump of backup '${id}' ended: .*it is a folder`,
      ),
      hint: expect.stringContaining('What it did stands'),
    })
    expect(exitCode).toBe(3)
    expect(await run('verify', id, '--at', 'far', '--job', 'shop')).toMatchObject({ exitCode: 0 })
    const [start, ...more] = await read(join(home, 'begun.jsonl'))
    expect(start).toMatchObject({ event: 'start', verb: 'dump', job: 'shop' })
    expect(more).toEqual([])
  })

  test('tells of a run that was killed, and goes on after it', async () => {
    const own = join(home, 'killed.jsonl')
    const running = startLifeboat(['dump', 'shop', '--audit', own, '--no-lease', '--config', config], {
      home,
      env: { ...env(), ...server.holdEnv },
    })
    const held = await holdTool(running.pid, server)
    const { pid } = running
    running.kill('SIGKILL')
    held.release()
    expect(await running).toMatchObject({ signal: 'SIGKILL' })
    expect(await run('dump', 'shop', '--audit', own)).toMatchObject({ exitCode: 0 })
    const verified = await run('audit', 'verify', '--file', own)
    expect(verified).toMatchObject({ exitCode: 0 })
    expect(verified.stderr.replace(/\s+/g, ' ')).toMatch(
      new RegExp(`the dump of job 'shop' that process ${pid} of .* has no end`),
    )
    // What stands before it can't be altered any more.
    await writeFile(own, (await readFile(own, 'utf8')).replace('"verb":"dump"', '"verb":"list"'))
    const altered = await run('audit', 'verify', '--file', own)
    expect(altered).toMatchObject({ exitCode: 31 })
    expect(altered.stderr).toMatch(/line 2: record 2 does not follow/)
  })

  test('without one anywhere says where to give it', async () => {
    const none = join(home, 'none.yaml')
    await writeFile(none, 'version: 1\n')
    const asked = await runLifeboat(['audit', 'verify', '--config', none], { home })
    expect(asked).toMatchObject({ exitCode: 3 })
    expect(asked.stderr).toMatch(/neither --file nor the configuration[\s\S]*hint: Give it with --file FILE/)
  })
})
