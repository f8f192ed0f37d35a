import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, vi } from 'vitest'
import { openCloud } from '../../src/aws/index.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'
import { type CloudUnderTest, describeCloud } from './cloud-suite.ts'

/** A fake of AWS that this project did not write. */
describe.skipIf(lacks('aws'))('moto', () => {
  let moto: S3Container
  let cloud: CloudUnderTest

  beforeAll(async () => {
    moto = await startMotoContainer()
    stubAwsEnvironment()
    const { endpoint } = moto
    const route53 = new Route53Client({ endpoint, region: 'us-east-1' })
    const zone = { Name: 'example.com', CallerReference: 'lifeboat' }
    const { HostedZone } = await route53.send(new CreateHostedZoneCommand(zone))
    // The one region in which moto knows global clusters.
    const ports = openCloud({ source: 'us-east-1', target: 'eu-central-1', endpoint }, noDatabase)
    cloud = {
      ports,
      zoneId: HostedZone?.Id?.replace('/hostedzone/', '') ?? '',
      instance: {
        ...{ engine: 'mysql', engineVersion: '8.0.40', family: 'mysql8.0', instanceClass: 'db.t4g.medium' },
      },
      cluster: {
        ...{ engine: 'aurora-mysql', engineVersion: '8.0.mysql_aurora.3.08.0', family: 'aurora-mysql8.0' },
        instanceClass: 'db.r6g.large',
      },
      // Nothing takes time there: the next look shows more.
      pass: async () => undefined,
      cleanup: async () => ports[Symbol.dispose](),
    }
  })
  afterAll(async () => {
    await cloud.cleanup()
    vi.unstubAllEnvs()
    await moto.stop()
  })

  describeCloud('by the AWS SDK', () => cloud, {
    departures: [
      'promotes-by-name-only',
      'no-global-writer',
      'copies-without-key',
      'hides-replicas',
      'replica-without-groups',
      'replaces-subnet-groups',
      'no-list-of-option-groups',
      'no-offers',
      'no-policy-simulation',
      'forgets-alarms',
      'forgets-groups',
      'no-cluster-restore',
    ],
  })
})
