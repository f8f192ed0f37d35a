import { TdsProtocolError } from './protocol.ts'
import type { Encryption } from './transport.ts'

const OPTION = { version: 0, encryption: 1, mars: 4, end: 0xff } as const
const ENCRYPT = { off: 0, on: 1, notSupported: 2, required: 3 } as const

/** What a client says about encryption in its PRELOGIN. */
export function readPreloginEncryption(body: Buffer): number {
  for (let at = 0; body[at] !== OPTION.end; at += 5) {
    if (at + 5 > body.length) throw new TdsProtocolError('PRELOGIN has no end')
    if (body[at] === OPTION.encryption) {
      const value = body[body.readUInt16BE(at + 1)]
      if (value === undefined) throw new TdsProtocolError('an option of PRELOGIN lies outside of it')
      return value
    }
  }
  return ENCRYPT.notSupported
}

/**
 * What server and client agree on, by the table of [MS-TDS] 2.2.6.5. A client that must not go on (it can't encrypt, and
 * must) sees `required` and leaves by itself.
 */
export function agreeOnEncryption(
  asked: number,
  server: 'off' | 'offered' | 'required',
): { readonly answer: number; readonly encryption: Encryption } {
  if (server === 'off') return { answer: ENCRYPT.notSupported, encryption: 'none' }
  if (asked === ENCRYPT.on || asked === ENCRYPT.required) return { answer: ENCRYPT.on, encryption: 'all' }
  if (server === 'required') return { answer: ENCRYPT.required, encryption: 'all' }
  return asked === ENCRYPT.off
    ? { answer: ENCRYPT.off, encryption: 'login' }
    : { answer: ENCRYPT.notSupported, encryption: 'none' }
}

/** The answer to PRELOGIN: SQL Server 2022, no MARS. */
export function makePrelogin(encryption: number): Buffer {
  const options = [
    [OPTION.version, Buffer.from([16, 0, 0x10, 0x00, 0, 0])],
    [OPTION.encryption, Buffer.from([encryption])],
    [OPTION.mars, Buffer.from([0])],
  ] as const
  const table = Buffer.alloc(options.length * 5 + 1)
  let offset = table.length
  options.forEach(([option, data], index) => {
    table.writeUInt8(option, index * 5)
    table.writeUInt16BE(offset, index * 5 + 1)
    table.writeUInt16BE(data.length, index * 5 + 3)
    offset += data.length
  })
  table.writeUInt8(OPTION.end, table.length - 1)
  return Buffer.concat([table, ...options.map(([, data]) => data)])
}
