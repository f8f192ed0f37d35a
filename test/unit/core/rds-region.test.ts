import { expect, test } from 'vitest'
import { regionOfDatabaseHost } from '../../../src/core/rds-region.ts'

test.for([
  ['shop.c1x2y3.eu-west-1.rds.amazonaws.com', 'eu-west-1'],
  ['shop.cluster-ro-c1x2y3.AP-Southeast-2.rds.amazonaws.com', 'ap-southeast-2'],
  ['shop.proxy-c1x2y3.us-gov-west-1.rds.amazonaws.com', 'us-gov-west-1'],
  ['shop.c1x2y3.rds.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['wh.c1x2y3.us-east-1.redshift.amazonaws.com', 'us-east-1'],
  ['db.example.com', undefined],
  ['eu-west-1.rds.amazonaws.com.example.com', undefined],
  ['127.0.0.1', undefined],
] as const)('%s is in %s', ([host, region]) => {
  expect(regionOfDatabaseHost(host)).toBe(region)
})
