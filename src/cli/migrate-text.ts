import type { MigratePlan } from '../app/migrate.ts'
import { classText } from '../app/policy/policy-findings.ts'
import { brokenText } from '../app/policy/refusal.ts'
import type { Verdict } from '../app/policy/rule.ts'
import type { RunbookPolicy } from '../app/runbook-policy.ts'
import type { Runbook, RunbookEstimate } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { showDuration } from './amounts.ts'

type Judged = NonNullable<MigratePlan['judged']>

/** Every step with what it does, the line that does it by hand, and what must hold before the next. */
export function planText<Ports>(runbook: Runbook<Ports>, judged?: Judged): string {
  const { way, steps, warnings, afterwards, rollback, estimate } = runbook
  const lines = [
    `${way}: ${steps.length} steps`,
    ...(estimate === undefined ? [] : estimateLines(estimate)),
    ...steps.flatMap((step, index) => {
      const check = step.check()
      const usual = step.usualMs === undefined ? '' : `, about ${showDuration(step.usualMs)}`
      return [
        '',
        `${index + 1}. ${step.title} [${step.effect}${usual}]`,
        ...step.command().map((line) => `   ${shellLine(line)}`),
        ...(check === undefined ? [] : [`   until this prints '${check.expect}':`, `   ${shellLine(check)}`]),
      ]
    }),
    ...section('Beware', warnings),
    ...section('Afterwards', afterwards),
    ...section('To go back', rollback),
    ...(judged === undefined ? [] : section(heldTo(judged), judged.verdicts.map(verdictText))),
  ]
  return `${lines.join('\n')}\n`
}

function heldTo({ classification, classified, job }: Judged): string {
  return `Held to class ${classText(classification, classified)}${job === undefined ? '' : ` (job ${job})`}`
}

function verdictText(verdict: Verdict): string {
  return verdict.state === 'ok' ? `ok, ${verdict.rule}: ${verdict.found}` : `not met, ${brokenText(verdict)}`
}

function estimateLines({ minMs, maxMs, transferGib, ...cost }: RunbookEstimate): readonly string[] {
  const time = `estimate: ${showDuration(minMs)} to ${showDuration(maxMs)}`
  if (transferGib === 0) return [time]
  const much = transferGib === null ? 'nobody knows how much' : `${transferGib} GiB`
  return [`${time}; ${much} goes from region to region, ${priceText(cost)}`]
}

function priceText({
  transferUsd,
  usdPerGib,
  price,
}: Pick<RunbookEstimate, 'transferUsd' | 'usdPerGib' | 'price'>): string {
  if (usdPerGib === null) return 'at a price not known (--price-per-gib says it)'
  const each = `${usdPerGib} USD a GiB${price === 'given' ? '' : `, ${price}`}`
  return transferUsd === null ? `at ${each}` : `about ${transferUsd.toFixed(2)} USD (${each})`
}

export function planJson<Ports>(runbook: Runbook<Ports>, judged?: Judged): object {
  const { steps, warnings, afterwards, rollback, estimate } = runbook
  return {
    estimate: estimate ?? null,
    steps: steps.map((step) => {
      const check = step.check()
      return {
        ...{ id: step.id, title: step.title, effect: step.effect, usualMs: step.usualMs ?? null },
        commands: step.command().map((line) => ({ line: shellLine(line), argv: line.argv })),
        check:
          check === undefined ? null : { line: shellLine(check), argv: check.argv, expect: check.expect },
        permissions: step.permissions(),
      }
    }),
    ...{ beware: warnings, afterwards, rollback },
    policy: judgedJson(judged),
  }
}

function judgedJson(judged: Judged | undefined): object | null {
  if (judged === undefined) return null
  const { classification, classified, job, verdicts } = judged
  const rules = verdicts.map((verdict) => ({
    ...{ rule: verdict.rule, demand: verdict.demand, state: verdict.state, found: verdict.found },
    remedy: verdict.state === 'ok' ? null : verdict.remedy,
  }))
  return { classification, classified, job: job ?? null, rules }
}

export function policyText({ iam, keys }: RunbookPolicy): string {
  const json = (value: unknown) => JSON.stringify(value, undefined, 2)
  return [
    '# IAM policy for whoever runs this way',
    json(iam),
    ...Object.entries(keys).flatMap(([key, statements]) => [
      `# statements for the policy of ${key}`,
      json(statements),
    ]),
    '',
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `- ${line}`)]
}
