import { openRunJournal } from '../../src/app/journals.ts'
import { createManifestSigner, openSink } from '../../src/app/registry.ts'
import { Secret } from '../../src/core/secret.ts'
import { SSH_PASSPHRASE } from '../testbed/line-places.ts'
import { createChaosClock, dumpMemory } from './memory-dump.ts'
import type { ChaosPlan } from './plan.ts'
import { createSource, sourceState } from './source.ts'
import { withStrike } from './with-strike.ts'

export interface AgentTask {
  readonly plan: ChaosPlan
  readonly attempt: number
  readonly at: string
  readonly url: string
  readonly stateFolder: string
  readonly recipient: string
  readonly signingSecret: string
}

/** A process of its own that kills itself at one of its sink's calls: no handler, no end of a write, nothing. */
async function main(task: AgentTask): Promise<void> {
  const { plan, stateFolder } = task
  const { signal } = new AbortController()
  if (plan.fault.kind !== 'killed') throw new Error('this agent is there to be killed')
  await using sink = await openSink(task.url, {
    home: stateFolder,
    stateFolder,
    agentSocket: undefined,
    password: undefined,
    passphrase: async () => new Secret(SSH_PASSPHRASE),
  })
  const { call, afterBytes } = plan.fault
  const id = await dumpMemory(
    {
      plan,
      engine: createSource(sourceState(plan.dice, task.attempt, plan.parts)),
      sink: withStrike(sink, { call, calls: 1, how: 'act', afterBytes }, () => {
        process.kill(process.pid, 'SIGKILL')
      }),
      journal: await openRunJournal(stateFolder),
      signer: await createManifestSigner({ file: task.signingSecret, searchPath: '' }, signal),
      recipient: task.recipient,
      clock: createChaosClock(new Date(task.at)),
      waitMs: 10_000,
    },
    signal,
  )
  process.stdout.write(id)
}

await main(JSON.parse(process.argv[2] ?? '{}'))
