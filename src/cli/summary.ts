import type { Manifest } from '../core/manifest.ts'

/** The facts of a backup that every verb gives with --json: docs/json.md describes each. */
export interface Summary {
  readonly id: string
  readonly job: string
  readonly engine: string
  readonly server: { readonly flavour: string; readonly version: string }
  readonly started: string
  readonly ended: string
  readonly parts: number
  readonly plainBytes: number
  readonly storedBytes: number
  readonly stages: readonly string[]
  readonly encrypted: boolean
  readonly recipients: readonly string[]
  /** Fingerprint of the key that the backup says it is signed by; null where it is not signed. */
  readonly signer: string | null
  /** The class that the run was held to; null where it was given none. */
  readonly classification: string | null
  /** What of the guardrails an emergency overrode; null where it was none. */
  readonly overridden: readonly string[] | null
  readonly counts: 'exact' | 'off'
  readonly consistency: string
  readonly notCaptured: Manifest['notCaptured']
}

export function summarise(manifest: Manifest): Summary {
  const { id, job, engine, server, started, ended, counts, consistency, notCaptured, parts, stages } =
    manifest
  const encryption = stages.find(({ name }) => name === 'openpgp')
  return {
    id,
    job,
    engine,
    server: { flavour: server.flavour, version: server.version },
    started,
    ended,
    parts: parts.length,
    plainBytes: parts.reduce((sum, part) => sum + part.plainBytes, 0),
    storedBytes: parts.reduce((sum, part) => sum + part.storedBytes, 0),
    stages: stages.map(({ name }) => name),
    encrypted: encryption !== undefined,
    recipients: strings(encryption?.facts.recipients),
    signer: manifest.signer ?? null,
    classification: manifest.classification ?? null,
    overridden: manifest.emergency?.overridden ?? null,
    counts,
    consistency,
    notCaptured,
  }
}

export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
