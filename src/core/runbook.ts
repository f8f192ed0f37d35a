/**
 * A way out of a region is a runbook: named steps in order, each of which looks before it acts. A way's plan is pure; all that
 * it needs to know is gathered first, and kept in the run's journal, so that a resumed run has the very same plan.
 */

/** `switch` changes who serves, `destroy` can't be undone: both need the operator's word. */
export type StepEffect = 'read' | 'create' | 'switch' | 'destroy'

/** What a step has seen, by name: shown to people, kept in the journal and in the report. Never a secret. */
export type SeenFacts = Readonly<Record<string, string | number | boolean | null>>

/** A line of a checklist: what was looked at, and how it is. */
export interface CheckRow {
  readonly name: string
  /**
   * `warning` holds up nothing, and somebody has to see to it; `skipped`: nobody could look; `unknown`: there is nothing to
   * compare it with.
   */
  readonly state: 'ok' | 'failed' | 'accepted' | 'warning' | 'skipped' | 'unknown'
  readonly found: string
  /** The same of the source, where the two are compared. */
  readonly source?: string
  /** Lines for a shell, which mend it, or look at it from elsewhere. */
  readonly lines?: readonly string[]
  /** The name by which `--accept` takes it. */
  readonly accept?: string
  /** Of `found`, what is out of the database itself: for the operator's eyes, and in no journal. */
  readonly told?: string
}

/**
 * What is, not what was done:
 * - `todo`: nothing of it is there; `apply` would make it.
 * - `running`: begun, by whomever, or something that has to end first: look again later.
 * - `done`: it is as it should be; whoever made it so.
 * - `blocked`: it can't be done as things are; `reason` says why, `hint` what to do.
 */
export interface Observation {
  readonly state: 'todo' | 'running' | 'done' | 'blocked'
  /** As the cloud reports it, 0 to 100. */
  readonly percent?: number
  /** Accepted, but waiting for its turn: no progress is to be expected yet. */
  readonly queued?: boolean
  /** In a phrase: `status copying`. */
  readonly reason?: string
  readonly hint?: string
  readonly seen?: SeenFacts
  /** Of a step that looks at several things. */
  readonly checks?: readonly CheckRow[]
}

/**
 * A line to type by hand. A word `$NAME` stands for what an earlier line with `assign: 'NAME'` printed; every other word is
 * literal.
 */
export interface CliLine {
  readonly argv: readonly string[]
  readonly assign?: string
}

/** What has to hold before the next step: the line prints it. */
export interface StatusCheck extends CliLine {
  /** What it prints when all is well; a blank stands for any white space, `…` for any text. */
  readonly expect: string
}

/** What the caller must be allowed to do, for `--print-policy`. */
export interface Permission {
  readonly actions: readonly string[]
  /** ARNs, or `*` where the action knows no resources. */
  readonly resources: readonly string[]
  /** `Condition` of the statement, where a bare action would allow more than the step does. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/**
 * - `observe` only reads, as often as the runner likes, before and after `apply`, in any run.
 * - `apply` begins the change and does not wait for its end. It is safe to repeat: names derive from the run's id, and what
 *   a call made carries the run's tag. The runner calls it only after `todo`; never for a step that only reads, whose
 *   `todo` would be a defect.
 * - A call's failure is a LifeboatError with a fault (core/cloud-fault.ts), by which the runner knows whether to try again.
 * - Ports bound every call; the runner bounds the waiting.
 */
export interface Step<Ports> {
  /** Kebab-case, unique in its runbook, the same in each run: journals name it. */
  readonly id: string
  /** Imperative: `copy the snapshot to eu-central-1`. */
  readonly title: string
  readonly effect: StepEffect
  /** The same by hand. Empty only for a step that no AWS call stands for. */
  command(): readonly CliLine[]
  /** Undefined only where nothing can be asked. */
  check(): StatusCheck | undefined
  permissions(): readonly Permission[]
  observe(ports: Ports, signal: AbortSignal): Promise<Observation>
  apply(ports: Ports, signal: AbortSignal): Promise<void>
  /**
   * Of a step that only reads: the id of the later step before which it has to hold. Once that one has begun it is not asked
   * any more, so that a run which goes on after a switch is not held up by what mattered before it.
   */
  readonly guards?: string
  /** How long between two looks; 15 s where it is left out. */
  readonly pollMs?: number
  /** How long it usually takes, for the plan. */
  readonly usualMs?: number
}

/** What the target region has to have room for, and offer at all. */
export interface RunbookNeeds {
  readonly engine: string
  readonly engineVersion: string
  /** In order of preference; one of them has to be offered. */
  readonly choices: readonly { readonly instanceClass: string; readonly zone?: string }[]
  readonly multiAz: boolean
  readonly instances: number
  readonly clusters: number
  readonly snapshots: number
  /** Of storage, null where nobody knows. */
  readonly gib: number | null
}

/** What the whole of it will probably take. */
export interface RunbookEstimate {
  readonly minMs: number
  readonly maxMs: number
  /** Sent from one region to the other: null where nobody knows how much there is. */
  readonly transferGib: number | null
  /** Null where nobody knows. */
  readonly transferUsd: number | null
  /** That it was reckoned with: the operator's own, or of the list. */
  readonly usdPerGib: number | null
  readonly price: 'given' | `list of ${number}`
}

/** The database that stands at the end, in the target region. */
export interface MadeDatabase {
  readonly kind: 'instance' | 'cluster'
  readonly id: string
  /** A secondary takes none. */
  readonly takesWrites: boolean
  /** lifeboat's own backup that was restored into it. */
  readonly backup?: string
  /** Or the run that has first dumped what it restores. */
  readonly dumpedBy?: string
}

/** How data is kept on its way and at its end, and of when it is: for whoever has to answer for it. */
export interface Carriage {
  /** Snapshots, automated backups and replicas in the target region; null where nobody has asked whether they are encrypted. */
  readonly through: readonly { readonly name: string; readonly encrypted: boolean | null }[]
  /** The new database; null where nobody has asked. */
  readonly encrypted: boolean | null
  /** What came after this moment is lost; null where it follows the source, or is taken during the run. */
  readonly asOf: string | null
}

export interface Runbook<Ports> {
  readonly way: string
  /** In order. */
  readonly steps: readonly Step<Ports>[]
  /** What a person should know beforehand, in whole sentences. */
  readonly warnings: readonly string[]
  /** What no longer holds afterwards, or must still be done by hand, in whole sentences. */
  readonly afterwards: readonly string[]
  /** How to go back, in whole sentences or lines to type. */
  readonly rollback: readonly string[]
  /** Where something is made: looked at before it is. */
  readonly needs?: RunbookNeeds
  /** Of data that this way sends from one region to the other. */
  readonly moves?: { readonly from: string; readonly to: string; readonly gib: number | null }
  /** Actions that gathering the facts takes, for `--print-policy`. */
  readonly gathers?: readonly string[]
  /** Of a way that makes or promotes one: compared with the source, and looked at as an application would. */
  readonly makes?: MadeDatabase
  readonly carries?: Carriage
  readonly estimate?: RunbookEstimate
}

/** What the page of a way says beyond its plan. */
export interface WayPage {
  /** When it is open. */
  readonly open: readonly string[]
  /** What it costs: data (RPO), time (RTO), money. */
  readonly costs: readonly string[]
}

/**
 * A way out. `Options` and `Facts` are plain JSON: they are kept in the journal.
 *
 * - `choose`: what the flags mean for this way; throws `usage`. Pure.
 * - `gather`: asks once per run what the plan depends on, read-only, the source only as far as it answers. Throws
 *   `step-failed` with a hint where the way is closed.
 * - `plan`: pure, and the same for the same three arguments.
 */
export interface Way<Flags, Options, Facts, Ports> {
  readonly name: string
  readonly title: string
  readonly page: WayPage
  /** After so long another way is offered. */
  readonly deadlineMs: number
  choose(flags: Flags): Options
  gather(options: Options, ports: Ports, signal: AbortSignal): Promise<Facts>
  plan(options: Options, facts: Facts, run: RunName): Runbook<Ports>
  /** For the documents, and for a simulated cloud that has what the way needs: names there and here agree. */
  readonly example: { readonly options: Options; readonly facts: Facts }
}

/** What a run is called, and what it calls things. */
export interface RunName {
  /** `20261122T210500Z-k3f9`. */
  readonly id: string
}

/** Tag of whatever a run makes: so a later look knows its own from a stranger's of the same name. */
export const RUN_TAG = 'lifeboat:run'

/** `lifeboat-20261122t210500z-k3f9-copy`: lower case, letters, digits and single hyphens, which every AWS name may have. */
export function nameOf(run: RunName, what: string): string {
  return `lifeboat-${run.id.toLowerCase()}${what === '' ? '' : `-${what}`}`
}
