import { tmpdir } from 'node:os'
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  type WaitStrategy,
} from 'testcontainers'
import { inject } from 'vitest'
import { type ImageName, imageOf } from './image.ts'
import { RUN_LABEL } from './run-label.ts'

/** As `EngineContext.commands` takes them. */
export type Command = readonly [string, ...string[]]

export interface ContainerOptions {
  readonly image: ImageName
  readonly entrypoint?: readonly string[]
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly wait: WaitStrategy
  /** Default 90 s. */
  readonly startupTimeoutMs?: number
}

export interface Container extends AsyncDisposable {
  readonly id: string
  /** Runs a command to its end; throws with its output when it fails. */
  exec(command: readonly string[]): Promise<string>
  /**
   * The command that runs a program of the container's file system as a child of ours, root as we are. Unlike
   * `docker exec` it passes signals, dies with its parent, shows up in /proc and starts in milliseconds.
   */
  program(name: string): Command
  logs(): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts a container on the host's own network: server, tools and lifeboat all see the same address. The temp folder
 * and /dev/shm are those of the host, under the same paths, so that option files and sockets are seen on both sides.
 */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const recipe = new GenericContainer(imageOf(options.image))
    .withNetworkMode('host')
    .withLabels({ [RUN_LABEL]: inject('testRun') })
    .withBindMounts([...new Set(['/dev/shm', tmpdir()])].map((path) => ({ source: path, target: path })))
    .withEnvironment({ ...options.environment })
    .withCommand([...options.command])
    .withWaitStrategy(options.wait)
    .withStartupTimeout(options.startupTimeoutMs ?? 90_000)
  if (options.entrypoint !== undefined) recipe.withEntrypoint([...options.entrypoint])
  const log: string[] = []
  recipe.withLogConsumer((stream) => stream.on('data', (line) => log.push(String(line))))
  const started = await recipe.start().catch((thrown: unknown) => {
    throw new Error(`container '${options.image}' did not start:\n${log.slice(-30).join('')}`, {
      cause: thrown,
    })
  })
  const pid = await processId(started)
  return {
    id: started.getId(),
    async exec(command) {
      const result = await started.exec([...command])
      if (result.exitCode !== 0) throw new Error(`${command.join(' ')}: ${result.exitCode}\n${result.output}`)
      return result.stdout
    },
    program: (name) => ['nsenter', `--target=${pid}`, '--mount', '--', name],
    logs: () => logsOf(started),
    stop: () => stop(started),
    [Symbol.asyncDispose]: () => stop(started),
  }
}

async function processId(started: StartedTestContainer): Promise<number> {
  const client = await getContainerRuntimeClient()
  const { State } = await client.container.getById(started.getId()).inspect()
  return State.Pid
}

async function logsOf(started: StartedTestContainer): Promise<string> {
  const client = await getContainerRuntimeClient()
  const output = await client.container
    .getById(started.getId())
    .logs({ stdout: true, stderr: true, follow: false })
  return output.toString('utf8')
}

async function stop(started: StartedTestContainer): Promise<void> {
  await started.stop({ timeout: 0, remove: true, removeVolumes: true })
}
