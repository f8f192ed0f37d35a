import { access } from 'node:fs/promises'
import { LifeboatError } from '../core/errors.ts'
import type { Environment } from './environment.ts'
import { type LoadedConfig, loadConfig } from './load.ts'

/**
 * The configuration: what `--config` names, else LIFEBOAT_CONFIG, else the first of the usual places that is there. A
 * file in the current folder is never taken: whoever may write there could send the dump elsewhere.
 */
export async function findConfig(
  given: string | undefined,
  { configFile, configPlaces }: Pick<Environment, 'configFile' | 'configPlaces'>,
): Promise<LoadedConfig | undefined> {
  const named = given ?? configFile
  if (named !== undefined) return loadConfig(named)
  for (const path of configPlaces) {
    if (await exists(path)) return loadConfig(path)
  }
  return undefined
}

/** Throws `config` where there is none. */
export async function needConfig(
  given: string | undefined,
  environment: Pick<Environment, 'configFile' | 'configPlaces'>,
): Promise<LoadedConfig> {
  const found = await findConfig(given, environment)
  if (found !== undefined) return found
  throw new LifeboatError('config', 'unable to find a configuration', {
    hint: `Give one with --config FILE or LIFEBOAT_CONFIG, or write ${environment.configPlaces.join(' or ')}.`,
  })
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (thrown) {
    // Whatever is there and can't be read is read below, and says why.
    return (thrown as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
