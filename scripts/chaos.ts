import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { PAIRINGS, type Pairing } from '../test/chaos/plan.ts'

/** How a campaign is handed to vitest, which finds out what servers there are and starts them. */
export interface ChaosOrder {
  readonly seed: string
  /** How many. */
  readonly runs: number
  /** These ones and no other. */
  readonly run: readonly number[] | undefined
  readonly pairings: readonly Pairing[]
  /** No further run is begun after so long. */
  readonly minutes: number | undefined
  /** Where the report is written. */
  readonly report: string
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    run: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
  },
})

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-chaos-'))
  try {
    const order: ChaosOrder = {
      seed: options.seed ?? String(Date.now()),
      runs: whole(options.runs),
      run: options.run?.map(whole),
      pairings: options.only === undefined ? PAIRINGS : options.only.flatMap(pairingsLike),
      minutes: options.minutes === undefined ? undefined : whole(options.minutes),
      report: join(folder, 'report'),
    }
    process.stderr.write(`chaos: ${order.run?.length ?? order.runs} runs, seed ${order.seed}\n`)
    const { exitCode } = await execa(
      process.execPath,
      [
        join(import.meta.dirname, '../node_modules/vitest/vitest.mjs'),
        ...['run', '--config', 'test/chaos/vitest.config.ts', '--disable-console-intercept'],
      ],
      {
        reject: false,
        stdio: ['ignore', 2, 2],
        cwd: join(import.meta.dirname, '..'),
        env: { LIFEBOAT_CHAOS: JSON.stringify(order) },
      },
    )
    process.stdout.write(await readFile(order.report, 'utf8').catch(() => ''))
    return exitCode === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true })
  }
}

function whole(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new Error(`'${text}' is no whole number above 0`)
}

/** `memory/file`, or one half of it: `mariadb/`, `/ssh`. */
function pairingsLike(text: string): readonly Pairing[] {
  const found = PAIRINGS.filter((pairing) => pairing.startsWith(text) || pairing.endsWith(text))
  if (found.length > 0) return found
  throw new Error(`there is no '${text}': there are ${PAIRINGS.join(', ')}`)
}

process.exitCode = await main()
