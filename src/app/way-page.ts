import type { Step } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { CUTOVERS } from '../runbooks/cutover-options.ts'
import { isWayOut } from './native-offer.ts'
import { type AnyWay, loadCutover, loadWay, WAY_NAMES } from './ways.ts'

const EXAMPLE_RUN = { id: '20261122T210500Z-k3f9' }

/** Every page, by the name of its file. */
export const WAY_PAGES: readonly { readonly file: string; load(): Promise<AnyWay> }[] = [
  ...WAY_NAMES.map((name) => ({ file: `${name}.md`, load: () => loadWay(name) })),
  ...CUTOVERS.map((kind) => ({ file: `cutover-${kind}.md`, load: () => loadCutover(kind) })),
]

/** The document of a way, from the very plan that runs: `npm run docs:ways` writes it, a test holds it. */
export function wayPage({ name, title, page, example, plan, deadlineMs }: AnyWay): string {
  const isCutover = name.startsWith('cutover ')
  const runbook = plan(example.options, example.facts, EXAMPLE_RUN)
  return [
    `# ${name}`,
    '',
    `<!-- Written by npm run docs:ways from the plan that runs: change that, not this. -->`,
    '',
    `To ${title}. What holds for all ${isCutover ? 'three is in [cutover.md](../cutover.md)' : 'ways is in [migrate.md](../migrate.md)'}.`,
    ...section('When it is open', bullets(page.open)),
    ...section('What it costs', bullets(page.costs)),
    '',
    `After ${Math.round(deadlineMs / 60_000)} minutes (\`--deadline\`) it stops waiting${isWayOut(name) && name !== 'native' ? ' and offers the native way' : ': `--resume` goes on'}.`,
    ...section('Steps', [
      'Of an example; `--dry-run` shows those of your own database. A step that is done already is passed over.',
      '',
      '| step | effect | what it does |',
      '|---|---|---|',
      ...runbook.steps.map(({ id, effect, title: what }) => `| \`${id}\` | ${effect} | ${what} |`),
    ]),
    ...section(
      'By hand',
      runbook.steps.flatMap((step, index) => byHand(step, index)),
    ),
    ...section('Beware', bullets(runbook.warnings)),
    ...section('Afterwards', bullets(runbook.afterwards)),
    ...section('Rollback', bullets(runbook.rollback)),
    '',
  ].join('\n')
}

function byHand<Ports>(step: Step<Ports>, index: number): string[] {
  const check = step.check()
  const head = `${index + 1}. ${step.title}`
  const lines = step.command().map(shellLine)
  if (lines.length === 0) return [head, '']
  return [
    head,
    '',
    '   ```text',
    ...lines.map((line) => `   ${line}`),
    ...(check === undefined ? [] : [`   # until this prints: ${check.expect}`, `   ${shellLine(check)}`]),
    '   ```',
    '',
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line !== '')
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines.slice(0, last + 1)]
}

function bullets(lines: readonly string[]): string[] {
  return lines.map((line) => `- ${line}`)
}
