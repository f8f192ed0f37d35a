import type { BegunRun, RunJournal } from '../../src/app/dead-runs.ts'

/** The journals of one machine, of agents that live in one process and yet are as dead as the test says. */
export interface ChaosMachine {
  /** Of a new agent. What agents before it left is left by the dead, unless they are in `alive`. */
  newAgent(): { readonly journal: RunJournal; end(): void }
  /** SIGKILL to all of them. */
  kill(): void
  /** Runs that nobody has closed. */
  readonly open: readonly BegunRun[]
}

export function createMachine(): ChaosMachine {
  const entries = new Map<string, { readonly run: BegunRun; readonly agent: number }>()
  const alive = new Set<number>()
  let agents = 0
  const keyOf = ({ sink, job, id }: BegunRun) => `${sink} ${job} ${id}`
  return {
    newAgent() {
      const agent = ++agents
      alive.add(agent)
      return {
        journal: {
          // A dead agent writes no more.
          async opened(run) {
            if (alive.has(agent)) entries.set(keyOf(run), { run, agent })
          },
          async closed(run) {
            if (alive.has(agent)) entries.delete(keyOf(run))
          },
          left: async (sink) =>
            [...entries.values()]
              .filter((entry) => !alive.has(entry.agent) && entry.run.sink === sink)
              .map(({ run }) => run),
        },
        end() {
          alive.delete(agent)
        },
      }
    },
    kill: () => alive.clear(),
    get open() {
      return [...entries.values()].map(({ run }) => run)
    },
  }
}
