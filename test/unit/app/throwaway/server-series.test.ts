import { expect, test } from 'vitest'
import { seriesOf } from '../../../../src/app/throwaway/server-series.ts'

test.for([
  ['mysql', 'MariaDB', '10.11.14-MariaDB-0+deb12u2-log', 'MariaDB 10.11'],
  ['mysql', 'MariaDB', '11.4.2', 'MariaDB 11.4'],
  ['mysql', 'MySQL', '8.0.35', 'MySQL 8.0'],
  ['mysql', 'MySQL', '8.0.mysql_aurora.3.04.0', 'MySQL 8.0'],
  ['mysql', 'MySQL', '9.7.4', 'MySQL 9'],
  ['postgres', 'PostgreSQL', '15.14 (Debian 15.14-0+deb12u1)', 'PostgreSQL 15'],
  ['postgres', 'PostgreSQL', '18beta1', 'PostgreSQL 18'],
  ['oracle', 'Oracle', '19.0.0.0.0', undefined],
  ['sqlserver', 'SQL Server', '16.0.4125.3', undefined],
] as const)('%s, %s %s: %s', ([engine, flavour, version, expected]) => {
  const series = seriesOf({ engine, server: { flavour, version, identity: {} } })
  expect(series && `${series.product} ${series.name}`).toBe(expected)
})
