import type { Manifest } from '../../core/manifest.ts'
import type { SecretSource } from '../../core/secret.ts'

/** A server that exists for one drill. Disposing ends it and destroys all that it held; it never rejects for that it is gone. */
export interface ThrowawayServer extends AsyncDisposable {
  /** As `openEngine` takes it. */
  readonly url: string
  readonly password?: SecretSource
}

/** What it is to be like. */
export type ServerModel = Pick<Manifest, 'engine' | 'server'>

/** Whether the server answers as it will when it is in use: rejects with `engine-unreachable` and the like until then. */
export type AskReady = (server: ThrowawayServer, model: ServerModel, signal: AbortSignal) => Promise<boolean>
