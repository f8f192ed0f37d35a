import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { compareObjects, type ObjectDifference } from '../test/testbed/compare-objects.ts'
import { type Sshd, startSshd } from '../test/testbed/sshd.ts'
import { type DemoServer, demoEngines } from './demo-servers.ts'
import { type DemoRow, formatTable } from './demo-table.ts'

const lifeboat = join(import.meta.dirname, 'lifeboat')
const PASSPHRASE = 'throwaway demo passphrase'

const say = (text: string) => process.stderr.write(`demo: ${text}\n`)

/** Runs the command as a user would, shows it, and returns the object that it prints with --json. */
async function run<Result>(args: readonly string[], env: Record<string, string>): Promise<Result> {
  process.stderr.write(`\n$ lifeboat ${args.join(' ')}\n`)
  const { stdout } = await execa(lifeboat, [...args, '--json'], {
    env: { ...env, LIFEBOAT_DEMO_PASSPHRASE: PASSPHRASE },
    stderr: 'inherit',
    stdin: 'ignore',
  })
  return JSON.parse(stdout) as Result
}

async function main(): Promise<number> {
  const rows: DemoRow[] = []
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-demo-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rm(folder, { recursive: true, force: true }))
  const env = { XDG_STATE_HOME: join(folder, 'state') }
  const keys = join(folder, 'keys')
  const { publicFile, secretFile } = await run<{ publicFile: string; secretFile: string }>(
    ['keygen', '--name', 'lifeboat demo', '--out', keys, '--passphrase', 'env:LIFEBOAT_DEMO_PASSPHRASE'],
    env,
  )
  const sshd = cleanup.use(await startSshd())
  for (const engine of demoEngines) {
    say(`starting and filling a ${engine.label} server`)
    const source = cleanup.use(await engine.start())
    await source.fill()
    const objects = await source.objects()
    const places = [
      { sink: 'file', url: `file://${join(folder, engine.name)}` },
      { sink: 'ssh', url: sshUrl(sshd, engine.name) },
    ]
    for (const { sink, url } of places) {
      const secret = { ...env, LIFEBOAT_DEMO_PASSWORD: source.password }
      const dump = await run<DemoRow['dump'] & { id: string }>(
        [
          'dump',
          '--from',
          source.url,
          '--password',
          'env:LIFEBOAT_DEMO_PASSWORD',
          '--to',
          url,
          '--recipient',
          publicFile,
        ],
        secret,
      )
      await using target: DemoServer = await engine.start()
      const restore = await run<DemoRow['restore']>(
        [
          'restore',
          dump.id,
          '--from',
          url,
          '--into',
          target.url,
          '--password',
          'env:LIFEBOAT_DEMO_PASSWORD',
          '--key',
          secretFile,
          '--passphrase',
          'env:LIFEBOAT_DEMO_PASSPHRASE',
        ],
        { ...env, LIFEBOAT_DEMO_PASSWORD: target.password },
      )
      const differences = compareObjects(objects, await target.objects())
      for (const difference of differences) showDifference(engine.label, sink, difference)
      rows.push({
        engine: engine.label,
        sink,
        dump,
        restore,
        objects: objects.size,
        differences: differences.length,
      })
    }
  }
  process.stdout.write(`\n${formatTable(rows)}\n`)
  return rows.some((row) => row.differences > 0 || !row.restore.verified) ? 1 : 0
}

function sshUrl({ user, host, port, objects, identity, knownHosts }: Sshd, name: string): string {
  const options = new URLSearchParams({ identity, 'known-hosts': knownHosts })
  return `ssh://${user}@${host}:${port}${join(objects, name)}?${options}`
}

function showDifference(engine: string, sink: string, { object, source, restored }: ObjectDifference): void {
  const shown = (text: string | undefined) => (text === undefined ? 'missing' : text.slice(0, 2000))
  say(
    `DIFFERENCE after ${engine} over ${sink}: ${object}\n  source:   ${shown(source)}\n  restored: ${shown(restored)}`,
  )
}

process.exitCode = await main()
