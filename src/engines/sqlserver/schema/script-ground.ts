import type {
  AliasType,
  PartitionFunction,
  PartitionScheme,
  SchemaModel,
  SequenceModel,
  XmlSchemaCollection,
} from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import { hasCollation, typeText } from '../catalog/type-text.ts'
import type { Step } from './step.ts'

/** 2714, 2759: an object of that name is there; 2760 says that it is not. */
const SCHEMA_EXISTS = [2714, 2759]

export function scriptSchema({ name }: SchemaModel): Step {
  return {
    kind: 'schema',
    name: quoteName(name),
    onFailure: 'stop',
    batches: [`CREATE SCHEMA ${quoteName(name)}`],
    exists: SCHEMA_EXISTS,
  }
}

export function scriptAliasType(type: AliasType): Step {
  const nullable = type.base.nullable === false ? 'NOT NULL' : 'NULL'
  return {
    kind: 'type',
    name: quoteObject(type),
    onFailure: 'stop',
    batches: [`CREATE TYPE ${quoteObject(type)} FROM ${typeText(type.base)} ${nullable}`],
  }
}

export function scriptXmlSchemaCollection(collection: XmlSchemaCollection): Step {
  return {
    kind: 'XML schema collection',
    name: quoteObject(collection),
    onFailure: 'stop',
    batches: [`CREATE XML SCHEMA COLLECTION ${quoteObject(collection)} AS ${quoteText(collection.text)}`],
  }
}

export function scriptSequence(sequence: SequenceModel): Step {
  const { cycles, cache } = sequence
  return {
    kind: 'sequence',
    name: quoteObject(sequence),
    onFailure: 'stop',
    batches: [
      [
        `CREATE SEQUENCE ${quoteObject(sequence)} AS ${sequence.type}`,
        `START WITH ${sequence.start}`,
        `INCREMENT BY ${sequence.increment}`,
        `MINVALUE ${sequence.minimum}`,
        `MAXVALUE ${sequence.maximum}`,
        cycles ? 'CYCLE' : 'NO CYCLE',
        cache === undefined ? 'CACHE' : cache === 0 ? 'NO CACHE' : `CACHE ${cache}`,
      ].join('\n  '),
    ],
  }
}

/**
 * Takes values up to the last one that the source gave out. RESTART WITH would be shorter, but becomes the value at
 * which a later plain RESTART begins; it is used where no number of steps leads there: after a cycle or an ALTER.
 */
export function scriptSequencePosition(sequence: SequenceModel): readonly Step[] {
  if (sequence.current === undefined) return []
  const [start, increment, current] = [sequence.start, sequence.increment, sequence.current].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ]
  const steps = (current - start) / increment
  const reached = steps >= 0n && start + steps * increment === current && steps < 2n ** 62n
  const name = quoteObject(sequence)
  return [
    {
      kind: 'position of sequence',
      name,
      onFailure: 'collect',
      batches: reached
        ? [
            [
              'DECLARE @first sql_variant',
              `EXECUTE sys.sp_sequence_get_range @sequence_name = ${quoteText(name)}, @range_size = ${steps + 1n}, @range_first_value = @first OUTPUT`,
            ].join('\n'),
          ]
        : [`ALTER SEQUENCE ${name} RESTART WITH ${current}`, `SELECT NEXT VALUE FOR ${name} AS taken`],
    },
  ]
}

export function scriptPartitionFunction(partition: PartitionFunction): Step {
  const { type } = partition.parameter
  const collation =
    partition.parameter.collation !== undefined && hasCollation(type)
      ? ` COLLATE ${partition.parameter.collation}`
      : ''
  const range = partition.boundaryOnRight ? 'RIGHT' : 'LEFT'
  return {
    kind: 'partition function',
    name: quoteName(partition.name),
    onFailure: 'stop',
    batches: [
      [
        `CREATE PARTITION FUNCTION ${quoteName(partition.name)} (${typeText(partition.parameter)}${collation})`,
        `AS RANGE ${range} FOR VALUES (${partition.boundaries.join(', ')})`,
      ].join('\n  '),
    ],
  }
}

/** Filegroups belong to the server: a managed one has files where it wants them. */
export function scriptPartitionScheme(scheme: PartitionScheme): Step {
  return {
    kind: 'partition scheme',
    name: quoteName(scheme.name),
    onFailure: 'stop',
    batches: [
      `CREATE PARTITION SCHEME ${quoteName(scheme.name)} AS PARTITION ${quoteName(scheme.function)} ALL TO ([PRIMARY])`,
    ],
  }
}
