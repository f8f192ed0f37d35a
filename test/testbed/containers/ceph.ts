import { Wait } from 'testcontainers'
import { makeCertificates } from '../certificates.ts'
import { startContainer } from './container.ts'
import { freePort } from './free-port.ts'
import type { S3Container } from './s3-container.ts'
import { makeScratchFolder } from './scratch-folder.ts'

/** Ceph's object gateway on a cluster of its own, in memory: a real S3, fresh each time. docker/ceph has the recipe. */
export async function startCephContainer(): Promise<S3Container> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.use(await makeScratchFolder('ceph')).path
  const { caFile, certificateFile, keyFile } = await makeCertificates(folder)
  const [monitor, http, https] = [await freePort(), await freePort(), await freePort()]
  const accessKeyId = 'lifeboat'
  const secretAccessKey = 'not-so-secret'
  const container = cleanup.use(
    await startContainer({
      image: 'ceph',
      command: [String(monitor), String(http), String(https), certificateFile, keyFile],
      environment: { S3_ACCESS_KEY: accessKeyId, S3_SECRET_KEY: secretAccessKey },
      wait: Wait.forLogMessage(/starting handler: beast/),
    }),
  )
  const rest = cleanup.move()
  return {
    endpoint: `http://127.0.0.1:${http}`,
    tls: { endpoint: `https://127.0.0.1:${https}`, caFile },
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    kmsKey: 'dr-key',
    commands: { aws: container.program('aws') },
    container,
    stop: () => rest.disposeAsync(),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
