import type { Way } from '../core/runbook.ts'
import type { CloudPorts } from './ports.ts'
import type { WayFlags } from './way-flags.ts'

interface TellingOptions<Options> {
  readonly own: Options
  readonly said: string | null
}

/** The same way, which tells in its plan what it takes of a landing zone that was prepared. */
export function withKeptLanding<Options, Facts>(
  way: Way<WayFlags, Options, Facts, CloudPorts>,
): Way<WayFlags, TellingOptions<Options>, Facts, CloudPorts> {
  return {
    ...way,
    choose: (flags) => ({ own: way.choose(flags), said: saidOf(flags) }),
    gather: ({ own }, ports, signal) => way.gather(own, ports, signal),
    plan({ own, said }, facts, run) {
      const runbook = way.plan(own, facts, run)
      return said === null ? runbook : { ...runbook, warnings: [said, ...runbook.warnings] }
    },
    example: { options: { own: way.example.options, said: null }, facts: way.example.facts },
  }
}

function saidOf({ keptLanding }: WayFlags): string | null {
  if (keptLanding === undefined) return null
  const { from, at, words } = keptLanding
  return `As settled by ${from}, of ${at}: ${words.join(' ')}. The same options, given, take others.`
}
