import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { compareObjects } from '../testbed/compare-objects.ts'
import { createLine, KEY_PASSPHRASE, type Line, type LineProcess, watchHeldTools } from '../testbed/line.ts'
import { type LinePlace, SSH_PASSPHRASE, startS3Place, startSshPlace } from '../testbed/line-places.ts'
import { LINE_ENGINES, type LineServer } from '../testbed/line-servers.ts'
import { lacks } from '../testbed/requirement.ts'

const PLACES = [
  { kind: 'S3', needs: 's3', startPlace: startS3Place },
  { kind: 'SSH', needs: 'ssh', startPlace: startSshPlace },
] as const

describe.each(LINE_ENGINES)('the realistic $engine', ({ requires, start }) => {
  if (lacks(requires)) return test.skip(`needs ${requires}`, () => undefined)
  let line: Line
  let source: LineServer
  beforeAll(async () => {
    ;[line, source] = await Promise.all([createLine(), start()])
    await source.loadFixture()
  })
  afterAll(async () => {
    await Promise.all([line, source].map((each) => each?.[Symbol.asyncDispose]()))
  })

  describe.each(PLACES)('by $kind', ({ needs, startPlace }) => {
    if (lacks(needs)) return test.skip(`needs ${needs}`, () => undefined)
    let place: LinePlace
    let target: LineServer
    let at: string
    let sinkArgs: string[]
    beforeAll(async () => {
      ;[place, target] = await Promise.all([startPlace(), start()])
      at = await (await place.newRoot()).url()
      sinkArgs = at.startsWith('ssh:') ? ['--sink-passphrase', 'env:SSH_PASSPHRASE'] : []
    })
    afterAll(async () => {
      await Promise.all([place, target].map((each) => each?.[Symbol.asyncDispose]()))
    })

    test('is dumped, listed, verified, and restored object by object, and no secret shows', async () => {
      const hold = await line.fakeTool(source.dumpTool, 'stops-at-first')
      const dumping = line.startDump(source, source.url, at, { env: { ...place.env, ...hold } })
      const dumped = await watchHeldTools(line.home, dumping)
      const { exitCode, stdout, stderr } = await dumping
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      const { id } = JSON.parse(stdout)
      expectNoSecrets(dumped, dumping.pid, source.dumpTool.name, secretsOf(source))

      const env = { ...place.env, KEY_PASSPHRASE }
      const run = async (...args: string[]) => {
        const ran = await runLifeboat([...args, '--at', at, '--json', ...sinkArgs], { home: line.home, env })
        expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
        return JSON.parse(ran.stdout)
      }
      expect((await run('list')).backups).toMatchObject([{ id, usable: true, encrypted: true }])
      expect(await run('verify')).toMatchObject({ id, verified: 'attested' })
      expect(await run('verify', id, '--deep', ...line.key)).toMatchObject({ id, verified: 'plain' })

      const holdRestore = await line.fakeTool(target.restoreTool, 'stops-at-first')
      const restoring = line.startRestore(target, at, target.url, { env: { ...place.env, ...holdRestore } })
      const restored = await watchHeldTools(line.home, restoring)
      const ended = await restoring
      expect(ended.stderr).toBe('')
      expect(JSON.parse(ended.stdout)).toMatchObject({ id, verified: true })
      expectNoSecrets(restored, restoring.pid, target.restoreTool.name, [
        ...secretsOf(target),
        KEY_PASSPHRASE,
      ])
      expect(compareObjects(await source.objects(), await target.objects())).toEqual([])
    })

    const secretsOf = (server: LineServer) => [server.password, SSH_PASSPHRASE]

    function expectNoSecrets(
      seen: readonly LineProcess[],
      own: number | undefined,
      tool: string,
      secrets: readonly string[],
    ): void {
      expect(seen.some(({ pid, command }) => pid !== own && command.includes(tool))).toBe(true)
      const latin = (text: string) => Buffer.from(text).toString('latin1')
      const cloud = place.env.AWS_SECRET_ACCESS_KEY
      for (const { pid, command, environment } of seen) {
        for (const secret of [...secrets, ...(cloud === undefined ? [] : [cloud])]) {
          expect(command).not.toContain(latin(secret))
        }
        // The agent itself was given them in its environment; nothing that it starts may inherit them.
        if (pid === own) continue
        for (const secret of secrets) expect(environment).not.toContain(latin(secret))
      }
    }
  })
})
