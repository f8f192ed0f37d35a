import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'vitest'
import { createDecodeStages, openSink } from '../../src/app/registry.ts'
import { decodeAll } from '../../src/app/stored-object.ts'
import { runVerify } from '../../src/app/verify.ts'
import { once } from '../../src/core/bytes.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/core/errors.ts'
import { tempNameOf } from '../../src/core/object-key.ts'
import { Secret } from '../../src/core/secret.ts'
import { createGzip } from '../../src/stages/gzip.ts'
import { createOpenpgp } from '../../src/stages/openpgp/index.ts'
import { until } from './cli-servers.ts'
import { runLifeboat, startLifeboat } from './command-line.ts'
import { makeFakeTool } from './fake-tool.ts'
import { type LineRoot, SSH_PASSPHRASE } from './line-places.ts'
import type { LineServer } from './line-servers.ts'

export const KEY_PASSPHRASE = 'correct horse battery staple'

/** Who a run logs in as: all that it has to know of a server beside its URL. */
interface Login {
  readonly password: string
}

export interface LineRun {
  /** Added to the command line. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** What `--json` says of a failure. */
export interface LineFailure {
  readonly code: string
  readonly exitCode: number
  readonly message: string
  readonly hint: string
  readonly warnings: readonly { readonly message: string }[]
}

export interface Line extends AsyncDisposable {
  readonly home: string
  /** `--key …` and its passphrase, for the key that every dump is encrypted to. */
  readonly key: readonly string[]
  /** `lifeboat dump --json`, under way. */
  startDump(server: Login, from: string, to: string, run?: LineRun): ReturnType<typeof startLifeboat>
  startRestore(server: Login, from: string, into: string, run?: LineRun): ReturnType<typeof startLifeboat>
  /** The id of a dump that must go well. */
  dump(server: Login, from: string, to: string, run?: LineRun): Promise<string>
  /** Of a restore that must go well, its JSON. */
  restore(server: Login, from: string, into: string, run?: LineRun): Promise<Record<string, unknown>>
  /** A folder whose dump tool goes wrong as test/fixtures/tools/FAKE does, for the front of PATH. */
  fakeTool(tool: LineServer['dumpTool'], fake: string): Promise<{ readonly PATH: string }>
  /** The failure of a run that must fail with this code. */
  failureOf(run: ReturnType<typeof startLifeboat>, ...codes: readonly ErrorCode[]): Promise<LineFailure>
  /**
   * The one invariant of all faults, however a run ended:
   * - each manifest at the place belongs to a backup that is whole down to its plain bytes;
   * - nothing under a final name is half an object;
   * - no child process and no private folder is left;
   * - what else is left, at the place or in the journals, is gone after the next run.
   *
   * Resolves with what was left for the next run, which is `healthy`.
   */
  expectSound(
    root: LineRoot,
    healthy: () => Promise<string>,
    pid: number | undefined,
  ): Promise<readonly string[]>
}

export async function createLine(): Promise<Line> {
  const home = await mkdtemp(join(tmpdir(), 'lifeboat-line-'))
  const own = { KEY_PASSPHRASE, SSH_PASSPHRASE }
  const keygen = [
    'keygen',
    '--name',
    'line',
    '--out',
    join(home, 'keys'),
    '--passphrase',
    'env:KEY_PASSPHRASE',
  ]
  const made = await runLifeboat(keygen, { home, env: own })
  if (made.exitCode !== 0) {
    await rm(home, { recursive: true })
    throw new Error(made.stderr)
  }
  const secretFile = join(home, 'keys/line.sec.asc')
  const key = ['--key', secretFile, '--passphrase', 'env:KEY_PASSPHRASE']
  const secrets = {
    keys: [secretFile],
    passphrase: async () => new Secret(KEY_PASSPHRASE),
    gpg: false,
    searchPath: '',
  }
  const { signal } = new AbortController()

  const atSink = (url: string) => (url.startsWith('ssh:') ? ['--sink-passphrase', 'env:SSH_PASSPHRASE'] : [])
  /** Nothing that is not referred to: what lifeboat was not told of, it can't keep from its tools. */
  const atSinkEnv = (url: string) => (url.startsWith('ssh:') ? { SSH_PASSPHRASE } : {})

  async function journalled(): Promise<readonly string[]> {
    const lists = await Promise.all(
      ['runs', 'uploads'].map((name) => readdir(join(home, 'state', name)).catch(() => [])),
    )
    return lists.flat()
  }

  const line: Line = {
    home,
    key,
    startDump(server, from, to, { args = [], env = {} } = {}) {
      const common = ['dump', '--json', '--from', from, '--password', 'env:DB_PASSWORD', '--to', to]
      const recipient = args.some((arg) => ['--recipient', '--no-encryption'].includes(arg))
        ? []
        : ['--recipient', join(home, 'keys/line.pub.asc')]
      return startLifeboat([...common, ...atSink(to), ...recipient, ...args], {
        home,
        env: { DB_PASSWORD: server.password, ...atSinkEnv(to), ...env },
      })
    },
    startRestore(server, from, into, { args = [], env = {} } = {}) {
      const common = ['restore', '--json', '--from', from, '--into', into, '--password', 'env:DB_PASSWORD']
      const keys = args.some((arg) => ['--key', '--gpg'].includes(arg)) ? [] : key
      return startLifeboat([...common, ...atSink(from), ...keys, ...args], {
        home,
        env: {
          DB_PASSWORD: server.password,
          ...(keys.length > 0 && { KEY_PASSPHRASE }),
          ...atSinkEnv(from),
          ...env,
        },
      })
    },
    async dump(...args) {
      const { exitCode, stderr, stdout } = await line.startDump(...args)
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      return JSON.parse(stdout).id
    },
    async restore(...args) {
      const { exitCode, stderr, stdout } = await line.startRestore(...args)
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      return JSON.parse(stdout)
    },
    fakeTool: (tool, fake) => makeFakeTool(home, tool, fake),
    async failureOf(run, ...codes) {
      const { exitCode, stderr, stdout } = await run
      expect(stderr).toMatch(/^\{/)
      const { error, warnings } = JSON.parse(stderr)
      expect(codes, error.message).toContain(error.code)
      expect(error.hint).toMatch(/^\S.*\w{3}.*[.]$/s)
      expect(exitCode).toBe(ERROR_CODES[error.code as ErrorCode].exit)
      expect(stdout).toBe('')
      return { ...error, warnings }
    },
    async expectSound(root, healthy, pid) {
      await until(async () => (await processesOf(home)).length === 0)
      const folders = await Promise.all(['/dev/shm', tmpdir()].map((each) => readdir(each).catch(() => [])))
      const ofRun = () => folders.flat().filter((name) => ownerOf(name) === pid)

      await using sink = await openSink(await root.url(), {
        home,
        stateFolder: join(home, 'state-of-the-test'),
        agentSocket: undefined,
        password: undefined,
        passphrase: async () => new Secret(SSH_PASSPHRASE),
      })
      const committed = new Set<string>()
      const expectManifests = async (names: readonly string[]) => {
        for (const name of names) {
          const id = /^default\/backups\/([^/]+)\.json$/.exec(name)?.[1]
          if (id === undefined || committed.has(id)) continue
          await runVerify(
            {
              sink,
              job: 'default',
              id,
              deep: true,
              clock: systemClock,
              onEvent: () => undefined,
              decoders: (manifest) => createDecodeStages(manifest, secrets),
            },
            signal,
          )
          committed.add(id)
        }
      }
      const before = await root.names()
      await expectManifests(before)
      const left = before.filter((name) => ![...committed].some((id) => name.includes(id)))
      for (const name of left) {
        const isTemp = name.startsWith('upload:') || tempNameOf(basename(name)) !== undefined
        if (isTemp) continue
        expect(name).not.toContain('/backups/')
        await expectWhole(name, await root.read(name))
      }
      const open = await journalled()
      const privateFolders = ofRun()
      if (left.length === 0 && open.length === 0 && privateFolders.length === 0) return []

      const next = await healthy()
      const after = await root.names()
      await expectManifests(after)
      expect(committed).toContain(next)
      expect(after.filter((name) => ![...committed].some((id) => name.includes(id)))).toEqual([])
      expect(await journalled()).toEqual([])
      const now = await Promise.all(['/dev/shm', tmpdir()].map((each) => readdir(each).catch(() => [])))
      expect(now.flat().filter((name) => ownerOf(name) === pid)).toEqual([])
      return [...left, ...open, ...privateFolders]
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }

  /** Half an object would not decode: messages and members end in checksums of their own. */
  async function expectWhole(name: string, stored: Buffer): Promise<void> {
    const stages = [
      createGzip({}),
      createOpenpgp({
        decryption: {
          secretKeys: [{ name: secretFile, bytes: await readFile(secretFile) }],
          passphrase: secrets.passphrase,
        },
      }),
    ]
    const needed = name.includes('.pgp') ? stages : stages.slice(0, 1)
    for await (const _piece of decodeAll(once(stored), needed, signal)) {
      // Reading is the check.
    }
  }
  return line
}

/** Whose private folder it is, by its name: `lifeboat-NAMESPACE-PID-START-…`. */
export function ownerOf(name: string): number | undefined {
  const pid = /^lifeboat-\d+-(\d+)-\d+-[0-9a-f]+$/.exec(name)?.[1]
  return pid === undefined ? undefined : Number(pid)
}

/** All living programs that a lifeboat with this home has started, itself included, as /proc shows them. */
export async function processesOf(home: string): Promise<readonly LineProcess[]> {
  const mark = `LIFEBOAT_STATE_DIR=${home}/state\0`
  const read = (pid: string, name: string) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')
  const found: (LineProcess & { readonly parent: number })[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // Between fork and exec a child still shows its parent's memory, and an exec may come between two reads.
    const before = await read(pid, 'cmdline')
    const environment = `${await read(pid, 'environ')}\0`
    if (!environment.includes(mark)) continue
    const [command, status] = await Promise.all([read(pid, 'cmdline'), read(pid, 'status')])
    if (command !== before) continue
    found.push({
      pid: Number(pid),
      parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]),
      stopped: /^State:\s+T/m.test(status),
      command: command.replaceAll('\0', ' '),
      environment,
    })
  }
  const isForkBeforeExec = (child: (typeof found)[number]) =>
    found.some(
      ({ pid, command, environment }) =>
        pid === child.parent && command === child.command && environment === child.environment,
    )
  return found.filter((each) => !isForkBeforeExec(each))
}

export interface LineProcess {
  readonly pid: number
  readonly stopped: boolean
  readonly command: string
  readonly environment: string
}

/** Watches a run whose tools stop themselves, lets each go on once it was seen, and resolves with all that was seen. */
export async function watchHeldTools(home: string, run: Promise<unknown>): Promise<readonly LineProcess[]> {
  const seen: LineProcess[] = []
  let running = true
  const ended = run.finally(() => {
    running = false
  })
  await until(async () => {
    const now = await processesOf(home)
    seen.push(...now)
    for (const { pid, stopped } of now) if (stopped) process.kill(pid, 'SIGCONT')
    return !running
  }, 45_000)
  await ended
  return seen
}
