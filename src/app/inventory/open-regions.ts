import type { CloudPorts } from '../../runbooks/ports.ts'

export interface RegionsRequest {
  readonly source: string
  /** Left out: the source alone is asked. */
  readonly target: string | undefined
  /** Of the AWS files. */
  readonly profile: string | undefined
}

/** The control planes of one or two regions, for looking only. Nothing is asked before the first call. */
export async function openRegions({
  source,
  target,
  profile,
}: RegionsRequest): Promise<CloudPorts & Disposable> {
  const [{ openCloud }, { createUnloggedDatabase }] = await Promise.all([
    import('../../aws/index.ts'),
    import('../unlogged-database.ts'),
  ])
  const regions = { source, target: target ?? source }
  return openCloud({ ...regions, ...(profile !== undefined && { profile }) }, createUnloggedDatabase())
}
