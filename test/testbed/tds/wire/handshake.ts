import { type TdsBackend, TdsLoginError, type TdsSession } from '../backend.ts'
import { collationBytes } from './collation.ts'
import { type Login7, readLogin7 } from './login7.ts'
import { readMessage } from './message.ts'
import type { Packet } from './packets.ts'
import { agreeOnEncryption, makePrelogin, readPreloginEncryption } from './prelogin.ts'
import { DONE, PACKET, TdsProtocolError, TOKEN } from './protocol.ts'
import { createResponse } from './response.ts'
import {
  ENVIRONMENT,
  loginAckVersion,
  writeDatabase,
  writeDone,
  writeEnvironment,
  writeLoginAck,
  writeMessage,
} from './tokens.ts'
import type { Transport } from './transport.ts'

const FIRST_PACKET_SIZE = 4096
const LOGIN_FAILED_SEVERITY = 14
const TDS_8 = 0x0800_0000

export interface LoggedIn {
  readonly login: Login7
  readonly session: TdsSession
}

/** PRELOGIN, TLS, LOGIN7. Undefined when the client left, or its login was refused. */
export async function shakeHands(options: {
  readonly transport: Transport
  readonly backend: TdsBackend
  readonly encryption: 'off' | 'offered' | 'required'
  readonly onFailure: (error: Error) => void
}): Promise<LoggedIn | undefined> {
  const { transport } = options
  let packet = await transport.packets.next()
  if (packet?.type === PACKET.prelogin) {
    const asked = readPreloginEncryption(await readMessage(packet, transport.packets))
    const isStrict = transport.encryption === 'strict'
    const { answer, encryption } = agreeOnEncryption(asked, isStrict ? 'off' : options.encryption)
    const response = createResponse(transport, FIRST_PACKET_SIZE)
    response.writer.bytes(makePrelogin(answer))
    // The client's first word of TLS may come right after the answer.
    const answered = response.end()
    if (encryption === 'login' || encryption === 'all') transport.startTls(encryption)
    await answered
    packet = await transport.packets.next()
  }
  // A client that wants encryption which this server has not, or the other way round, leaves now.
  if (packet === undefined) return undefined
  expectLogin(packet)
  const login = readLogin7(await readMessage(packet, transport.packets))
  return logIn(login, options)
}

function expectLogin(packet: Packet): void {
  if (packet.type !== PACKET.login7) {
    throw new TdsProtocolError(`a packet of type ${packet.type} came instead of LOGIN7`)
  }
}

async function logIn(
  login: Login7,
  options: {
    readonly transport: Transport
    readonly backend: TdsBackend
    readonly onFailure: (error: Error) => void
  },
): Promise<LoggedIn | undefined> {
  const { version } = login
  const response = createResponse(options.transport, FIRST_PACKET_SIZE)
  const { writer } = response
  let session: TdsSession
  try {
    const { user, password, database, application, host } = login
    session = await options.backend.login({ user, password, database, application, host })
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const isRefusal = error instanceof TdsLoginError
    if (!isRefusal) options.onFailure(error)
    const number = isRefusal ? error.number : 50_000
    writeMessage(
      writer,
      TOKEN.error,
      { number, severity: LOGIN_FAILED_SEVERITY, message: error.message },
      version,
    )
    writeDone(writer, TOKEN.done, { status: DONE.error }, version)
    await response.end()
    return undefined
  }
  writeDatabase(writer, session.database, 'master', version)
  writeEnvironment(writer, ENVIRONMENT.collation, collationBytes('cp1252'), Buffer.alloc(0))
  writeEnvironment(writer, ENVIRONMENT.language, 'us_english', '')
  writeMessage(
    writer,
    TOKEN.info,
    { number: 5703, severity: 0, message: 'Changed language setting to us_english.' },
    version,
  )
  writeLoginAck(writer, login.clientVersion === TDS_8 ? TDS_8 : loginAckVersion[version])
  if (login.wantsUtf8) writer.bytes(UTF8_SUPPORTED)
  writeEnvironment(writer, ENVIRONMENT.packetSize, String(login.packetSize), String(FIRST_PACKET_SIZE))
  writeDone(writer, TOKEN.done, { status: 0 }, version)
  await response.end()
  return { login, session }
}

const UTF8_SUPPORTED = Buffer.from([TOKEN.featureExtAck, 0x0a, 1, 0, 0, 0, 1, 0xff])
