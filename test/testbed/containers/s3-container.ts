import type { Command, Container } from './container.ts'

/** An S3 server, path style, on the loopback address. */
export interface S3Container extends AsyncDisposable {
  /** By plain HTTP. */
  readonly endpoint: string
  /** By HTTPS with a certificate of a private CA, where the server has TLS. */
  readonly tls?: { readonly endpoint: string; readonly caFile: string }
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** A KMS key that the server encrypts with. */
  readonly kmsKey: string
  /** The AWS command line; it takes its credentials from AWS_… variables. */
  readonly commands: Readonly<Record<'aws', Command>>
  readonly container: Container
  stop(): Promise<void>
}
