import { LifeboatError } from '../core/errors.ts'
import type { Endpoint } from './ports/rds.ts'

/** `HOST:PORT` of a database, as somebody typed it. Throws `usage` for anything else. */
export function readEndpoint(given: string, flag: string): Endpoint {
  const [, host = '', port = ''] = /^([A-Za-z0-9._-]+):(\d{1,5})$/.exec(given) ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    throw new LifeboatError('usage', `unable to read ${flag} '${given}': it is not HOST:PORT`, {
      hint: `Write it like ${flag} shop.c1x2.eu-west-1.rds.amazonaws.com:3306`,
    })
  return { host: plainHost(host), port: Number(port) }
}

/** As DNS compares names: case and the dot at the end say nothing. */
export function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

export function sameHost(a: string, b: string): boolean {
  return plainHost(a) === plainHost(b)
}
