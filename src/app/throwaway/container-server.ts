import { randomBytes } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { createPrivateFolder } from '../../core/private-folder.ts'
import { currentOwner, ownerState, type ProcessOwner } from '../../core/process-owner.ts'
import { Secret } from '../../core/secret.ts'
import { findTool, runTool } from '../../core/tool.ts'
import type { OnEvent } from '../run-event.ts'
import { awaitReady } from './await-ready.ts'
import { startServer } from './server-process.ts'
import { needSeries, type Product } from './server-series.ts'
import type { AskReady, ServerModel, ThrowawayServer } from './throwaway-server.ts'

export interface ContainerOptions {
  readonly searchPath: string
  /** By default the official one of the server's own series. */
  readonly image?: string
  readonly ask: AskReady
  readonly clock: Clock
  readonly onEvent: OnEvent
}

/** By it a later drill finds what a killed one left, and whose it was. */
const LABEL = 'lifeboat.drill'
const INSIDE = '/lifeboat'
const TIDY_MS = 60_000
const NAMES = ['docker', 'podman']

interface Recipe {
  readonly image: (series: string) => string
  readonly passwordVariable: string
  readonly program: string
  readonly args: readonly string[]
  readonly url: (folder: string) => string
}

const mysql = (name: 'mariadb' | 'mysql', program: string, options: readonly string[]): Recipe => ({
  image: (series) => `${name}:${series}`,
  passwordVariable: name === 'mariadb' ? 'MARIADB_ROOT_PASSWORD' : 'MYSQL_ROOT_PASSWORD',
  program,
  args: [
    `--socket=${INSIDE}/m`,
    '--event-scheduler=OFF',
    '--max-allowed-packet=1G',
    '--innodb-flush-log-at-trx-commit=0',
    ...options,
  ],
  url: (folder) => `${name}://root@?socket=${encodeURIComponent(join(folder, 'm'))}`,
})

const RECIPES: Readonly<Record<Product, Recipe>> = {
  MariaDB: mysql('mariadb', 'mariadbd', []),
  MySQL: mysql('mysql', 'mysqld', ['--mysqlx=OFF', '--skip-log-bin', '--secure-file-priv=NULL']),
  PostgreSQL: {
    image: (series) => `postgres:${series}`,
    passwordVariable: 'POSTGRES_PASSWORD',
    program: 'postgres',
    args: ['fsync=off', 'full_page_writes=off', `unix_socket_directories=${INSIDE}`].flatMap((setting) => [
      '-c',
      setting,
    ]),
    url: (folder) => `postgres://postgres@?socket=${encodeURIComponent(join(folder, '.s.PGSQL.5432'))}`,
  },
}

/**
 * A server in a container without any network: its socket lies in a private folder of this machine, and is the only way in.
 * The docker program stays in the foreground, so that what ends it, the death of the agent too, ends the container.
 */
export async function startContainerServer(
  model: ServerModel,
  options: ContainerOptions,
  signal: AbortSignal,
): Promise<ThrowawayServer> {
  const { searchPath, ask, clock, onEvent } = options
  const series = needSeries(model)
  const recipe = RECIPES[series.product]
  const docker = await findDocker(searchPath)
  await sweepContainers(docker, onEvent, signal)
  await using made = new AsyncDisposableStack()
  const folder = made.use(await createPrivateFolder())
  const socketFolder = join(folder.path, 's')
  // The server has a user of its own in there; the folder above lets nobody else through.
  await mkdir(socketFolder)
  await chmod(socketFolder, 0o777)
  const password = new Secret(randomBytes(24).toString('base64url'))
  const variables = await folder.file('env', `${recipe.passwordVariable}=${password.reveal()}\n`)
  const name = `lifeboat-drill-${randomBytes(6).toString('hex')}`
  const image = options.image ?? recipe.image(series.name)
  const child = await startServer(
    {
      name: `${docker} run ${image}`,
      command: [docker],
      args: [
        ...['run', '--rm', '--name', name, '--label', `${LABEL}=${ownerText(await currentOwner())}`],
        ...['--network', 'none', '--env-file', variables, '--volume', `${socketFolder}:${INSIDE}`],
        ...[image, recipe.program, ...recipe.args],
      ],
      endWith: 'SIGTERM',
    },
    signal,
  )
  // Disposed before its folder: --volumes takes what the image itself declares as one.
  made.defer(async () => {
    await removeContainers(docker, [name], AbortSignal.timeout(TIDY_MS))
    await child[Symbol.asyncDispose]()
  })
  const server = { url: recipe.url(socketFolder), password: async () => password }
  const started = { ...server, [Symbol.asyncDispose]: async () => undefined }
  await awaitReady(started, model, { child, ask, clock }, signal)
  const rest = made.move()
  return { ...server, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function findDocker(searchPath: string): Promise<string> {
  const found = await findTool(NAMES, searchPath)
  if (found !== undefined) return found
  throw new LifeboatError('tool-missing', `unable to find '${NAMES.join("' or '")}' on PATH`, {
    hint: 'Install it, or leave out --container to use the server packages of this machine.',
  })
}

/** What drills of this machine left that are gone. */
async function sweepContainers(docker: string, onEvent: OnEvent, signal: AbortSignal): Promise<void> {
  const format = `{{.Names}}\t{{.Label "${LABEL}"}}`
  const listing = await runTool(
    {
      name: docker,
      command: [docker],
      args: ['ps', '--all', '--filter', `label=${LABEL}`, '--format', format],
    },
    signal,
  )
  const here = await currentOwner()
  const dead: string[] = []
  for (const line of listing.split('\n')) {
    const [name, text] = line.split('\t')
    const owner = readOwner(text)
    if (name !== undefined && owner !== undefined && (await ownerState(owner, here)) === 'gone')
      dead.push(name)
  }
  if (dead.length === 0) return
  await removeContainers(docker, dead, signal)
  onEvent({ kind: 'step', message: `removed ${dead.length} containers of an earlier drill that was cut off` })
}

/** One that is gone already is no failure. */
async function removeContainers(
  docker: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await runTool({ name: docker, command: [docker], args: ['rm', '--force', '--volumes', ...names] }, signal)
  } catch (thrown) {
    if (/no such container|already in progress/i.test(messageOf(thrown))) return
    throw thrown
  }
}

function ownerText(owner: ProcessOwner): string {
  return Buffer.from(JSON.stringify(owner)).toString('base64url')
}

function readOwner(text: string | undefined): ProcessOwner | undefined {
  try {
    return JSON.parse(Buffer.from(text ?? '', 'base64url').toString()) as ProcessOwner
  } catch {
    // Somebody else's label.
    return undefined
  }
}
