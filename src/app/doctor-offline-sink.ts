import { parseDatabaseUrl } from '../core/database-url.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { regionOfDatabaseHost } from '../core/rds-region.ts'
import type { CredentialsKind } from '../sinks/s3/credentials-kind.ts'
import type { S3Location } from '../sinks/s3/index.ts'
import type { OfflineRequest } from './doctor-offline.ts'
import { checkReach } from './reach.ts'

export type OfflinePlace = Pick<OfflineRequest, 'aws' | 'database' | 'clock'>

export async function* checkSinkOffline(
  url: string,
  request: OfflinePlace,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const scheme = /^([a-z][a-z0-9]*):/i.exec(url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'file': {
      const { parseFileSinkUrl } = await import('../sinks/file/index.ts')
      parseFileSinkUrl(url)
      yield { level: 'ok', topic: 'sink', message: `${url} is a folder: it needs no AWS` }
      return
    }
    case 'ssh': {
      const { parseSshSinkUrl } = await import('../sinks/ssh/index.ts')
      const { host, port } = parseSshSinkUrl(url)
      const withoutDns = (address: string) =>
        `Add "${address} ${host}" to /etc/hosts when DNS dies: the host key stays checked by its name.`
      yield* checkReach({ topic: 'sink', host, port, code: 'sink-unavailable', withoutDns }, signal)
      return
    }
    case 's3': {
      const { parseS3SinkUrl } = await import('../sinks/s3/index.ts')
      yield* checkBucketOffline(parseS3SinkUrl(url), request)
      return
    }
    default:
      throw new LifeboatError('usage', `unable to use sink '${url}': it has no scheme that is known`, {
        hint: 'Write file:///path, s3://bucket/prefix or ssh://user@host/path.',
      })
  }
}

async function* checkBucketOffline(
  location: S3Location,
  { aws, database, clock }: OfflinePlace,
): AsyncGenerator<Finding> {
  const { findCredentials } = await import('../sinks/s3/credentials-kind.ts')
  const found = await findCredentials(aws, location.profile)
  yield* regionFindings(location, location.region ?? found.region, database)
  yield credentialsFinding(found.credentials, clock.now())
  if (location.sse === 'kms' && location.endpoint === undefined) {
    yield {
      level: 'warning',
      topic: 'encryption',
      message: "sse=kms has S3 ask KMS in the bucket's region for each upload",
      hint: 'It works as long as that region does; sse=s3 needs no KMS, and what is stored is OpenPGP either way.',
    }
  }
}

function* regionFindings(
  { bucket, endpoint }: S3Location,
  region: string | undefined,
  database: string | undefined,
): Generator<Finding> {
  const topic = 'sink'
  if (endpoint !== undefined) {
    yield { level: 'ok', topic, message: `bucket ${bucket} is at ${endpoint}, not at AWS` }
    return
  }
  if (region === undefined) {
    yield {
      level: 'warning',
      topic,
      message: `the region of bucket ${bucket} is said nowhere`,
      hint: 'Put region=REGION into the sink URL: a machine in trouble must not have to find it out.',
    }
    return
  }
  const host = database === undefined ? undefined : parseDatabaseUrl(database).host
  const home = host === undefined ? undefined : regionOfDatabaseHost(host)
  if (home === region) {
    yield {
      level: 'warning',
      topic,
      message: `bucket ${bucket} is in ${region}, as the database is: dead with it`,
      hint: 'Name a bucket in another region, or an SSH host.',
    }
    return
  }
  const far = home === undefined ? "the database's region is not known" : `the database is in ${home}`
  yield { level: 'ok', topic, message: `bucket ${bucket} is in ${region}; ${far}` }
}

const RENEW =
  'Keep a static key for an emergency that may only write to this bucket, in a profile of its own (profile=NAME).'

function credentialsFinding(credentials: CredentialsKind, now: Date): Finding {
  const topic = 'credentials'
  switch (credentials.kind) {
    case 'static':
      return {
        level: 'ok',
        topic,
        message: `a static key in ${credentials.from}: no service is asked for it`,
      }
    case 'session': {
      const { from, expires } = credentials
      if (expires !== undefined && expires <= now) {
        return {
          level: 'failure',
          topic,
          message: `the temporary key in ${from} expired at ${expires.toISOString()}`,
          hint: `Renew it while STS answers. ${RENEW}`,
          code: 'sink-denied',
        }
      }
      const until =
        expires === undefined ? 'it does not say when it expires' : `it expires at ${expires.toISOString()}`
      return {
        level: 'warning',
        topic,
        message: `a temporary key in ${from}: ${until}, and nobody renews it while STS is dead`,
        hint: RENEW,
      }
    }
    case 'process':
      return {
        level: 'warning',
        topic,
        message: `${credentials.from} runs '${programOf(credentials.command)}' for credentials: it was not run`,
        hint: `Find out what it asks. ${RENEW}`,
      }
    case 'service':
      return {
        level: 'warning',
        topic,
        message: `those of ${credentials.from} come from ${credentials.service}, which was not asked: dead, it gives none`,
        hint: RENEW,
      }
    case 'none':
      return {
        level: 'failure',
        topic,
        message: 'there are none',
        hint: RENEW,
        code: 'sink-denied',
      }
  }
}

/** Its arguments may hold secrets. */
function programOf(command: string): string {
  return /^\s*(?:"([^"]+)"|(\S+))/.exec(command)?.slice(1).find(Boolean) ?? ''
}
