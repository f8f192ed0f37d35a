export interface ResolverAnswer {
  readonly server: string
  /** Empty where it says that there is none, or gave no answer: `fault` says which. */
  readonly values: readonly string[]
  readonly fault?: string
}

/** What clients get to see: DNS as it is answered, by no control plane. */
export interface ResolverPort {
  /** Each of the servers by itself; with none named, those that this machine uses. Values as in a zone, without a last dot. */
  answers(
    name: string,
    type: string,
    servers: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ResolverAnswer[]>
}
