import { Wait } from 'testcontainers'
import { startContainer } from './container.ts'
import { freePort } from './free-port.ts'
import type { S3Container } from './s3-container.ts'

/**
 * moto's S3, a fake: it knows multipart uploads, checksums, encryption headers, versions and object lock, and never
 * checks a signature.
 */
export async function startMotoContainer(): Promise<S3Container> {
  const port = await freePort()
  const container = await startContainer({
    image: 'moto',
    command: ['moto_server', '--host', '127.0.0.1', '--port', String(port)],
    wait: Wait.forLogMessage(/Running on http/),
  })
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKeyId: 'lifeboat',
    secretAccessKey: 'not-so-secret',
    kmsKey: 'alias/dr',
    commands: { aws: container.program('aws') },
    container,
    stop: () => container.stop(),
    [Symbol.asyncDispose]: () => container.stop(),
  }
}
