import type { Contents } from '../../core/contents.ts'
import { LifeboatError } from '../../core/errors.ts'

/** What the contents keep for a restore. */
export interface StoredFacts {
  /** `exp`: a dump of the original Export, which only the original Import reads. */
  readonly layout: 'datapump' | 'exp'
  readonly mode: 'SCHEMA' | 'TABLE'
  readonly schemas: readonly string[]
  /** In TABLE mode: without their schema, which is the only one. */
  readonly tables: readonly string[]
  readonly tablespaces: readonly string[]
  readonly characterSet: string
  readonly nationalCharacterSet: string
  readonly version: string
  readonly scn: string
  readonly pieceBytes: number
}

export function readStoredFacts({ engine }: Pick<Contents, 'engine'>): StoredFacts {
  const { layout, mode } = engine
  const strings = (name: string) => {
    const list = engine[name]
    return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : undefined
  }
  const string = (name: string) => (typeof engine[name] === 'string' ? engine[name] : '')
  const schemas = strings('schemas')
  if (
    (layout !== 'datapump' && layout !== 'exp') ||
    (mode !== 'SCHEMA' && mode !== 'TABLE') ||
    schemas === undefined
  ) {
    throw new LifeboatError(
      'integrity',
      'unable to read the backup: its contents are not those of a Data Pump export',
      {
        hint: 'Use another backup, or restore it with the lifeboat that made it.',
      },
    )
  }
  return {
    layout,
    mode,
    schemas,
    tables: strings('tables') ?? [],
    tablespaces: strings('tablespaces') ?? [],
    characterSet: string('characterSet'),
    nationalCharacterSet: string('nationalCharacterSet'),
    version: string('version'),
    scn: string('scn'),
    pieceBytes: typeof engine.pieceBytes === 'number' ? engine.pieceBytes : 0,
  }
}
