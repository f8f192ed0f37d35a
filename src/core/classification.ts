/** How much is lost with the data, the least first; docs/policy.md has what each demands of a run. */
export const CLASSIFICATIONS = ['development', 'business-critical', 'regulated'] as const
export type Classification = (typeof CLASSIFICATIONS)[number]
