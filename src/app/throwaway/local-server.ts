import { delimiter } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { findTool, runTool } from '../../core/tool.ts'
import type { OnEvent } from '../run-event.ts'
import { awaitReady } from './await-ready.ts'
import { prepareMysql } from './local-mysql.ts'
import { preparePostgres } from './local-postgres.ts'
import { createScratch, freeBytes, type Scratch } from './scratch.ts'
import { findAccount, type ServerAccount } from './server-account.ts'
import { type ServerCommand, startServer } from './server-process.ts'
import { needSeries, type Product, type Series, seriesOf } from './server-series.ts'
import type { AskReady, ServerModel, ThrowawayServer } from './throwaway-server.ts'

export interface LocalOptions {
  readonly searchPath: string
  /** Folder on a disk with room; by default that for temporary files. */
  readonly scratch?: string
  /** For root: whom the server runs as. */
  readonly runAs?: string
  /** Plain bytes that it is to take, for a warning where the disk has less. */
  readonly plainBytes: number
  readonly ask: AskReady
  readonly clock: Clock
  readonly onEvent: OnEvent
}

/** What one product needs. */
export interface LocalRecipe {
  readonly scratch: Scratch
  readonly account: ServerAccount | undefined
  /** Full paths of its programs, by their plain names. */
  readonly programs: Readonly<Record<string, string>>
}

/** A server that has its data folder and can be started. */
export interface Prepared {
  readonly command: ServerCommand
  readonly server: Pick<ThrowawayServer, 'url' | 'password'>
}

interface LocalProduct {
  readonly accounts: readonly string[]
  readonly programs: Readonly<Record<string, readonly string[]>>
  readonly prepare: (recipe: LocalRecipe, signal: AbortSignal) => Promise<Prepared>
}

const PRODUCTS: Readonly<Record<Product, LocalProduct>> = {
  MariaDB: {
    accounts: ['mysql'],
    programs: { server: ['mariadbd', 'mysqld'], install: ['mariadb-install-db', 'mysql_install_db'] },
    prepare: (recipe, signal) => prepareMysql('MariaDB', recipe, signal),
  },
  MySQL: {
    accounts: ['mysql'],
    programs: { server: ['mysqld'] },
    prepare: (recipe, signal) => prepareMysql('MySQL', recipe, signal),
  },
  PostgreSQL: {
    accounts: ['postgres'],
    programs: { server: ['postgres'], install: ['initdb'] },
    prepare: preparePostgres,
  },
}

/** A server from this machine's own packages, on a Unix socket that nobody else can reach. Nothing of it is on the network. */
export async function startLocalServer(
  model: ServerModel,
  options: LocalOptions,
  signal: AbortSignal,
): Promise<ThrowawayServer> {
  const series = needSeries(model)
  const product = PRODUCTS[series.product]
  const programs = await findPrograms(series, product, options.searchPath, signal)
  const account = await findAccount(options.runAs === undefined ? product.accounts : [options.runAs])
  await using made = new AsyncDisposableStack()
  const scratch = made.use(await createScratch(options.scratch, account))
  await warnOfRoom(options)
  const { command, server } = await product.prepare({ scratch, account, programs }, signal)
  const child = made.use(await startServer(command, signal))
  await scratch.started(child.pid)
  const started = { ...server, [Symbol.asyncDispose]: async () => undefined }
  await awaitReady(started, model, { child, ask: options.ask, clock: options.clock }, signal)
  const rest = made.move()
  return { ...server, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function warnOfRoom({ scratch, plainBytes, onEvent }: LocalOptions): Promise<void> {
  const free = await freeBytes(scratch)
  if (free >= plainBytes * 2) return
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  onEvent({
    kind: 'warning',
    message: `the scratch folder has ${gigabytes(free)} free, and the backup is ${gigabytes(plainBytes)} of plain text`,
    hint: 'indexes and logs come on top; --scratch names a folder on a larger disk',
  })
}

/** The programs of one folder, of the version that is needed: several may be installed beside each other. */
async function findPrograms(
  series: Series,
  { programs }: LocalProduct,
  searchPath: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const found: string[] = []
  for (const folder of await placesOf(series, searchPath)) {
    const server = await findTool(programs.server ?? [], folder)
    if (server === undefined) continue
    const version = await versionOf(server, series, signal)
    if (version?.name !== series.name || version.product !== series.product) {
      found.push(
        `${server} is ${version === undefined ? 'of no known version' : `${version.product} ${version.name}`}`,
      )
      continue
    }
    const all: Record<string, string> = { server }
    for (const [name, names] of Object.entries(programs)) {
      if (name === 'server') continue
      const path = (await findTool(names, folder)) ?? (await findTool(names, searchPath))
      if (path === undefined) throw missing(names.join(' or '), series, [])
      all[name] = path
    }
    return all
  }
  throw missing((programs.server ?? []).join(' or '), series, found)
}

function missing(name: string, series: Series, found: readonly string[]): LifeboatError {
  const others = found.length === 0 ? '' : ` (${found.join('; ')})`
  return new LifeboatError(
    'tool-missing',
    `unable to find '${name}' of ${series.product} ${series.name} on this machine${others}`,
    {
      hint: `Install the server package of ${series.product} ${series.name}, or use --container, or give an empty scratch server with --into.`,
    },
  )
}

/** Servers lie outside of PATH: in sbin folders, and PostgreSQL's in one folder for each version. */
async function placesOf({ product, name }: Series, searchPath: string): Promise<readonly string[]> {
  const postgres =
    product === 'PostgreSQL'
      ? [
          `/usr/lib/postgresql/${name}/bin`,
          `/usr/pgsql-${name}/bin`,
          `/opt/homebrew/opt/postgresql@${name}/bin`,
        ]
      : ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/local/mysql/bin']
  const places = [...searchPath.split(delimiter), ...postgres]
  return [...new Set(places.filter((place) => place !== ''))]
}

/** Of `mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64`, of `postgres (PostgreSQL) 15.14`. */
async function versionOf(
  server: string,
  { product }: Series,
  signal: AbortSignal,
): Promise<Series | undefined> {
  const args = product === 'PostgreSQL' ? ['--version'] : ['--no-defaults', '--version']
  let text: string
  try {
    text = await runTool({ name: server, command: [server], args }, signal)
  } catch (thrown) {
    if (signal.aborted) throw thrown
    throw new LifeboatError(
      'tool-failed',
      `unable to ask '${server}' for its version: ${messageOf(thrown)}`,
      {
        hint: 'Mend this installation, or take it out of PATH.',
        cause: thrown,
      },
    )
  }
  if (product === 'PostgreSQL') {
    const version = /\(PostgreSQL\) (\S+)/.exec(text)?.[1]
    return version === undefined
      ? undefined
      : seriesOf({ engine: 'postgres', server: { flavour: 'PostgreSQL', version, identity: {} } })
  }
  const version = /Ver (\S+)/.exec(text)?.[1]
  const flavour = /mariadb/i.test(text) ? 'MariaDB' : 'MySQL'
  return version === undefined
    ? undefined
    : seriesOf({ engine: 'mysql', server: { flavour, version, identity: {} } })
}
