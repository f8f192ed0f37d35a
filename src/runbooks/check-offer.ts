import { faultOf } from '../core/cloud-fault.ts'
import { messageOf } from '../core/errors.ts'
import type { RunbookNeeds, Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook } from './aws-cli.ts'
import type { Orderable, Quota } from './ports/rds-groups.ts'
import type { CloudPorts } from './ports.ts'

/** Can such a version, class and zone be had in the target region at all? Whether there is room right now only trying tells. */
export function checkOffer(region: string, needs: RunbookNeeds, guards: string): Step<CloudPorts> {
  const { engine, engineVersion, choices, multiAz } = needs
  const [first] = choices
  const what = { engine, 'engine-version': engineVersion, 'db-instance-class': first?.instanceClass }
  return {
    id: 'check-offer',
    title: `make sure that ${region} offers ${engine} ${engineVersion} on ${[...new Set(choices.map(({ instanceClass }) => instanceClass))].join(' or ')}`,
    effect: 'read',
    guards,
    command: () => [aws(region, 'rds', 'describe-orderable-db-instance-options', what)],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-orderable-db-instance-options', what] as const),
        'OrderableDBInstanceOptions[0].DBInstanceClass',
        first?.instanceClass ?? '…',
      ),
    permissions: () => [mayLook('rds:DescribeOrderableDBInstanceOptions')],
    async observe({ target: { rds } }, signal) {
      const offers = await orUnknown(rds.orderable({ engine, engineVersion }, signal))
      if ('unknown' in offers) return { state: 'done', reason: `not known: ${offers.unknown}` }
      if (offers.length === 0) {
        const all = await orUnknown(rds.engineVersions(engine, signal))
        const versions = 'unknown' in all ? [] : all.map(({ version }) => version)
        return {
          ...{ state: 'blocked', reason: `${region} does not offer ${engine} ${engineVersion}` },
          hint:
            versions.length === 0
              ? 'Take another region, or a dump and restore into what it offers.'
              : `It offers ${versions.slice(-8).join(', ')}: a dump and restore gets into one of them.`,
        }
      }
      const unfit = choices.flatMap(({ instanceClass, zone }) => {
        const why = wrongWithOffer(offers, instanceClass, zone, multiAz)
        return why === undefined ? [] : [why]
      })
      if (unfit.length === choices.length) {
        const classes = offers.map(({ instanceClass }) => instanceClass).slice(0, 8)
        const hint = `Name another with --class or --zone, or --no-multi-az; it offers ${classes.join(', ')} among others.`
        return { state: 'blocked', reason: unfit.join('; '), hint }
      }
      if (unfit.length === 0) return { state: 'done' }
      return { state: 'done', reason: `not all that was named can be had: ${unfit.join('; ')}` }
    },
    apply: () => Promise.resolve(),
  }
}

function wrongWithOffer(
  offers: readonly Orderable[],
  instanceClass: string,
  zone: string | undefined,
  multiAz: boolean,
): string | undefined {
  const same = offers.filter((offer) => offer.instanceClass === instanceClass)
  if (same.length === 0) return `${instanceClass} is not offered`
  if (zone !== undefined && !same.some(({ zones }) => zones.includes(zone)))
    return `${instanceClass} is not offered in ${zone}`
  if (multiAz && !same.some((offer) => offer.multiAz))
    return `${instanceClass} is not offered in two zones at once`
  return undefined
}

/** Would what is to be made go beyond what the account may have there? */
export function checkQuota(region: string, needs: RunbookNeeds, guards: string): Step<CloudPorts> {
  return {
    id: 'check-quota',
    title: `make sure that quotas of ${region} leave room`,
    effect: 'read',
    guards,
    command: () => [aws(region, 'rds', 'describe-account-attributes', {})],
    check: () => undefined,
    permissions: () => [mayLook('rds:DescribeAccountAttributes')],
    async observe({ target: { rds } }, signal) {
      const quotas = await orUnknown(rds.quotas(signal))
      if ('unknown' in quotas) return { state: 'done', reason: `not known: ${quotas.unknown}` }
      const short = quotas.filter((quota) => quota.used + neededOf(quota, needs) > quota.most)
      const seen = Object.fromEntries(
        quotas.flatMap((quota) =>
          neededOf(quota, needs) === 0 ? [] : [[quota.name, `${quota.used} of ${quota.most}`]],
        ),
      )
      if (short.length === 0) return { state: 'done', seen }
      const reason = short
        .map(
          (quota) => `${quota.name}: ${quota.used} of ${quota.most} in use, ${neededOf(quota, needs)} needed`,
        )
        .join('; ')
      const hint = `Remove what is not needed in ${region}, or ask AWS for a higher quota.`
      return { state: 'blocked', reason, hint, seen }
    },
    apply: () => Promise.resolve(),
  }
}

/** What can't be asked holds up nothing: the step that makes something will say. Only `throttled` is worth another try. */
async function orUnknown<T>(ask: Promise<T>): Promise<T | { readonly unknown: string }> {
  try {
    return await ask
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault === undefined || fault === 'throttled') throw thrown
    return { unknown: messageOf(thrown) }
  }
}

function neededOf({ name }: Quota, { instances, clusters, snapshots, gib }: RunbookNeeds): number {
  switch (name) {
    case 'DBInstances':
      return instances
    case 'DBClusters':
      return clusters
    case 'ManualSnapshots':
    case 'ManualClusterSnapshots':
      return (name === 'ManualClusterSnapshots') === clusters > 0 ? snapshots : 0
    case 'AllocatedStorage':
      // Aurora's storage is not allocated.
      return clusters > 0 ? 0 : (gib ?? 0)
    default:
      return 0
  }
}
