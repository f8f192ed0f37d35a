import type { TableCount } from '../../core/contents.ts'
import type { EngineContext, EngineEvent, Part } from '../../core/engine.ts'
import type { LogPosition } from '../../core/manifest.ts'
import type { Definitions } from './definitions.ts'
import type { MysqlOptions } from './options.ts'
import type { ServerAccess } from './server-access.ts'
import type { SourceFacts } from './source-facts.ts'

export interface ReadingContext {
  readonly access: ServerAccess
  readonly context: EngineContext
  readonly options: MysqlOptions
  readonly facts: SourceFacts
  readonly counts: 'exact' | 'off'
  readonly onProgress: ((event: EngineEvent) => void) | undefined
}

/** How the databases are read: by one run of the dump tool, or by several with one snapshot. */
export interface Reading extends AsyncDisposable {
  parts(): AsyncGenerator<Part>
  /** Names of the parts, in their order. */
  readonly partNames: readonly string[]
  /** Has every part been read to its end? */
  isWhole(): boolean
  /** As they were before the first row was read. */
  definitions(): Definitions | undefined
  /** Rows that were read, in the order of the tables. */
  counted(): readonly TableCount[]
  position(after: string | undefined): LogPosition | undefined
  readonly consistency: string
  /** For the contents, beyond what all dumps have. */
  facts(): Readonly<Record<string, unknown>>
}
