import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHECKSUMS } from '../../../../src/sinks/s3/checksum.ts'

describe('checksums', () => {
  // The check values of the CRC catalogue, and FIPS 180-2's "abc".
  test.for([
    ['crc32', '123456789', 'cbf43926'],
    ['crc64nvme', '123456789', 'ae8b14860a799888'],
    ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ] as const)('%s of %s', async ([name, text, hex]) => {
    expect(await CHECKSUMS[name].of(Buffer.from(text))).toBe(Buffer.from(hex, 'hex').toString('base64'))
  })

  test.for(['crc32', 'crc64nvme'] as const)('%s of the whole is that of its parts', async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (parts) => {
        const checksum = CHECKSUMS[name]
        const whole = checksum.start()
        for (const part of parts) whole.add(part, await checksum.of(part))
        expect(await whole.result()).toBe(await checksum.of(Buffer.concat(parts)))
      }),
    )
  })

  test('sha256 of the whole is that of the sums, and their count', async () => {
    const whole = CHECKSUMS.sha256.start()
    const [first, second] = [Buffer.from('one'), Buffer.from('two')]
    for (const part of [first, second]) whole.add(part, await CHECKSUMS.sha256.of(part))
    const sums = [await CHECKSUMS.sha256.of(first), await CHECKSUMS.sha256.of(second)]
    const joined = Buffer.concat(sums.map((sum) => Buffer.from(sum, 'base64')))
    expect(await whole.result()).toBe(`${await CHECKSUMS.sha256.of(joined)}-2`)
  })
})
