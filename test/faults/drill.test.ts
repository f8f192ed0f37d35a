import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from '../../src/app/drill/check.ts'
import { type DrillRequest, runDrill } from '../../src/app/drill/run-drill.ts'
import { createDecodeStages, openEngine, openSink } from '../../src/app/registry.ts'
import type { RunEvent } from '../../src/app/run-event.ts'
import { createAskReady } from '../../src/app/throwaway/ask-ready.ts'
import { startLocalServer } from '../../src/app/throwaway/local-server.ts'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { startTime } from '../../src/core/process-owner.ts'
import { type CliServer, startCliMariadb, startCliPostgres, until } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { lacks } from '../testbed/requirement.ts'

const searchPath = process.env.PATH ?? ''
const never = new AbortController().signal

const SERVERS = [
  ['mariadb', 'MariaDB', startCliMariadb, 'SELECT SLEEP(600)'],
  ['postgres', 'PostgreSQL', startCliPostgres, 'SELECT pg_sleep(600)'],
] as const

/** Of any process, whoever's child it is: a server that outlived its agent is nobody's any more. */
async function processesOf(folder: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found: number[] = []
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    if (
      command.includes(folder) &&
      pid !== process.pid &&
      !/lifeboat|cli\/main/.test(command.split('\0')[1] ?? '')
    )
      found.push(pid)
  }
  return found
}

/** Folders of a process for sockets and option files. */
async function privateFoldersOf(pid: number): Promise<readonly string[]> {
  const names = [...(await readdir('/dev/shm')), ...(await readdir(tmpdir()))]
  return names.filter((name) => new RegExp(`^lifeboat-\\d+-${pid}-`).test(name))
}

for (const [requirement, flavour, start, slowQuery] of SERVERS) {
  describe.skipIf(lacks(requirement))(`a drill with ${flavour} that is cut off`, { timeout: 90_000 }, () => {
    let home: string
    let scratch: string
    let server: CliServer
    const run = (...args: string[]) => runLifeboat(args, { home, env: { DB_PASSWORD: server.password } })

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'lb-drill-cut-'))
      scratch = join(home, 'scratch')
      await chmod(home, 0o755)
      await mkdir(scratch)
      server = await start()
      await server.seed(500)
      const ran = await run(
        ...['dump', '--from', server.url, '--password', 'env:DB_PASSWORD', '--no-encryption'],
        ...['--to', `file://${home}/sink`, '--job', 'shop'],
      )
      expect(ran.exitCode, ran.stderr).toBe(0)
    }, 90_000)
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    })

    const drill = async (
      signal: AbortSignal,
      onEvent: (event: RunEvent) => void,
      more: Partial<DrillRequest> = {},
    ) => {
      const context = {
        home,
        stateFolder: home,
        agentSocket: undefined,
        password: undefined,
        passphrase: undefined,
      }
      await using sink = await openSink(`file://${home}/sink`, context)
      const open: DrillRequest['openEngine'] = ({ url, password }) =>
        openEngine(url, { searchPath, ...(password !== undefined && { password }) })
      return await runDrill(
        {
          sink,
          job: 'shop',
          id: undefined,
          target: {
            kind: 'local',
            start: (model, plainBytes, inner) =>
              startLocalServer(
                model,
                { searchPath, scratch, plainBytes, ask: createAskReady(open), clock: systemClock, onEvent },
                inner,
              ),
          },
          openEngine: open,
          decoders: (manifest) =>
            createDecodeStages(manifest, { keys: [], passphrase: undefined, gpg: false, searchPath }),
          jobs: 1,
          checks: [],
          promised: {},
          version: 'test',
          host: 'test',
          clock: systemClock,
          onEvent,
          ...more,
        },
        signal,
      )
    }
    const slow: Check = {
      name: 'slow',
      database: 'shop',
      query: slowQuery,
      expect: { kind: 'not-empty' },
    }
    const nothingIsLeft = async () => {
      expect(await processesOf(scratch)).toEqual([])
      expect(await readdir(scratch)).toEqual([])
      expect(await privateFoldersOf(process.pid)).toEqual([])
    }

    test.for([
      [
        'as the server is started',
        (event: RunEvent) => event.kind === 'step' && /^starting/.test(event.message),
      ],
      ['as the target is looked at', (event: RunEvent) => event.kind === 'probed'],
      ['in the middle of a part', (event: RunEvent) => event.kind === 'part-started'],
      ['as rows are counted', (event: RunEvent) => event.kind === 'step' && /^counting/.test(event.message)],
      ['in a check', (event: RunEvent) => event.kind === 'step' && /check queries/.test(event.message)],
    ] as const)('aborted %s leaves no process and no folder, and a record', async ([_, isNow]) => {
      const stop = new AbortController()
      let came = false
      const ended = drill(
        stop.signal,
        (event) => {
          if (came || !isNow(event)) return
          came = true
          setImmediate(() => stop.abort(new LifeboatError('terminated', 'enough')))
        },
        { checks: [slow] },
      )
      await expect(ended).rejects.toMatchObject({ code: 'terminated' })
      expect(came).toBe(true)
      await nothingIsLeft()
      const names = (await readdir(join(home, 'sink', 'shop', 'evidence'))).sort()
      const record = JSON.parse(
        await readFile(join(home, 'sink', 'shop', 'evidence', names.at(-1) ?? ''), 'utf8'),
      )
      expect(record).toMatchObject({ outcome: 'failed', error: { code: 'terminated' } })
    })

    test('a server that ends by itself is told with its last words, at once', async () => {
      const ended = drill(never, () => undefined, {
        target: {
          kind: 'local',
          start: async (model, plainBytes, inner) => {
            const started = await startLocalServer(
              model,
              {
                searchPath,
                scratch,
                plainBytes,
                // It is never ready: it is ended before it can be.
                ask: async () => {
                  for (const pid of await processesOf(scratch)) process.kill(pid, 'SIGKILL')
                  return false
                },
                clock: systemClock,
                onEvent: () => undefined,
              },
              inner,
            )
            return started
          },
        },
      })
      const { evidence, error } = await ended
      expect(error).toMatchObject({
        code: 'tool-failed',
        message: expect.stringMatching(/killed by SIGKILL/),
      })
      expect(evidence).toMatchObject({ outcome: 'failed', error: { during: 'start' } })
      await nothingIsLeft()
    })

    test('SIGKILL ends the server with the agent, and the next drill clears away the rest', async () => {
      const config = join(home, 'lifeboat.yaml')
      await writeFile(
        config,
        `version: 1
sinks: { near: { url: file://${home}/sink } }
jobs:
  shop:
    source: '${server.url}'
    sinks: [near]
    encryption: false
    drill: { scratch: ${scratch} }
    checks: [{ name: slow, database: shop, query: '${slowQuery}', expect: not empty }]
`,
      )
      const child = startLifeboat(['drill', 'shop', '--config', config], { home })
      const asking = async () => {
        const names = await Promise.all(
          (await processesOf(scratch)).map((pid) =>
            readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
          ),
        )
        return names.length > 0 && (await readdir(join(home, 'sink', 'shop', 'verified'))).length > 0
      }
      await rm(join(home, 'sink', 'shop', 'verified'), { recursive: true, force: true })
      await mkdir(join(home, 'sink', 'shop', 'verified'))
      // The restore is noted as it ends: from then on the check is asked.
      await until(asking, 60_000)
      const pids = await processesOf(scratch)
      child.kill('SIGKILL')
      await child
      await until(async () => {
        const alive = await Promise.all(pids.map(startTime))
        return alive.every((time) => time === undefined) && (await processesOf(scratch)).length === 0
      }, 30_000)
      expect((await readdir(scratch)).length).toBe(1)
      const { evidence } = await drill(never, () => undefined)
      expect(evidence.outcome).toBe('passed')
      expect(await readdir(scratch)).toEqual([])
      expect(await privateFoldersOf(child.pid ?? 0)).toEqual([])
    })
  })
}
