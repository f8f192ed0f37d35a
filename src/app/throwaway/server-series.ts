import { LifeboatError } from '../../core/errors.ts'
import type { ServerModel } from './throwaway-server.ts'

export type Product = 'MariaDB' | 'MySQL' | 'PostgreSQL'

export interface Series {
  readonly product: Product
  /** `10.11`, `8.4`, `15`: versions of one series read each other's dumps without a second thought. */
  readonly name: string
}

/** Undefined for what no throwaway server is known of. */
export function seriesOf({ engine, server }: ServerModel): Series | undefined {
  const product = productOf(engine, server.flavour)
  const [, major, minor] = /(\d+)(?:\.(\d+))?/.exec(server.version) ?? []
  if (product === undefined || major === undefined) return undefined
  // PostgreSQL has counted its series by one number since 10, MySQL since 9.
  const byMajor = product === 'PostgreSQL' || (product === 'MySQL' && Number(major) >= 9)
  return { product, name: byMajor || minor === undefined ? major : `${major}.${minor}` }
}

export function needSeries(model: ServerModel): Series {
  const series = seriesOf(model)
  if (series !== undefined) return series
  throw new LifeboatError(
    'unsupported',
    `unable to start a throwaway server for ${model.server.flavour} ${model.server.version}: lifeboat knows none for ${model.engine}`,
    { hint: 'Give an empty scratch server with --into.' },
  )
}

function productOf(engine: string, flavour: string): Product | undefined {
  if (engine === 'postgres') return 'PostgreSQL'
  if (engine === 'mysql') return /mariadb/i.test(flavour) ? 'MariaDB' : 'MySQL'
  return undefined
}
