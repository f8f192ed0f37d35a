import { statfs } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { createPrivateFolder } from '../core/private-folder.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { findTool, runTool } from '../core/tool.ts'
import { openRunJournal } from './journals.ts'

/** lifeboat did not exist before: a clock that shows less is not set. */
const EARLIEST = new Date('2026-01-01T00:00:00Z')
const TOOL_TIMEOUT_MS = 10_000

/** Any one name of a line is enough; where a database is named, its engine looks closer than this. */
const TOOLS = [
  {
    names: ['mariadb-dump', 'mysqldump'],
    needs: 'MySQL and MariaDB dumps',
    install: 'mariadb-client or mysql-client',
  },
  {
    names: ['mariadb', 'mysql'],
    needs: 'MySQL and MariaDB restores',
    install: 'mariadb-client or mysql-client',
  },
  { names: ['pg_dump'], needs: 'PostgreSQL dumps', install: 'postgresql-client' },
  { names: ['pg_restore'], needs: 'PostgreSQL restores', install: 'postgresql-client' },
  { names: ['psql'], needs: 'PostgreSQL restores', install: 'postgresql-client' },
  { names: ['gpg'], needs: 'keys in gpg-agent or on a card (--gpg)', install: 'gnupg' },
] as const

export async function* checkClock(clock: Clock): AsyncGenerator<Finding> {
  const now = clock.now()
  const shown = now.toISOString()
  yield now < EARLIEST
    ? {
        level: 'failure',
        topic: 'clock',
        message: `this machine believes that it is ${shown}`,
        hint: 'Set the clock: names of backups sort by it, and S3 and TLS refuse a wrong one.',
        code: 'config',
      }
    : { level: 'ok', topic: 'clock', message: shown }
}

export async function* checkTools(searchPath: string, signal: AbortSignal): AsyncGenerator<Finding> {
  for (const { names, needs, install } of TOOLS) {
    const name = names[0]
    const found = await findTool(names, searchPath)
    if (found === undefined) {
      yield {
        level: 'warning',
        topic: name,
        message: `not on PATH; ${needs} need it`,
        hint: `If you need it: apt-get install ${install}.`,
      }
      continue
    }
    const limit = withTimeLimit(signal, TOOL_TIMEOUT_MS)
    try {
      const version = await runTool({ name, command: [found], args: ['--version'] }, limit)
      yield { level: 'ok', topic: name, message: `${version.split('\n')[0]?.trim()}` }
    } catch (thrown) {
      throwIfAborted(signal)
      yield {
        level: 'failure',
        topic: name,
        message: `${found} does not run: ${messageOf(thrown)}`,
        hint: `Install it anew: apt-get install --reinstall ${install}.`,
        code: 'tool-failed',
      }
    }
  }
}

export async function* checkState(stateFolder: string): AsyncGenerator<Finding> {
  await openRunJournal(stateFolder)
  const { bavail, bsize } = await statfs(stateFolder)
  yield bavail * bsize < 1024 * 1024
    ? {
        level: 'failure',
        topic: 'state folder',
        message: `${stateFolder} has no room left`,
        hint: 'Free some space there, or set LIFEBOAT_STATE_DIR to another folder.',
        code: 'config',
      }
    : { level: 'ok', topic: 'state folder', message: stateFolder }
  await using scratch = await createPrivateFolder()
  await scratch.file('probe', 'probe')
  yield {
    level: 'ok',
    topic: 'secrets folder',
    message: `private files can be written below ${parentOf(scratch.path)}`,
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
