import type { Contents } from '../../core/contents.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { DatabaseFacts } from './database-facts.ts'

/** What the contents of a backup say about its databases: written by us, but perhaps by another version of us. */
export function readStoredFacts(contents: Pick<Contents, 'databases'>): readonly DatabaseFacts[] {
  return contents.databases.map((stored) => {
    const texts = (name: string): readonly string[] => {
      const value = stored[name]
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
      throw unreadable(stored.name, name)
    }
    const text = (name: string): string => {
      const value = stored[name]
      if (typeof value === 'string') return value
      throw unreadable(stored.name, name)
    }
    const textOrNull = (name: string): string | null => (stored[name] === null ? null : text(name))
    const records = (name: string): readonly Record<string, unknown>[] => {
      const value = stored[name]
      if (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null))
        return value
      throw unreadable(stored.name, name)
    }
    const { connectionLimit, isTemplate } = stored
    if (typeof connectionLimit !== 'number') throw unreadable(stored.name, 'connectionLimit')
    return {
      name: stored.name,
      extensions: texts('extensions'),
      roles: texts('roles'),
      owners: texts('owners'),
      tablespaces: texts('tablespaces'),
      owner: text('owner'),
      home: text('home'),
      encoding: text('encoding'),
      collate: text('collate'),
      ctype: text('ctype'),
      provider: text('provider'),
      locale: textOrNull('locale'),
      icuRules: textOrNull('icuRules'),
      connectionLimit,
      isTemplate: isTemplate === true,
      comment: textOrNull('comment'),
      securityLabels: records('securityLabels').map(({ provider, label }) => {
        if (isText(provider) && isText(label)) return { provider, label }
        throw unreadable(stored.name, 'securityLabels')
      }),
      privileges:
        stored.privileges === null
          ? null
          : records('privileges').map(({ grantee, grantor, privilege, grantable }) => {
              if ((grantee === null || isText(grantee)) && isText(grantor) && isText(privilege)) {
                return { grantee, grantor, privilege, grantable: grantable === true }
              }
              throw unreadable(stored.name, 'privileges')
            }),
      settings: records('settings').map(({ role, name, value }) => {
        if ((role === null || isText(role)) && isText(name) && isText(value)) return { role, name, value }
        throw unreadable(stored.name, 'settings')
      }),
    }
  })
}

/** Versions of the client and the server that made the backup. */
export function readStoredVersions(contents: Pick<Contents, 'engine'>): { client: string; layout: string } {
  const { clientVersion, layout } = contents.engine
  if (typeof clientVersion === 'string' && typeof layout === 'string')
    return { client: clientVersion, layout }
  throw unreadable('server', 'engine')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function unreadable(database: string, field: string): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to read the contents of the backup: '${field}' of '${database}' is missing`,
    {
      hint: 'Restore it with the version of lifeboat that made it, or by hand with the lines in its manifest.',
    },
  )
}
