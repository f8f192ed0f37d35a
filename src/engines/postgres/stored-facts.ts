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
    if (!Array.isArray(stored.settings)) throw unreadable(stored.name, 'settings')
    return {
      name: stored.name,
      extensions: texts('extensions'),
      roles: texts('roles'),
      owners: texts('owners'),
      tablespaces: texts('tablespaces'),
      granted: stored.granted === true,
      owner: text('owner'),
      home: text('home'),
      encoding: text('encoding'),
      collate: text('collate'),
      ctype: text('ctype'),
      settings: stored.settings.map((setting: unknown) => {
        const { role, name, value } = setting as Record<string, unknown>
        if (
          (role !== null && typeof role !== 'string') ||
          typeof name !== 'string' ||
          typeof value !== 'string'
        ) {
          throw unreadable(stored.name, 'settings')
        }
        return { role, name, value }
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

function unreadable(database: string, field: string): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to read the contents of the backup: '${field}' of '${database}' is missing`,
    {
      hint: 'Restore it with the version of lifeboat that made it, or by hand with the lines in its manifest.',
    },
  )
}
