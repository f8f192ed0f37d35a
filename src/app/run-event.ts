import type { Probe } from '../core/engine.ts'

/** What a use case tells whoever watches: the CLI shows it, nothing depends on it. */
export type RunEvent =
  | { readonly kind: 'probed'; readonly probe: Probe }
  | { readonly kind: 'step'; readonly message: string }
  | { readonly kind: 'warning'; readonly message: string; readonly hint?: string }
  | {
      readonly kind: 'part-started'
      readonly number: number
      readonly parts?: number
      readonly name: string
      readonly estimateBytes?: number
    }
  | { readonly kind: 'progress'; readonly plainBytes: number; readonly storedBytes: number }
  | { readonly kind: 'part-ended'; readonly number: number; readonly plainBytes: number }

export type OnEvent = (event: RunEvent) => void
