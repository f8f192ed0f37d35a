import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { TdsType, TdsValue } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint } from '../../../testbed/tds/endpoint.ts'
import { createScriptedBackend } from '../../../testbed/tds/scripted-backend.ts'
import { connectTedious, runTedious } from '../../../testbed/tds/tedious-client.ts'
import { readBulkRows } from '../../../testbed/tds/wire/bulk-rows.ts'
import { createByteCursor } from '../../../testbed/tds/wire/byte-cursor.ts'
import { createByteWriter } from '../../../testbed/tds/wire/byte-writer.ts'
import { readTypeInfo } from '../../../testbed/tds/wire/decode-value.ts'
import { createValueEncoder } from '../../../testbed/tds/wire/encode-value.ts'
import { createFramer, makePackets } from '../../../testbed/tds/wire/packets.ts'
import { PACKET, TOKEN } from '../../../testbed/tds/wire/protocol.ts'
import { writeColumns } from '../../../testbed/tds/wire/tokens.ts'

const eventually = <Value>(check: () => Value | Promise<Value>): Promise<Value> =>
  vi.waitFor(check, { timeout: 20_000 })

/** Through the wire and back. */
function travel(type: TdsType, nullable: boolean, value: TdsValue): TdsValue {
  const encoder = createValueEncoder(type, nullable, 74)
  const writer = createByteWriter(1)
  encoder.writeInfo(writer)
  encoder.write(writer, value)
  const cursor = createByteCursor(writer.take())
  const decoder = readTypeInfo(cursor)
  const back = decoder.read(cursor, 'row')
  expect(cursor.left).toBe(0)
  return back instanceof Uint8Array ? Buffer.from(back) : back
}

const digits = (value: number, count: number) => String(value).padStart(count, '0')
const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10))
const scale = fc.integer({ min: 0, max: 7 })
const clock = (fraction: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 10 ** fraction - 1 }))
    .map(([seconds, part]) => {
      const time = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((n) => digits(Math.trunc(n), 2))
      return time.join(':') + (fraction === 0 ? '' : `.${digits(part, fraction)}`)
    })
const typed = <Value extends TdsValue>(type: TdsType, value: fc.Arbitrary<Value>) =>
  value.map((one): readonly [TdsType, TdsValue] => [type, one])
const withScale = (name: string, value: (count: number) => fc.Arbitrary<string>) =>
  scale.chain((count) => typed({ name, scale: count }, value(count)))
const decimal = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.integer({ min: 0, max: precision }).chain((decimals) =>
    fc
      .bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n })
      .map((unscaled): readonly [TdsType, TdsValue] => {
        const size = String(unscaled < 0n ? -unscaled : unscaled).padStart(decimals + 1, '0')
        const whole = size.slice(0, size.length - decimals)
        const text = decimals === 0 ? whole : `${whole}.${size.slice(-decimals)}`
        return [{ name: 'decimal', precision, scale: decimals }, unscaled < 0n ? `-${text}` : text]
      }),
  ),
)
const money = (bits: bigint) =>
  fc.bigInt({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n }).map((unscaled) => {
    const size = String(unscaled < 0n ? -unscaled : unscaled).padStart(5, '0')
    return `${unscaled < 0n ? '-' : ''}${size.slice(0, -4)}.${size.slice(-4)}`
  })
const offset = fc.integer({ min: -840, max: 840 }).map((minutes) => {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${digits(Math.trunc(size / 60), 2)}:${digits(size % 60, 2)}`
})
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'binary', maxLength: 200 })

const anyValue = fc.oneof(
  typed({ name: 'tinyint' }, fc.integer({ min: 0, max: 255 })),
  typed({ name: 'smallint' }, fc.integer({ min: -32_768, max: 32_767 })),
  typed({ name: 'int' }, fc.integer()),
  typed({ name: 'bigint' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  typed({ name: 'bit' }, fc.boolean()),
  typed({ name: 'float' }, fc.double({ noNaN: true })),
  typed({ name: 'real' }, fc.float({ noNaN: true })),
  typed({ name: 'money' }, money(64n)),
  typed({ name: 'smallmoney' }, money(32n)),
  decimal,
  typed(
    { name: 'uniqueidentifier' },
    fc.uuid().map((guid) => guid.toUpperCase()),
  ),
  typed({ name: 'date' }, date),
  withScale('time', clock),
  withScale('datetime2', (count) => fc.tuple(date, clock(count)).map((parts) => parts.join(' '))),
  withScale('datetimeoffset', (count) =>
    // An offset may not leave the calendar.
    fc.tuple(date, clock(count), offset).map(([day, time, zone]) => {
      const inside = day.startsWith('0001-01-01') || day.startsWith('9999-12-31') ? '2000-01-01' : day
      return `${inside} ${time} ${zone}`
    }),
  ),
  typed({ name: 'nvarchar', length: 8000 }, text),
  typed({ name: 'nvarchar', length: -1 }, text),
  typed({ name: 'ntext' }, text),
  typed(
    { name: 'xml' },
    text.filter((content) => !content.startsWith('\ufeff')),
  ),
  typed({ name: 'varchar', length: -1 }, fc.string({ maxLength: 200 })),
  typed(
    { name: 'varchar', length: 8000, collation: 'Latin1_General_100_BIN2_UTF8' },
    fc.string({ unit: 'grapheme' }),
  ),
  typed({ name: 'varbinary', length: 8000 }, bytes(300)),
  typed({ name: 'varbinary', length: -1 }, bytes(300)),
  typed({ name: 'image' }, bytes(300)),
  typed({ name: 'sql_variant' }, fc.oneof(text, fc.integer(), fc.boolean(), bytes(100))),
)

describe('values', () => {
  it('come back as they went, whatever their type', () => {
    fc.assert(
      fc.property(anyValue, fc.boolean(), ([type, value], nullable) => {
        expect(travel(type, nullable, value)).toEqual(value)
        expect(travel(type, true, null)).toBeNull()
      }),
      { numRuns: 2000 },
    )
  })

  it('of datetime keep their three-hundredths', () => {
    for (let tick = 0; tick < 300; tick += 1) {
      const fraction = digits(Math.round((tick * 10) / 3), 3)
      const value = `2024-02-29 23:59:59.${fraction}`
      expect(travel({ name: 'datetime' }, true, value)).toBe(value)
    }
  })

  it.each<readonly [TdsType, TdsValue, RegExp]>([
    [{ name: 'decimal', precision: 4, scale: 2 }, '123.45', /more than 4 digits/],
    [{ name: 'decimal', precision: 4, scale: 2 }, '1.234', /more than 2 decimals/],
    [{ name: 'smallmoney' }, '214748.3648', /out of range/],
    [{ name: 'int' }, 2 ** 31, /out of range/],
    [{ name: 'int' }, '5', /must be a number/],
    [{ name: 'nvarchar', length: 4 }, 'abc', /too long/],
    [{ name: 'datetime2', scale: 3 }, '2024-01-01 00:00:00.1234', /more than 3 digits/],
    [{ name: 'date' }, '2023-02-29', /no day/],
    [{ name: 'uniqueidentifier' }, 'x', /no GUID/],
    [{ name: 'vector' }, 'x', /no type 'vector'/],
  ])('that don’t fit are refused: %o %s', (type, value, reason) => {
    expect(() => travel(type, true, value)).toThrow(reason)
  })
})

describe('bytes', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
  /** The same bytes in pieces of those lengths, over and over. */
  function* inPieces(whole: Buffer, lengths: readonly number[]): Generator<Buffer> {
    for (let at = 0, turn = 0; at < whole.length; turn += 1) {
      const length = lengths[turn % lengths.length] as number
      yield whole.subarray(at, at + length)
      at += length
    }
  }

  it('become the same packets wherever the network cuts them', () => {
    fc.assert(
      fc.property(bytes(3000), cuts, (body, lengths) => {
        const { packets } = makePackets({
          type: PACKET.batch,
          bytes: body,
          packetSize: 512,
          firstId: 1,
          last: true,
        })
        const frame = createFramer()
        const units = [...inPieces(packets, lengths)].flatMap((piece) => [...frame(piece)])
        expect(Buffer.concat(units.map((unit) => unit.subarray(8)))).toEqual(body)
        expect(units.map((unit) => unit[1])).toEqual(
          units.map((_, index) => (index === units.length - 1 ? 1 : 0)),
        )
      }),
    )
  })

  it('become the same bulk rows wherever packets cut them', async () => {
    const columns = [
      { name: 'n', type: { name: 'int' }, nullable: true },
      { name: 'm', type: { name: 'nvarchar', length: -1 }, nullable: true },
      { name: 'b', type: { name: 'varbinary', length: 400 }, nullable: true },
    ]
    const row = fc.tuple(fc.option(fc.integer()), fc.option(text), fc.option(bytes(300)))
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 20 }),
        cuts,
        fc.boolean(),
        async (rows, lengths, withEnd) => {
          const writer = createByteWriter()
          const writeRow = writeColumns(writer, columns, 74)
          for (const values of rows) writeRow(values)
          if (withEnd) writer.bytes(Buffer.from([TOKEN.done, ...Buffer.alloc(12)]))
          async function* pieces() {
            yield* inPieces(whole, lengths)
          }
          const whole = writer.take()
          const read = await readBulkRows(pieces(), 74)
          const got: (readonly TdsValue[])[] = []
          for await (const values of read?.rows ?? []) got.push(values)
          expect(got).toEqual(rows)
          expect(read?.columns.map(({ name, type }) => ({ name, type }))).toEqual(
            columns.map(({ name, type }) => ({ name, type })),
          )
        },
      ),
    )
  })

  it('of a bulk load that end inside a row are refused', async () => {
    const writer = createByteWriter()
    writeColumns(writer, [{ name: 'n', type: { name: 'int' }, nullable: true }], 74)([5])
    const whole = writer.take()
    async function* pieces() {
      yield whole.subarray(0, whole.length - 1)
    }
    const read = await readBulkRows(pieces(), 74)
    await expect(Array.fromAsync(read?.rows ?? [])).rejects.toThrow('ends inside a row')
  })
})

describe('a client that breaks the protocol', () => {
  /** Resolves once the server has closed. */
  async function send(port: number, garbage: Uint8Array): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    socket.end(garbage)
    await once(socket, 'close')
  }

  it('loses its connection, and nobody else does', async () => {
    await using endpoint = await startTdsEndpoint({ backend: createScriptedBackend() })
    const connection = await connectTedious({ port: endpoint.port })
    await send(endpoint.port, Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await eventually(() => expect(endpoint.failures).toHaveLength(1))
    expect(endpoint.failures[0]?.message).toBe('there is no packet type 0x47')
    // A LOGIN7 that is none.
    await send(endpoint.port, Buffer.from([PACKET.login7, 1, 0, 12, 0, 0, 1, 0, 4, 0, 0, 0]))
    await eventually(() => expect(endpoint.failures).toHaveLength(2))
    await runTedious(connection, 'select 1').result
    expect(endpoint.connections).toHaveLength(1)
    connection.close()
  })

  it('whatever it sends', async () => {
    await using endpoint = await startTdsEndpoint({ backend: createScriptedBackend() })
    const packet = fc
      .tuple(fc.constantFrom(...Object.values(PACKET)), fc.uint8Array({ maxLength: 200 }))
      .map(([type, body]) =>
        makePackets({ type, bytes: Buffer.from(body), packetSize: 512, firstId: 1, last: true }),
      )
      .map(({ packets }) => packets)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), packet), async (garbage) => {
        await send(endpoint.port, garbage)
      }),
      { numRuns: 150 },
    )
    await eventually(() => expect(endpoint.connections).toEqual([]))
    const connection = await connectTedious({ port: endpoint.port })
    await runTedious(connection, 'select 1').result
    connection.close()
  })
})
