import type { Finding } from '../../core/finding.ts'
import type { OracleConnection } from './connection.ts'
import { READ_ASM_ROOM, READ_DATABASE_FILES, READ_DIRECTORY } from './dictionary-statements.ts'
import { READ_DIRECTORY_FILES } from './rds-statements.ts'
import { queryIfAllowed, type ServerFacts, text } from './server-facts.ts'
import type { OracleOptions } from './url-options.ts'

export interface RoomNeed {
  readonly bytes: number
  /** Where the number is from: `by its segments`. */
  readonly basis: string
}

interface Room {
  readonly freeBytes: number
  /** `free in disk group DATA`: what of these bytes is known. */
  readonly known: string
  /** What should stay free beside the pieces. */
  readonly reserveBytes: number
  readonly hint: string
}

/** Of a disk that also takes archived logs, traces and whatever grows meanwhile. */
const RESERVED_SHARE = 0.1

/**
 * All pieces lie in the directory at once, so there must be room for them before a job starts. No view and no package
 * of Oracle or RDS tells what a file system has free: ASM does, and the operator can (room=, storage=). Where nobody does
 * there is a warning with the amount.
 */
export async function lookAtRoom(
  connection: OracleConnection,
  { bytes, basis }: RoomNeed,
  facts: Pick<ServerFacts, 'rds'>,
  options: Pick<OracleOptions, 'directory' | 'roomBytes' | 'storageBytes'>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { directory } = options
  const needs = `the whole dump has to fit into ${directory} at once, about ${amount(bytes)} ${basis}`
  const rooms = [
    await roomInAsm(connection, directory, signal),
    roomByWord(options.roomBytes),
    await roomInStorage(connection, facts, options, signal),
  ].filter((room) => room !== undefined)
  if (rooms.length === 0) return [unknownRoom(needs, facts, options)]
  return rooms.map((room): Finding => {
    const message = `${needs}; ${amount(room.freeBytes)} ${room.known}`
    if (room.freeBytes < bytes) return { level: 'failure', topic: 'room', message, hint: room.hint }
    if (room.freeBytes - bytes >= room.reserveBytes) return { level: 'ok', topic: 'room', message }
    return {
      level: 'warning',
      topic: 'room',
      message: `${message}, of which ${amount(room.freeBytes - bytes)} would be left`,
      hint: 'Archived logs and growing files need room beside the dump: give the instance more storage.',
    }
  })
}

function unknownRoom(
  needs: string,
  { rds }: Pick<ServerFacts, 'rds'>,
  { storageBytes }: Pick<OracleOptions, 'storageBytes'>,
): Finding {
  const unknown = { level: 'warning', topic: 'room' } as const
  if (storageBytes !== undefined) {
    return {
      ...unknown,
      message: `${needs}; storage= tells nothing, since this account may not see the files of the database`,
      hint: 'Run GRANT SELECT_CATALOG_ROLE TO the account, or give room= with what is free.',
    }
  }
  return {
    ...unknown,
    message: `${needs}; what is free there no statement tells`,
    hint: rds
      ? "Give room= with the instance's FreeStorageSpace, or storage= with its allocated storage, so that this is checked: a full disk stops the whole instance."
      : 'Give room= with what the file system of the directory has free (df), so that this is checked.',
  }
}

async function roomInAsm(
  connection: OracleConnection,
  directory: string,
  signal: AbortSignal,
): Promise<Room | undefined> {
  const [row] = await connection.query(READ_DIRECTORY, { p_directory: directory }, signal)
  const group = /^\+(\w+)/.exec(text(row?.path))?.[1]
  if (group === undefined) return undefined
  const asm = await queryIfAllowed(connection, READ_ASM_ROOM, signal, { p_group: group })
  const megabytes = asm?.[0]?.megabytes
  if (typeof megabytes !== 'string') return undefined
  return {
    freeBytes: Number(megabytes) * 1024 ** 2,
    known: `are free in disk group ${group}`,
    reserveBytes: 0,
    hint: 'Give another directory by directory=, or take schemas in several runs by schemas=.',
  }
}

function roomByWord(roomBytes: number | undefined): Room | undefined {
  if (roomBytes === undefined) return undefined
  return {
    freeBytes: roomBytes,
    known: 'are free there, says room=',
    reserveBytes: 0,
    hint: 'Make room at the server and raise room=, or take schemas in several runs by schemas=.',
  }
}

/** At most: logs that are archived, traces, and other containers' files take their share and are not seen. */
async function roomInStorage(
  connection: OracleConnection,
  { rds }: Pick<ServerFacts, 'rds'>,
  { directory, storageBytes }: Pick<OracleOptions, 'directory' | 'storageBytes'>,
  signal: AbortSignal,
): Promise<Room | undefined> {
  if (storageBytes === undefined) return undefined
  const [database] = (await queryIfAllowed(connection, READ_DATABASE_FILES, signal)) ?? []
  if (typeof database?.bytes !== 'string') return undefined
  const listed = rds
    ? await queryIfAllowed(connection, READ_DIRECTORY_FILES, signal, { p_directory: directory })
    : undefined
  const usedBytes = Number(database.bytes) + Number(listed?.[0]?.bytes ?? 0)
  return {
    freeBytes: Math.max(0, storageBytes - usedBytes),
    known: `at most are free of the ${amount(storageBytes)} of storage=, ${amount(usedBytes)} being files of the database`,
    reserveBytes: storageBytes * RESERVED_SHARE,
    hint: 'Give the instance more storage (on RDS it never shrinks again) and raise storage=, or take schemas in several runs by schemas=.',
  }
}

function amount(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.ceil(bytes / 1024 ** 2)} MiB`
}
