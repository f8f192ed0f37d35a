import type { SinkContext } from '../app/registry.ts'
import type { LoadedConfig } from '../config/load.ts'
import { LifeboatError } from '../core/errors.ts'
import { need } from './options.ts'
import type { SinkSecrets, VerbContext } from './run-verb.ts'
import { isSinkName } from './sink-name.ts'

export interface SinkAddress {
  readonly url: string
  readonly context: SinkContext
}

/** What `--at` and its like name: a URL, or a sink of the configuration, whose own secrets then open it. */
export async function sinkAddress(
  value: string | undefined,
  flag: '--at' | '--backups' | '--from' | '--to',
  options: SinkSecrets & { readonly config?: string },
  context: VerbContext,
): Promise<SinkAddress> {
  const given = need(value, flag, 'the sink', 'file:///path, s3://bucket/prefix or ssh://user@host/path')
  if (!isSinkName(given)) return { url: given, context: context.sinkContext(options) }
  const { resolveSink } = await import('../config/job.ts')
  const loaded = await readNames(flag, options.config, context)
  if (loaded === undefined) {
    throw new LifeboatError(
      'config',
      `unable to find sink '${given}': it is not a URL, and there is no configuration that could name it`,
      {
        hint: `Write ${flag} file:///path, s3://bucket/prefix or ssh://user@host/path, or name the configuration with --config FILE.`,
      },
    )
  }
  const { name, url, password, passphrase } = resolveSink(loaded, given)
  const { sinkPassword, sinkPassphrase } = options
  return {
    url,
    context: context.plannedSinkContext({
      password:
        sinkPassword === undefined
          ? { option: `sinks.${name}.password`, reference: password }
          : { option: '--sink-password', reference: sinkPassword },
      passphrase:
        sinkPassphrase === undefined
          ? { option: `sinks.${name}.passphrase`, reference: passphrase }
          : { option: '--sink-passphrase', reference: sinkPassphrase },
    }),
  }
}

async function readNames(
  flag: string,
  config: string | undefined,
  { environment }: VerbContext,
): Promise<LoadedConfig | undefined> {
  const { findConfig } = await import('../config/find-config.ts')
  try {
    return await findConfig(config, environment)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError)) throw thrown
    throw new LifeboatError(thrown.code, thrown.message, {
      hint: `Mend the file; or write the URL of the sink after ${flag} instead of its name.`,
      cause: thrown,
    })
  }
}
