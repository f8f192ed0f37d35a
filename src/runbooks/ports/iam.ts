export interface Caller {
  readonly account: string
  readonly arn: string
  readonly partition: string
}

export interface Decision {
  readonly action: string
  readonly resource: string
  /** `unknown` where the look itself was denied. */
  readonly decision: 'allowed' | 'denied' | 'unknown'
  readonly reason?: string
}

export interface IamRole {
  readonly arn: string
  /** Who may assume it, as JSON. */
  readonly trust: string
}

/** STS of the target region, and IAM, whose control plane is in us-east-1. */
export interface IamPort {
  caller(signal: AbortSignal): Promise<Caller>
  /** By its ARN. */
  role(arn: string, signal: AbortSignal): Promise<IamRole | undefined>
  /** One decision for each action and resource. It says nothing of key policies. */
  simulate(
    principalArn: string,
    wanted: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[],
    signal: AbortSignal,
  ): Promise<readonly Decision[]>
}
