/** What lifeboat promises and did not hold, in one run. */
export interface Violations {
  readonly found: readonly string[]
  /** Returns whether it holds. */
  expect(holds: boolean, promise: string): boolean
}

export function createViolations(): Violations {
  const found: string[] = []
  return {
    found,
    expect(holds, promise) {
      if (!holds) found.push(promise)
      return holds
    },
  }
}
