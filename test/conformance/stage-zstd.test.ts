import { createZstd } from '../../src/stages/zstd.ts'
import { throughProgram } from '../testbed/stock-program.ts'
import { describeStage } from './stage-suite.ts'

const zstd = (plain: Uint8Array, ...args: readonly string[]) =>
  throughProgram(plain, 'zstd', '-q', '-c', ...args)
const SKIPPABLE = Buffer.concat([Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 100, 0, 0, 0]), Buffer.alloc(100, 7)])

describeStage('zstd', async () => ({
  stage: createZstd(),
  stockDecode: (stored) => throughProgram(stored, 'zstd', '-d', '-q', '-c'),
  stockEncode: {
    zstd: (plain) => zstd(plain),
    'zstd without checksum': (plain) => zstd(plain, '--no-check', '-1'),
    'zstd with threads': (plain) => zstd(plain, '-T2', '-B1MiB'),
    'zstd with the longest window': (plain) => zstd(plain, '--long=27'),
    'zstd with a known size': (plain) => zstd(plain, `--stream-size=${plain.length}`),
    'several frames, some to skip': (plain) => {
      const third = Math.ceil(plain.length / 3)
      const cuts = [plain.subarray(0, third), plain.subarray(third, 2 * third), plain.subarray(2 * third)]
      return Buffer.concat(cuts.flatMap((cut) => [SKIPPABLE, zstd(cut), SKIPPABLE]))
    },
  },
  async [Symbol.asyncDispose]() {},
}))
