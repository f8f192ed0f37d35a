import { readdir, statfs, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layout } from '../../src/core/backup-layout.ts'
import { once } from '../../src/core/bytes.ts'
import type { Sink } from '../../src/core/sink.ts'
import { until } from '../testbed/cli-servers.ts'
import { startLifeboat } from '../testbed/command-line.ts'
import { makeFakeTool } from '../testbed/fake-tool.ts'
import { ownerOf, processesOf } from '../testbed/line.ts'
import { SSH_PASSPHRASE } from '../testbed/line-places.ts'
import { dialled } from '../testbed/line-servers.ts'
import { startTcpProxy, type TcpProxy } from '../testbed/tcp-proxy.ts'
import { checkPlace, JOB, orphansOf } from './check-place.ts'
import type { ChaosContext, RunOutcome } from './memory-run.ts'
import type { ChaosPlan } from './plan.ts'
import { newFolder } from './roots.ts'
import type { ChaosServers } from './servers.ts'
import { sweepPlace } from './sweep.ts'
import type { Violations } from './violations.ts'

const DISK_BYTES = 96 * 1024 * 1024
/** Of one command, on a machine that has other things to do. */
const RUN_MS = 240_000

interface CliRun {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly from?: string
  readonly known?: boolean
}

/** One run of the command line against a real server, beginning with an empty place. */
export async function runServerPlan(
  plan: ChaosPlan,
  { keys, roots, servers }: ChaosContext & { readonly servers: ChaosServers },
  violations: Violations,
): Promise<RunOutcome> {
  if (plan.engine === 'memory') throw new Error('not a server')
  const { fault } = plan
  const { source, target, held } = await servers.pair(plan.engine)
  await using scratch = await newFolder('home')
  const homes = { known: join(scratch.path, 'known'), other: join(scratch.path, 'other') }
  const disk = fault.kind === 'disk-full' ? await roots.newDisk(DISK_BYTES) : undefined
  await using root = disk ?? (await roots.newRoot(plan.sink, plan.maxChunks))
  if (root.url === undefined) throw new Error('the command line needs a URL')
  // Before, during and after: a machine knows a place by its address, and by that finds what dead runs left there.
  await using proxy = fault.kind === 'network' && root.address ? await startTcpProxy(root.address) : undefined
  const at = await root.url(proxy)
  const committed = new Set<string>()
  const pids = new Set<number>()
  const isSsh = plan.sink === 'ssh'
  const secrets = { ...root.env, ...(isSsh && { SSH_PASSPHRASE }) }
  const sinkArgs = isSsh ? ['--sink-passphrase', 'env:SSH_PASSPHRASE'] : []
  const trustArgs = plan.signed ? ['--signer', keys.signingPublic] : []

  function start(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const run = startLifeboat([...args, ...sinkArgs, '--json'], {
      home,
      env: { ...secrets, ...env },
      timeoutMs: RUN_MS,
    })
    if (run.pid !== undefined) pids.add(run.pid)
    return run
  }
  function startDump({ args = [], env = {}, from = source.url, known = true }: CliRun = {}) {
    const database = ['--from', from, '--password', 'env:DB_PASSWORD']
    const keyArgs = [
      '--recipient',
      keys.recipient,
      ...(plan.signed ? ['--signing-key', keys.signingSecret] : []),
    ]
    const lease = plan.leased ? ['--lease', '1m', '--wait-lease', '1m'] : ['--no-lease']
    const how = ['--job', JOB, '--codec', plan.codec, '--jobs', String(plan.jobs), ...lease]
    return start(
      known ? homes.known : homes.other,
      ['dump', ...database, '--to', at, ...keyArgs, ...how, ...args],
      { DB_PASSWORD: source.password, ...env },
    )
  }
  const startRestore = (into: string) =>
    start(
      homes.known,
      [
        ...['restore', 'latest', '--from', at, '--job', JOB, '--into', into, '--password', 'env:DB_PASSWORD'],
        ...['--key', keys.secret, '--replace', ...trustArgs],
      ],
      { DB_PASSWORD: target.password },
    )

  /** How a run of the command line ended. Its own defects, and errors without a hint, are violations. */
  async function outcomeOf(run: ReturnType<typeof start>): Promise<string> {
    const { exitCode, signal, stdout, stderr, timedOut } = await run
    violations.expect(!timedOut, `it did not end: ${stderr}`)
    if (exitCode === 0) {
      const { id } = JSON.parse(stdout)
      committed.add(id)
      return 'made'
    }
    if (signal !== undefined) return signal === 'SIGKILL' ? 'killed' : signal
    const { error } = JSON.parse(/^\{.*$/m.exec(stderr)?.[0] ?? '{"error":{}}')
    const told = typeof error.hint === 'string' && error.hint !== '' && stdout === ''
    violations.expect(told, `it failed without an error that helps: ${stderr}`)
    violations.expect(error.code !== 'internal', `it failed with a defect: ${stderr}`)
    return String(error.code)
  }
  /** Two ids of one second would be ordered by chance. */
  async function soundDump(run: CliRun = {}): Promise<string | undefined> {
    const second = Math.floor(Date.now() / 1000)
    await until(async () => Math.floor(Date.now() / 1000) > second)
    const before = new Set(committed)
    const outcome = await outcomeOf(startDump(run))
    violations.expect(outcome === 'made', `a sound dump ended with ${outcome}`)
    return [...committed].find((id) => !before.has(id))
  }
  async function sound<T>(work: (sink: Sink) => Promise<T>): Promise<T> {
    await using sink = await root.open(join(scratch.path, 'state-of-the-test'))
    return await work(sink)
  }
  const check = (when: string) =>
    sound((sink) =>
      checkPlace(
        { sink, keys, signed: plan.signed, committed, contentOf: () => 'elsewhere', violations },
        when,
      ),
    )
  async function expectNoProcess(when: string): Promise<void> {
    const gone = async () =>
      (await Promise.all([processesOf(homes.known), processesOf(homes.other)])).flat().length === 0
    await until(gone).catch(async () => {
      const left = (await processesOf(homes.known)).map(({ command }) => command)
      violations.expect(false, `${when}: processes are left: ${left}`)
    })
  }

  for (let number = 0; number < plan.before; number++) await soundDump()
  const outcome = await runFault()
  await expectNoProcess('after the fault')
  const after = await check('after the fault')
  const well = ['made', 'locked', 'killed'].includes(outcome.outcome)
  if (!outcome.struck) violations.expect(well, `a run that nothing befell ended with ${outcome.outcome}`)
  if (fault.kind === 'tool') {
    violations.expect(after.length === plan.before, 'a dump whose tool failed is listed')
  }

  const newest = await soundDump({ known: !plan.otherMachine })
  const ids = await check('after the sound dump')
  violations.expect(ids.at(-1) === newest, `the newest is ${ids.at(-1)}, and not ${newest} of the sound dump`)
  const listed = await start(homes.known, ['list', '--at', at, '--job', JOB, ...trustArgs])
  const listedIds = JSON.parse(listed.stdout).backups.map(({ id }: { id: string }) => id)
  violations.expect(
    [...listedIds].sort().join() === ids.join(),
    `list shows ${listedIds}, and there are ${ids}`,
  )
  if (plan.otherMachine) await sound((sink) => sweepPlace(sink, plan.signed ? keys.trust : undefined))
  else {
    const open = await Promise.all(
      ['runs', 'uploads'].map((name) => readdir(join(homes.known, 'state', name)).catch(() => [])),
    )
    violations.expect(open.flat().length === 0, 'the journal still remembers runs that are dead')
  }
  const orphans = orphansOf(await root.names(), ids)
  violations.expect(orphans.length === 0, `left behind for ever: ${orphans.join(', ')}`)

  const restored = await startRestore(target.url)
  violations.expect(restored.exitCode === 0, `the newest backup does not restore: ${restored.stderr}`)
  violations.expect(sameObjects(await target.objects(), held), 'what was restored differs from the source')
  violations.expect(sameObjects(await source.objects(), held), 'the source was changed')
  await tamperAndRestore(ids)
  await expectNoProcess('at the end')
  const folders = await Promise.all(['/dev/shm', tmpdir()].map((each) => readdir(each).catch(() => [])))
  const privateFolders = folders.flat().filter((name) => pids.has(ownerOf(name) ?? 0))
  violations.expect(privateFolders.length === 0, `private folders are left: ${privateFolders}`)
  return outcome

  /** What a bucket writer can do is refused before anything that the target holds is dropped. */
  async function tamperAndRestore(all: readonly string[]): Promise<void> {
    const id = all.at(-1)
    if (id === undefined) return
    await sound(async (sink) => {
      const { signal } = new AbortController()
      const keysOf: string[] = []
      for await (const { key } of sink.list(layout.dataOf(JOB, id), signal)) keysOf.push(key)
      const small = keysOf.filter((key) => /\/(contents|index)\./.test(key))
      const victims = [
        ...small,
        ...(plan.signed ? [layout.manifest(JOB, id), layout.signature(JOB, id)] : []),
      ]
      const victim = victims[plan.run % victims.length] as string
      const bytes = (await sink.stat(victim, signal))?.bytes ?? 0
      const stored = Uint8Array.from(await sink.read(victim, { offset: 0, bytes }, signal))
      stored[bytes >> 1] = (stored[bytes >> 1] ?? 0) ^ 1
      await sink.write(victim, once(stored), { signal })
      const { exitCode } = await startRestore(target.url)
      violations.expect(
        exitCode === 31 || exitCode === 32,
        `a restore with a flipped bit in ${victim} ended with exit code ${exitCode}`,
      )
      const kept = sameObjects(await target.objects(), held)
      violations.expect(kept, `a refused restore (${victim}) touched the target`)
    })
  }

  async function runFault(): Promise<RunOutcome> {
    switch (fault.kind) {
      case 'tool': {
        const env = await makeFakeTool(homes.known, source.dumpTool, fault.fake)
        const outcome = await outcomeOf(startDump({ env, args: ['--jobs', '1', '--stall-timeout', '2s'] }))
        violations.expect(outcome !== 'made', 'a dump whose tool failed was reported as made')
        return { struck: true, outcome }
      }
      case 'database': {
        await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
        const hit = injected(proxy, fault.how, fault.bytes, 'down')
        const args = ['--stall-timeout', '2s']
        const outcome = await outcomeOf(startDump({ from: dialled(source, proxy), args }))
        return { struck: hit.struck, outcome }
      }
      case 'signal': {
        await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
        const hit = injected(proxy, 'stall', fault.bytes, 'down')
        const run = startDump({ from: dialled(source, proxy) })
        const ended = outcomeOf(run)
        await Promise.race([hit.promise, ended])
        run.kill(fault.signal)
        return { struck: hit.struck, outcome: await ended }
      }
      case 'race': {
        const outcomes = await Promise.all(
          [0, 1].map((agent) => outcomeOf(startDump({ known: agent === 0 || !plan.otherMachine }))),
        )
        const made = outcomes.every((each) => each === 'made')
        violations.expect(made, `agents that raced and may wait ended with ${outcomes}`)
        return { struck: true, outcome: made ? 'made' : outcomes.join(' and ') }
      }
      case 'restore-killed': {
        await soundDump()
        await using proxy = await startTcpProxy({ host: '127.0.0.1', port: target.port })
        const hit = injected(proxy, 'stall', fault.bytes, 'up')
        const run = startRestore(dialled(target, proxy))
        const ended = run.then(({ exitCode, signal }) => signal ?? exitCode)
        await Promise.race([hit.promise, ended])
        run.kill('SIGKILL')
        return { struck: hit.struck, outcome: (await ended) === 'SIGKILL' ? 'killed' : 'made' }
      }
      case 'disk-full': {
        if (disk === undefined) return { struck: false, outcome: await outcomeOf(startDump()) }
        const { bavail, bsize } = await statfs(disk.path)
        const ballast = join(disk.path, 'ballast')
        await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - fault.roomBytes)))
        const outcome = await outcomeOf(startDump())
        await unlink(ballast)
        return { struck: outcome !== 'made', outcome }
      }
      case 'network': {
        if (proxy === undefined) throw new Error('only a far sink has a network')
        const hit = injected(proxy, fault.how, fault.bytes, fault.direction)
        const outcome = await outcomeOf(startDump())
        await proxy.heal()
        return { struck: hit.struck, outcome }
      }
      default:
        return { struck: false, outcome: await outcomeOf(startDump()) }
    }
  }
}

function injected(
  proxy: TcpProxy,
  kind: 'cut' | 'close' | 'stall' | 'half-open',
  bytes: number,
  direction: 'up' | 'down',
): { readonly struck: boolean; readonly promise: Promise<void> } {
  let struck = false
  const promise = proxy.struck().then(() => {
    struck = true
  })
  proxy.inject({ kind, after: { bytes, direction } })
  return {
    get struck() {
      return struck
    },
    promise,
  }
}

function sameObjects(some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): boolean {
  return some.size === others.size && [...some].every(([name, text]) => others.get(name) === text)
}
