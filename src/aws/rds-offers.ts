import {
  DescribeAccountAttributesCommand,
  DescribeDBEngineVersionsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  type OrderableDBInstanceOption,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { LifeboatError } from '../core/errors.ts'
import type { Orderable, RdsGroups } from '../runbooks/ports/rds-groups.ts'
import { known, texts } from './answer.ts'
import type { Api } from './api.ts'
import { allPages } from './pages.ts'

type Offers = Pick<RdsGroups, 'orderable' | 'engineVersions' | 'quotas'>

/** What RDS has in this region at all. */
export function createOffers(api: Api<RDSClient>): Offers {
  return {
    async orderable({ engine, engineVersion, instanceClass }, signal) {
      const deed = {
        operation: 'rds:DescribeOrderableDBInstanceOptions',
        to: `list what of ${engine} ${engineVersion} can be had in ${api.region}`,
      }
      const which = {
        Engine: engine,
        EngineVersion: engineVersion,
        Vpc: true,
        MaxRecords: 1_000,
        ...known({ DBInstanceClass: instanceClass }),
      }
      try {
        const found = await api.call(deed, signal, (rds, at) =>
          allPages(async (Marker) => {
            const page = await rds.send(
              new DescribeOrderableDBInstanceOptionsCommand({ ...which, Marker }),
              at,
            )
            return { items: page.OrderableDBInstanceOptions, next: page.Marker }
          }),
        )
        return byClass(found)
      } catch (thrown) {
        if (isNoSuchOffer(thrown)) return []
        throw thrown
      }
    },

    async engineVersions(engine, signal) {
      const deed = {
        operation: 'rds:DescribeDBEngineVersions',
        to: `list the versions of ${engine} in ${api.region}`,
      }
      const found = await api.call(deed, signal, (rds, at) =>
        allPages(async (Marker) => {
          const which = { Engine: engine, Marker, MaxRecords: 100 }
          const page = await rds.send(new DescribeDBEngineVersionsCommand(which), at)
          return { items: page.DBEngineVersions, next: page.Marker }
        }),
      )
      return found.map((one) => ({
        version: one.EngineVersion ?? '',
        family: one.DBParameterGroupFamily ?? '',
      }))
    },

    async quotas(signal) {
      const deed = { operation: 'rds:DescribeAccountAttributes', to: `look at the quotas of ${api.region}` }
      const answer = await api.call(deed, signal, (rds, at) =>
        rds.send(new DescribeAccountAttributesCommand({}), at),
      )
      return (answer.AccountQuotas ?? []).map((quota) => ({
        name: quota.AccountQuotaName ?? '',
        used: quota.Used ?? 0,
        most: quota.Max ?? 0,
      }))
    },
  }
}

/** RDS lists one option for each licence and type of storage. */
function byClass(options: readonly OrderableDBInstanceOption[]): Orderable[] {
  const classes = Map.groupBy(options, ({ DBInstanceClass = '' }) => DBInstanceClass)
  return [...classes].map(([instanceClass, same]) => ({
    instanceClass,
    zones: unique(
      same.flatMap(({ AvailabilityZones = [] }) => texts(AvailabilityZones.map(({ Name }) => Name))),
    ),
    storageTypes: unique(texts(same.map(({ StorageType }) => StorageType))),
    multiAz: same.some(({ MultiAZCapable }) => MultiAZCapable === true),
  }))
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort()
}

/** A class or version that RDS has never heard of is refused, not answered with an empty list. */
function isNoSuchOffer(thrown: unknown): boolean {
  return (
    thrown instanceof LifeboatError &&
    thrown.details?.vendorCode === 'InvalidParameterValue' &&
    /instance class|engine version|cannot find version/i.test(thrown.message)
  )
}
