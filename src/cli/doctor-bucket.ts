import { LifeboatError } from '../core/errors.ts'
import { showCount } from './amounts.ts'
import type { DoctorOptions } from './doctor.ts'
import { findingJson, findingText } from './finding-text.ts'
import { need } from './options.ts'
import { errorObject } from './print-error.ts'
import { printable } from './printable.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

/** What `doctor --fix-bucket` and `--create-bucket` do; undefined where neither is given. */
export async function bucketFix(options: DoctorOptions, context: VerbContext): Promise<Outcome | undefined> {
  const {
    fixBucket: fix = false,
    createBucket: create = false,
    confirm = false,
    logBucket,
    lockDays,
  } = options
  if (!fix && !create) {
    const stray =
      (confirm && '--confirm') ||
      (logBucket !== undefined && '--log-bucket') ||
      (lockDays !== undefined && '--lock-days')
    if (stray === false) return undefined
    throw new LifeboatError(
      'usage',
      `unable to start: ${stray} goes with --fix-bucket or --create-bucket only`,
      {
        hint: 'Add --fix-bucket to mend the bucket of --to, or leave it out.',
      },
    )
  }
  const to = need(options.to, '--to', 'the bucket', 's3://bucket/prefix?region=REGION')
  const address = await sinkAddress(to, '--to', options, context)
  const [{ fixBucket, openBucketPosture }, { defaults }] = await Promise.all([
    import('../app/doctor-bucket.ts'),
    import('../config/defaults.ts'),
  ])
  await using posture = await openBucketPosture(address.url)
  if (posture === undefined) {
    throw new LifeboatError('usage', `unable to mend '${to}': it is not a bucket`, {
      hint: 'Give --to s3://bucket/prefix?region=REGION.',
    })
  }
  const { fixes, findings } = await fixBucket(
    {
      posture,
      create,
      confirm,
      logBucket: logBucket ?? `${posture.bucket}-logs`,
      lockDays: lockDays ?? defaults.lockDays,
    },
    context.signal,
  )
  const failed = fixes.find(({ error }) => error !== undefined)?.error
  const exitCode = failed?.exitCode ?? 0
  const verdict = {
    'would-apply': `${showCount(fixes.length, 'change')} to make: run it again with --confirm, or the lines by hand`,
    applied: `${showCount(fixes.length, 'change')} made`,
    failed: 'not all changes could be made',
    none: 'nothing to mend of what could be looked at',
  }[failed === undefined ? (fixes[0]?.outcome ?? 'none') : 'failed']
  const changes = fixes.map(
    ({ topic, message, before, after, commands, outcome, error }) =>
      `# ${topic}: ${printable(message)}${outcome === 'would-apply' ? '' : ` (${outcome})`}\n` +
      `# before: ${shown(before)}\n# after:  ${shown(after)}\n` +
      (error === undefined ? '' : `# ${printable(error.message)}\n# hint: ${printable(error.hint ?? '')}\n`) +
      commands.map((line) => `${line}\n`).join(''),
  )
  // The lines are for a shell: they must reach it as they are, not wrapped.
  const { writeResult } = await import('./write-result.ts')
  if (!options.json) await writeResult(changes.map((text) => `${text}\n`).join(''))
  const looked = findings.filter(({ level }) => confirm || level !== 'ok')
  const after =
    confirm || fixes.length === 0 ? looked.map((one) => findingText(one, false, undefined)).join('') : ''
  return {
    text: `${after}${after === '' ? '# ' : ''}${verdict}\n`,
    json: (warnings) => ({
      ok: exitCode === 0,
      exitCode,
      fixes: fixes.map(({ error, ...fix }) => ({
        ...fix,
        before: fix.before ?? null,
        error: error === undefined ? null : errorObject(error),
      })),
      checks: findings.map(findingJson),
      warnings,
    }),
    exitCode,
  }
}

/** On one line, since the lines around it are for a shell. */
function shown(value: unknown): string {
  return value === undefined ? 'none' : printable(JSON.stringify(value))
}
