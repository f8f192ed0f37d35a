import { createMemorySink } from '../testbed/memory-sink.ts'
import { withFaults } from '../testbed/sink-faults.ts'
import { describeSink } from './sink-suite.ts'

const skipByHand = 'no command reads the memory of this process'

describeSink(
  'memory',
  async () => {
    const sink = createMemorySink()
    return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
  },
  { skipByHand },
)

describeSink(
  'memory, decorated with faults that do not strike',
  async () => {
    const sink = withFaults(createMemorySink(), [{ on: 'write', kind: 'refuse', times: 0 }])
    return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
  },
  { skipByHand },
)
