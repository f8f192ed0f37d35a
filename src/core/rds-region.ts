/**
 * The region that an endpoint of RDS or Redshift names: `db.c1x2.eu-west-1.rds.amazonaws.com`, and in China
 * `db.c1x2.rds.cn-north-1.amazonaws.com.cn`. Undefined for any other host.
 */
export function regionOfDatabaseHost(host: string): string | undefined {
  const region = '([a-z]{2,}(?:-[a-z]+)+-\\d)'
  const service = '(?:rds|redshift)'
  const named = new RegExp(
    `\\.(?:${region}\\.${service}|${service}\\.${region})\\.amazonaws\\.com(?:\\.cn)?$`,
    'i',
  ).exec(host)
  return (named?.[1] ?? named?.[2])?.toLowerCase()
}
