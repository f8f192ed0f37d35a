import { writeFileSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

/**
 * Counts at the end, and why tests were skipped. A file that could not be loaded, a hook that failed and a rejection
 * that nobody caught each count as a failure. scripts/test reads the counts from the file LIFEBOAT_TEST_COUNTS.
 */
export default class SummaryReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    const broken = modules.reduce((sum, module) => sum + brokenSuites(module), 0)
    // A test that never got a verdict (its worker died) did not pass.
    const failed = count('failed') + count('pending') + broken + unhandled.length
    const lines = [...this.#missing(), ...notes(tests)]
    if (count('skipped') > 0) for (const line of lines) process.stdout.write(`skipped: ${line}\n`)
    const file = process.env.LIFEBOAT_TEST_COUNTS
    if (file !== undefined) writeFileSync(file, `${count('passed')} ${failed} ${count('skipped')}\n`)
  }

  #missing(): string[] {
    const { availability } = this.#vitest?.getRootProject().getProvidedContext() ?? {}
    return Object.entries(availability ?? {}).flatMap(([name, there]) =>
      there === true ? [] : [`tests that need ${name}: ${there}`],
    )
  }
}

/** Modules and suites that failed by themselves: their errors belong to no test. */
function brokenSuites(module: TestModule): number {
  const suites = [module, ...module.children.allSuites()]
  return suites.filter((suite) => suite.errors().length > 0).length
}

function notes(tests: readonly { result(): { state: string; note?: string | undefined } }[]): string[] {
  const counts = new Map<string, number>()
  for (const test of tests) {
    const result = test.result()
    if (result.state !== 'skipped' || result.note === undefined) continue
    counts.set(result.note, (counts.get(result.note) ?? 0) + 1)
  }
  return [...counts].map(([note, count]) => `${count} × ${note}`)
}
