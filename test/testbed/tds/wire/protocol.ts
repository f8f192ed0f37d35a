/** Numbers of [MS-TDS]: https://learn.microsoft.com/openspecs/windows_protocols/ms-tds */

/** 7.1 is SQL Server 2000's, 7.2 that of 2005, 7.3 of 2008, 7.4 of 2012 and later. */
export type TdsVersion = 71 | 72 | 73 | 74

export const PACKET = {
  batch: 0x01,
  rpc: 0x03,
  result: 0x04,
  attention: 0x06,
  bulk: 0x07,
  transaction: 0x0e,
  login7: 0x10,
  prelogin: 0x12,
} as const

export const STATUS = {
  endOfMessage: 0x01,
  ignore: 0x02,
  resetConnection: 0x08,
  resetKeepTransaction: 0x10,
} as const

export const HEADER_BYTES = 8

export const TOKEN = {
  returnStatus: 0x79,
  columns: 0x81,
  error: 0xaa,
  info: 0xab,
  returnValue: 0xac,
  loginAck: 0xad,
  featureExtAck: 0xae,
  row: 0xd1,
  nullBitmapRow: 0xd2,
  envChange: 0xe3,
  done: 0xfd,
  doneProc: 0xfe,
  doneInProc: 0xff,
} as const

export const DONE = { more: 0x01, error: 0x02, transaction: 0x04, count: 0x10, attention: 0x20 } as const

/** What a client sent breaks the protocol, or uses a part of it that this endpoint lacks: its connection ends. */
export class TdsProtocolError extends Error {}
