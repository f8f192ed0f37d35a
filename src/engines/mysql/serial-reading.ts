import type { Bytes } from '../../core/bytes.ts'
import type { Part } from '../../core/engine.ts'
import { type Definitions, readDefinitions } from './definitions.ts'
import { readLogPosition } from './log-position.ts'
import { DATABASES } from './part-names.ts'
import type { Reading, ReadingContext } from './reading.ts'
import { createRowCounter } from './row-counter.ts'
import { findClient } from './tools.ts'
import { readWhole } from './whole-dump.ts'

/** One run of the dump tool over all user databases, in one transaction. */
export function createSerialReading(
  { access, context, options, facts, counts }: ReadingContext,
  signal: AbortSignal,
): Reading {
  const { server, databases } = facts.inventory
  const counter = createRowCounter()
  let before: string | undefined
  let definitions: Definitions | undefined
  let whole = databases.length === 0

  async function* open(inner: AbortSignal): Bytes {
    await access.withSession(inner, async (session) => {
      before = await readLogPosition(session, server)
      definitions = await readDefinitions(session, server, databases)
    })
    const tool = await findClient('dump', server, context, inner, options.client)
    const bytes = readWhole({ access, tool, facts }, inner)
    yield* counts === 'exact' ? counter.through(bytes) : bytes
    whole = true
  }

  return {
    async *parts(): AsyncGenerator<Part> {
      if (databases.length === 0) return
      yield {
        name: DATABASES,
        format: 'sql',
        estimateBytes: databases.reduce((sum, database) => sum + database.estimateBytes, 0),
        open: (inner) => open(AbortSignal.any([signal, inner])),
        release: async () => undefined,
      }
    },
    partNames: databases.length > 0 ? [DATABASES] : [],
    isWhole: () => whole,
    definitions: () => definitions,
    counted: () => counter.result(),
    position(after) {
      if (before === undefined && after === undefined) return undefined
      return {
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
        exact: false,
        meaning:
          'binary log before and after the dump: its snapshot lies in between, not at either (a managed server gives no global lock)',
      }
    },
    consistency:
      facts.nonTransactional.length === 0
        ? 'one transaction over all tables'
        : 'one transaction over all transactional tables; the others as they were read',
    facts: () => ({}),
    async [Symbol.asyncDispose]() {
      // The part closes its own tool when its reader lets go; nothing is held between parts.
    },
  }
}
