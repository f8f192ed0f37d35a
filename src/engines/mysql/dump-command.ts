import type { Bytes } from '../../core/bytes.ts'
import { readTool, type ToolCommand } from '../../core/tool.ts'
import { explainDump } from './failures.ts'
import type { Piece } from './row-pieces.ts'
import type { OptionFile } from './server-access.ts'
import type { SourceFacts } from './source-facts.ts'
import { DUMP_CHARSET } from './tool-charset.ts'
import { TOOL_ENVIRONMENT, type Tool } from './tools.ts'
import { isAtLeast, parseVersion } from './version.ts'

/** A run of the dump tool that ends well only where its last line says so. */
export function readDump(tool: Tool, file: OptionFile, args: readonly string[], signal: AbortSignal): Bytes {
  const command: ToolCommand = {
    name: tool.name,
    command: tool.command,
    // Only this file is read: a [mysqldump] section of the operator could leave out tables, rows or the trailer.
    args: [`--defaults-file=${file.path}`, ...args],
    env: TOOL_ENVIRONMENT,
    secrets: file.secrets,
    explain: explainDump,
  }
  return readTool(command, signal, {
    isComplete: (tail) => /^-- Dump completed/m.test(tail.toString('latin1')),
  })
}

/** Everything but accounts, in one run. */
export function wholeArguments(tool: Tool, facts: SourceFacts, charset?: string): readonly string[] {
  return [
    ...sharedArguments(tool, charset),
    facts.routines ? '--routines' : '--skip-routines',
    facts.triggers ? '--triggers' : '--skip-triggers',
    facts.events ? '--events' : '--skip-events',
    ...ignored(facts),
    ...databases(facts.inventory.databases.map(({ name }) => name)),
  ]
}

/** Databases, tables, sequences, routines and views. */
export function structureArguments(tool: Tool, facts: SourceFacts): readonly string[] {
  return [
    ...sharedArguments(tool),
    '--no-data',
    facts.routines ? '--routines' : '--skip-routines',
    '--skip-triggers',
    '--skip-events',
    ...ignored(facts),
    ...databases(facts.inventory.databases.map(({ name }) => name)),
  ]
}

/** What would act on the rows while they are loaded. */
export function actionArguments(tool: Tool, facts: SourceFacts): readonly string[] {
  return [
    ...sharedArguments(tool),
    '--no-data',
    '--no-create-info',
    '--no-create-db',
    '--skip-routines',
    facts.triggers ? '--triggers' : '--skip-triggers',
    facts.events ? '--events' : '--skip-events',
    ...ignored(facts),
    ...databases(facts.inventory.databases.map(({ name }) => name)),
  ]
}

/** Rows alone, without a word on the character set where it is not the dump's (see tool-charset.ts). */
export function rowArguments(
  tool: Tool,
  facts: SourceFacts,
  piece: Piece,
  charset: string,
): readonly string[] {
  return [
    ...sharedArguments(tool, charset),
    '--skip-set-charset',
    '--no-create-info',
    '--no-create-db',
    '--skip-routines',
    '--skip-triggers',
    '--skip-events',
    ...piecewise(piece, facts),
  ]
}

function piecewise(piece: Piece, facts: SourceFacts): readonly string[] {
  switch (piece.kind) {
    case 'databases':
      return [...ignored(facts), ...databases(piece.databases)]
    case 'tables':
      return ['--', piece.database, ...piece.tables]
    case 'range':
      // ALTER TABLE … DISABLE KEYS does nothing for InnoDB, and would wait for the other ranges on a restore.
      return ['--skip-disable-keys', `--where=${piece.where}`, '--', piece.database, piece.table]
  }
}

function databases(names: readonly string[]): readonly string[] {
  return ['--databases', '--', ...names]
}

function ignored(facts: SourceFacts): readonly string[] {
  return facts.brokenViews.map((view) => `--ignore-table=${view.database}.${view.table}`)
}

/** Both vendors' options differ, and an unknown one aborts either's client. */
function sharedArguments(tool: Tool, charset: string = DUMP_CHARSET): readonly string[] {
  const version = parseVersion(tool.version)
  const oracle = tool.vendor === 'Oracle'
  return [
    '--single-transaction',
    '--quick',
    '--hex-blob',
    // LOCK TABLES around the rows breaks the restore of a MariaDB table whose default reads a sequence (ERROR 1100).
    '--skip-add-locks',
    // Asking for tablespaces needs PROCESS, which no managed account has on MySQL 8.
    '--no-tablespaces',
    `--default-character-set=${charset}`,
    '--max-allowed-packet=1G',
    // Neither a global lock nor SET @@GLOBAL.GTID_PURGED, which managed servers refuse.
    ...(oracle ? ['--set-gtid-purged=OFF'] : []),
    // Asks for histograms that 5.7, Aurora and MariaDB don't have.
    ...(oracle && isAtLeast(version, [8]) ? ['--loose-column-statistics=0'] : []),
  ]
}
