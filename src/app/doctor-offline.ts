import { access, constants } from 'node:fs/promises'
import type { AwsSettings } from '../core/aws-settings.ts'
import { readTrust } from '../core/ca-bundle.ts'
import { type DatabaseUrl, parseDatabaseUrl } from '../core/database-url.ts'
import type { Finding } from '../core/finding.ts'
import { guarded } from './doctor.ts'
import type { DoctorRequest } from './doctor-check.ts'
import { checkKeys } from './doctor-keys.ts'
import { checkClock, checkState, checkTools } from './doctor-machine.ts'
import { checkSinkOffline, type OfflinePlace } from './doctor-offline-sink.ts'
import { checkReach } from './reach.ts'

export interface OfflineRequest
  extends Pick<DoctorRequest, 'recipients' | 'decryption' | 'searchPath' | 'stateFolder' | 'clock'> {
  readonly database: string | undefined
  readonly sink: { readonly url: string; readonly use: 'write' | 'read' } | undefined
  /** Reads the configuration; gives its path, or undefined where there is none. */
  readonly config: () => Promise<string | undefined>
  readonly aws: AwsSettings
}

/**
 * What would still work with every AWS API dead. It asks none itself: no IMDS, STS, KMS or RDS, nor S3. Names are
 * resolved, ports of the database and of an SSH host are knocked at, files are read, tools are asked for their version.
 */
export async function* runDoctorOffline(
  request: OfflineRequest,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const { database, sink, clock, searchPath, stateFolder } = request
  yield* guarded('clock', checkClock(clock), signal)
  yield* guarded('configuration', checkConfig(request), signal)
  yield* guarded('tools', checkTools(searchPath, signal), signal)
  if (database !== undefined) yield* guarded('database', checkDatabaseOffline(database, signal), signal)
  if (sink?.use === 'write') yield* guarded('state folder', checkState(stateFolder), signal)
  if (sink !== undefined) yield* guarded('sink', checkSinkOffline(sink.url, request, signal), signal)
  yield* guarded('keys', checkKeys({ ...request, sink: undefined }, signal), signal)
}

/** Places of a job's copies: one of them may be all that is left. */
export async function* checkCopiesOffline(
  urls: readonly string[],
  place: OfflinePlace,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  for (const url of urls) yield* guarded('sink', checkSinkOffline(url, place, signal), signal)
}

async function* checkConfig({ config }: OfflineRequest): AsyncGenerator<Finding> {
  const path = await config()
  yield {
    level: 'ok',
    topic: 'configuration',
    message:
      path === undefined
        ? 'there is none: all is said by options'
        : `${path} is on this machine and is valid`,
  }
}

const PORTS: Readonly<Record<string, number>> = {
  mysql: 3306,
  mariadb: 3306,
  postgres: 5432,
  postgresql: 5432,
  sqlserver: 1433,
  oracle: 1521,
}

async function* checkDatabaseOffline(text: string, signal: AbortSignal): AsyncGenerator<Finding> {
  const url = parseDatabaseUrl(text)
  const { host, socket } = url
  if (socket !== undefined) {
    await access(socket, constants.W_OK)
    yield { level: 'ok', topic: 'database', message: `the socket ${socket} is there` }
    return
  }
  if (host === undefined) return
  const port = url.connect?.port ?? url.port ?? PORTS[url.scheme]
  if (port === undefined) {
    yield {
      level: 'warning',
      topic: 'database',
      message: `the port of ${url.scheme}:// is not known`,
      hint: 'Write it into the URL: host:PORT.',
    }
    return
  }
  yield* checkReach(
    {
      topic: 'database',
      host: url.connect?.host ?? host,
      port,
      code: 'engine-unreachable',
      withoutDns: (address) => {
        const shown = address.includes(':') ? `[${address}]` : address
        return `Keep the URL with connect=${shown}:${port}: that address is dialled, ${host} is still the name that is verified; after a failover it is another.`
      },
    },
    signal,
  )
  yield* checkTrust(url)
}

async function* checkTrust(url: DatabaseUrl): AsyncGenerator<Finding> {
  const trust = await readTrust(url)
  yield {
    level: 'ok',
    topic: 'CA bundle',
    message:
      trust === undefined
        ? `none is needed: tls=${url.tls} verifies no certificate`
        : `${url.tlsCa ?? 'the certificates to trust'}: on this machine, ${trust.join('').split('-----BEGIN CERTIFICATE-----').length - 1} certificates`,
  }
}
