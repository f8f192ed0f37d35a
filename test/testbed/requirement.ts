import { inject } from 'vitest'

/**
 * Servers and programs that tests need and that a machine may lack. The global setup finds out once per run what is
 * there; a missing one is a skip with a reason, or, when LIFEBOAT_REQUIRE names it, a failure of the whole run.
 */
export const REQUIREMENTS = [
  'mariadb',
  'postgres',
  'ssh',
  'gpg',
  'freetds',
  'python',
  'systemd',
  'containers',
  'mysql',
  'postgres-newer',
  's3',
  'aws',
  'sqlserver',
  'oracle',
] as const
export type Requirement = (typeof REQUIREMENTS)[number]

/** True, or why not. */
export type Availability = Readonly<Record<Requirement, true | string>>

declare module 'vitest' {
  interface ProvidedContext {
    availability: Availability
  }
}

/** For `describe.skipIf(lacks('mysql', 's3'))`. */
export function lacks(...names: readonly Requirement[]): boolean {
  const availability = inject('availability')
  return names.some((name) => availability[name] !== true)
}
