import type { PartSource } from '../../core/engine.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { OracleConnection } from './connection.ts'
import { CREATE_TABLESPACE, READ_TABLESPACES } from './dictionary-statements.ts'
import { isLost } from './failures.ts'
import { quoteName } from './quote.ts'
import { lookAtRoom } from './room.ts'
import { queryIfAllowed, type ServerFacts, text } from './server-facts.ts'
import type { StoredFacts } from './stored-facts.ts'
import type { OracleOptions } from './url-options.ts'

/** Refuses before anything is changed; resolves with what the operator should know. */
export function checkRestore(
  stored: StoredFacts,
  facts: ServerFacts,
  options: OracleOptions,
): readonly string[] {
  const from = Number.parseInt(stored.version, 10)
  if (facts.major < from && options.version === 'COMPATIBLE') {
    throw new LifeboatError(
      'unsupported',
      `unable to restore a dump of Oracle ${stored.version} into ${facts.version}: an older server does not read it`,
      {
        hint: `Give a server of version ${from} or later; if the dump was made with version=, say the same version= here.`,
      },
    )
  }
  for (const [option, known, given] of [
    ['remap-schema', stored.schemas, options.remapSchemas],
    ['remap-tablespace', stored.tablespaces, options.remapTablespaces],
  ] as const) {
    for (const name of given.keys()) {
      if (known.includes(name)) continue
      throw new LifeboatError('usage', `unable to use ${option}=${name}:…: the backup holds no such name`, {
        hint: `It holds ${known.map(quoteName).join(', ')}.`,
      })
    }
  }
  if (stored.mode === 'TABLE') {
    const missing = stored.schemas
      .map((name) => options.remapSchemas.get(name) ?? name)
      .find((name) => !facts.users.includes(name))
    if (missing !== undefined) {
      throw new LifeboatError(
        'unsupported',
        `unable to restore tables into schema '${missing}': it is not there`,
        {
          hint: `A backup of tables holds no account: run CREATE USER ${quoteName(missing)} first, or name another by remap-schema=.`,
        },
      )
    }
  }
  const warnings: string[] = []
  for (const [what, was, is] of [
    ['character set', stored.characterSet, facts.characterSet],
    ['national character set', stored.nationalCharacterSet, facts.nationalCharacterSet],
  ] as const) {
    if (was !== '' && was !== is) {
      warnings.push(
        `the ${what} was ${was} and is ${is} here: text is converted, and may lose characters or not fit`,
      )
    }
  }
  return warnings
}

/** Pieces lie in the directory until the import has read them, as at the dump; here their length is known. */
export async function checkRoom(
  connection: OracleConnection,
  parts: PartSource,
  facts: ServerFacts,
  options: OracleOptions,
  signal: AbortSignal,
): Promise<void> {
  const pieces = parts.parts.filter(({ format }) => format === 'dmp')
  const bytes = pieces.reduce((sum, { plainBytes }) => sum + plainBytes, 0)
  const need = { bytes, basis: 'by the backup' }
  const findings = await lookAtRoom(connection, need, facts, options, signal)
  const failure = findings.find(({ level }) => level === 'failure')
  if (failure === undefined) return
  throw new LifeboatError('unsupported', `unable to restore: ${failure.message}`, { hint: failure.hint })
}

/** Makes what is missing where the server manages its files itself; elsewhere says what to type. */
export async function createTablespaces(
  connection: OracleConnection,
  stored: StoredFacts,
  options: OracleOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const rows = await queryIfAllowed(connection, READ_TABLESPACES, signal)
  if (rows === undefined) return []
  const there = new Set(rows.map((row) => text(row.name)))
  const missing = new Set(
    stored.tablespaces
      .map((name) => options.remapTablespaces.get(name) ?? name)
      .filter((name) => !there.has(name)),
  )
  for (const name of missing) {
    try {
      await connection.call(CREATE_TABLESPACE, { p_tablespace: name }, {}, signal)
    } catch (thrown) {
      if (signal.aborted || isLost(thrown)) throw thrown
      throw new LifeboatError(
        'unsupported',
        `unable to create tablespace '${name}', which the backup uses: ${messageOf(thrown)}`,
        {
          hint: `Run CREATE TABLESPACE ${quoteName(name)} DATAFILE '…' SIZE 1G AUTOEXTEND ON at the target, or add remap-tablespace=${quoteName(name)}:USERS to the URL.`,
          cause: thrown,
        },
      )
    }
  }
  return [...missing]
}
