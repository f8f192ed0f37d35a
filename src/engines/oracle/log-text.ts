/** What the server's character sets are called elsewhere. Its logs are written in its own. */
const ENCODINGS: Readonly<Record<string, string>> = {
  AL32UTF8: 'utf-8',
  UTF8: 'utf-8',
  WE8ISO8859P1: 'iso-8859-1',
  WE8ISO8859P9: 'iso-8859-9',
  WE8ISO8859P15: 'iso-8859-15',
  WE8MSWIN1252: 'windows-1252',
  EE8ISO8859P2: 'iso-8859-2',
  EE8MSWIN1250: 'windows-1250',
  CL8ISO8859P5: 'iso-8859-5',
  CL8MSWIN1251: 'windows-1251',
  CL8KOI8R: 'koi8-r',
  EL8ISO8859P7: 'iso-8859-7',
  EL8MSWIN1253: 'windows-1253',
  TR8MSWIN1254: 'windows-1254',
  IW8MSWIN1255: 'windows-1255',
  AR8MSWIN1256: 'windows-1256',
  BLT8MSWIN1257: 'windows-1257',
  VN8MSWIN1258: 'windows-1258',
  TH8TISASCII: 'windows-874',
  JA16SJIS: 'shift_jis',
  JA16SJISTILDE: 'shift_jis',
  JA16EUC: 'euc-jp',
  KO16KSC5601: 'euc-kr',
  KO16MSWIN949: 'euc-kr',
  ZHS16GBK: 'gbk',
  ZHS32GB18030: 'gb18030',
  ZHT16BIG5: 'big5',
  ZHT16MSWIN950: 'big5',
}

export interface LogText {
  readonly text: string
  /** Whether a name came out as it is: in a set that nobody knows here, only one of ASCII does. */
  readable(name: string): boolean
}

export function decodeLog(log: Uint8Array, characterSet: string): LogText {
  const encoding = ENCODINGS[characterSet]
  return {
    text: new TextDecoder(encoding ?? 'iso-8859-1').decode(log),
    readable: (name) => encoding !== undefined || /^[\x20-\x7e]*$/.test(name),
  }
}
