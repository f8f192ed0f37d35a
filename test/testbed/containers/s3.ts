import { Wait } from 'testcontainers'
import { type Command, type Container, startContainer } from './container.ts'
import { freePort } from './free-port.ts'

export interface S3Container extends AsyncDisposable {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The AWS command line; it takes its credentials from AWS_… variables. */
  readonly commands: Readonly<Record<'aws', Command>>
  readonly container: Container
  createBucket(name: string): Promise<void>
  stop(): Promise<void>
}

/**
 * moto's S3, path style, by plain HTTP on the loopback address. It knows multipart uploads, checksums, encryption headers,
 * versions and object lock; it never checks a signature.
 */
export async function startS3Container(): Promise<S3Container> {
  const port = await freePort()
  const container = await startContainer({
    image: 's3',
    command: ['moto_server', '--host', '127.0.0.1', '--port', String(port)],
    wait: Wait.forLogMessage(/Running on http/),
  })
  const endpoint = `http://127.0.0.1:${port}`
  return {
    endpoint,
    region: 'us-east-1',
    accessKeyId: 'lifeboat',
    secretAccessKey: 'not-so-secret',
    commands: { aws: container.program('aws') },
    container,
    async createBucket(name) {
      const answer = await fetch(`${endpoint}/${name}`, { method: 'PUT' })
      if (!answer.ok) throw new Error(`moto did not create bucket ${name}: ${answer.status}`)
    },
    stop: () => container.stop(),
    [Symbol.asyncDispose]: () => container.stop(),
  }
}
