import { createGzip } from '../../src/stages/gzip.ts'
import { throughProgram } from '../testbed/stock-program.ts'
import { describeStage } from './stage-suite.ts'

describeStage('gzip', async () => ({
  stage: createGzip(),
  stockDecode: (stored) => throughProgram(stored, 'gunzip'),
  stockEncode: {
    gzip: (plain) => throughProgram(plain, 'gzip'),
    'gzip with a name': (plain) => throughProgram(plain, 'gzip', '-9', '-N'),
    'two members': (plain) => {
      const half = plain.length >> 1
      return Buffer.concat(
        [plain.subarray(0, half), plain.subarray(half)].map((each) => throughProgram(each, 'gzip')),
      )
    },
  },
  async [Symbol.asyncDispose]() {},
}))
