import type { Session } from './server-access.ts'

/** Finds the nearest collation that a server has, for one that it may not have. */
export interface Collations {
  /** The name itself where the server has it; undefined where there is nothing near. */
  nearest(name: string): string | undefined
}

export async function readCollations(session: Session): Promise<Collations> {
  const names = new Set<string>()
  for (const row of await session.query(
    'SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY',
  )) {
    // MariaDB from 10.10 lists `uca1400_ai_ci` once for all charsets, with the full name beside it.
    names.add(String(row.FULL_COLLATION_NAME ?? row.COLLATION_NAME).toLowerCase())
    names.add(String(row.COLLATION_NAME).toLowerCase())
  }
  return createCollations(names)
}

export function createCollations(names: ReadonlySet<string>): Collations {
  return {
    nearest(name) {
      const wanted = name.toLowerCase()
      return names.has(wanted) ? name : candidates(wanted).find((candidate) => names.has(candidate))
    },
  }
}

/**
 * What comes nearest, best first. MySQL's 0900 collations are of Unicode 9 without padding, MariaDB's uca1400 of
 * Unicode 14, and both follow one naming: charset, version, language, accents, case.
 */
function candidates(name: string): readonly string[] {
  const charset = /^[a-z0-9]+/.exec(name)?.[0] ?? ''
  const swapped =
    charset === 'utf8mb3'
      ? [name.replace(/^utf8mb3/, 'utf8')]
      : charset === 'utf8'
        ? [name.replace(/^utf8/, 'utf8mb3')]
        : []
  const strength = /_(ai|as)_(ci|cs)(?:_ks)?$/.exec(name)
  const accents = strength?.[1] ?? 'ai'
  const cases = strength?.[2] ?? 'ci'
  if (/_0900_bin$/.test(name)) return [`${charset}_nopad_bin`, `${charset}_bin`]
  if (/_0900_/.test(name)) {
    const language = new RegExp(`^${charset}_(.+)_0900_`).exec(name)?.[1]
    return [
      `${charset}_uca1400_nopad_${accents}_${cases}`,
      `${charset}_uca1400_${accents}_${cases}`,
      ...(cases === 'cs' || accents === 'as' ? [`${charset}_bin`] : []),
      ...(language === undefined ? [] : [`${charset}_${language}_ci`]),
      `${charset}_unicode_520_nopad_ci`,
      `${charset}_unicode_520_ci`,
      `${charset}_unicode_ci`,
    ]
  }
  if (/uca1400/.test(name)) {
    return [
      // 0900 has no ai_cs.
      `${charset}_0900_${cases === 'cs' ? 'as' : accents}_${cases}`,
      ...(cases === 'cs' ? [`${charset}_bin`] : []),
      `${charset}_unicode_520_ci`,
      `${charset}_unicode_ci`,
    ]
  }
  return [...swapped, name.replace('_nopad', ''), name.replace(/_nopad_ci$/, '_ci')]
}
