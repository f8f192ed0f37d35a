import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createThinSource } from '../../../../src/engines/oracle/thin-connection.ts'
import { readUrlOptions } from '../../../../src/engines/oracle/url-options.ts'
import { failureOf } from '../../../conformance/engine-suite.ts'
import { type Certificates, makeCertificates } from '../../../testbed/certificates.ts'

const never = new AbortController().signal
const PASSWORD = 'n3ver-t0-be-seen'

interface Heard {
  readonly text: string
  readonly encrypted: boolean
  /** Subject of the certificate that the driver showed. */
  readonly client: string | undefined
}

/** A listener that hears the driver's first packet, and hangs up or says nothing. */
interface Listener {
  readonly port: number
  readonly heard: Promise<Heard>
}

describe('the thin driver, as it meets a listener', () => {
  let folder: string
  let own: Certificates
  let other: Certificates
  const servers: Server[] = []
  const sockets: Socket[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-thin-'))
    const folders = [await mkdtemp(join(folder, 'own-')), await mkdtemp(join(folder, 'other-'))] as const
    own = await makeCertificates(folders[0])
    other = await makeCertificates(folders[1])
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function listen(
    tls: Certificates | undefined,
    then: 'hangs up' | 'says nothing' = 'hangs up',
  ): Promise<Listener> {
    let tell: (heard: Heard) => void
    const heard = new Promise<Heard>((resolve) => {
      tell = resolve
    })
    const onSocket = (socket: Socket) => {
      sockets.push(socket)
      socket.on('error', () => socket.destroy())
      let text = ''
      socket.on('data', (data) => {
        text += data.toString('latin1')
        // The greeting of TLS, which is no packet of Oracle's.
        if (text.startsWith('\x16')) socket.destroy()
        // A long descriptor comes after its packet.
        if (!text.includes('CONNECT_DATA=')) return
        const secure = socket instanceof TLSSocket ? socket : undefined
        tell({ text, encrypted: secure !== undefined, client: secure?.getPeerX509Certificate()?.subject })
        if (then === 'hangs up') socket.destroy()
      })
    }
    const server =
      tls === undefined
        ? createServer(onSocket)
        : createTlsServer(
            {
              cert: await readFile(tls.certificateFile),
              key: await readFile(tls.keyFile),
              ca: await readFile(tls.caFile),
              requestCert: true,
              rejectUnauthorized: false,
            },
            onSocket,
          )
    server.on('connection', (socket) => sockets.push(socket))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return { port: address.port, heard }
  }

  async function open(text: string, signal = never) {
    const url = parseDatabaseUrl(text)
    const { sid, wallet } = readUrlOptions(url)
    const source = createThinSource(url, { password: async () => new Secret(PASSWORD), sid, wallet })
    try {
      return await failureOf(source.open(signal))
    } finally {
      await source[Symbol.asyncDispose]()
    }
  }

  test('tls=disable: says which service it wants, in the clear, and no password', async () => {
    const { port, heard } = await listen(undefined)
    const failure = await open(`oracle://app@127.0.0.1:${port}/PDB1?tls=disable`)
    expect((await heard).text).toContain('(SERVICE_NAME=PDB1)')
    expect((await heard).text).not.toContain(PASSWORD)
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toMatch(/\S/)
    expect(`${failure.message} ${failure.stack}`).not.toContain(PASSWORD)
  })

  test('sid= asks for a SID', async () => {
    const { port, heard } = await listen(undefined)
    await open(`oracle://app@127.0.0.1:${port}?tls=disable&sid=ORCL`)
    expect((await heard).text).toContain('(SID=ORCL)')
  })

  test('neither a service nor a SID: nobody is asked', async () => {
    const { port, heard } = await listen(undefined)
    const failure = await open(`oracle://app@127.0.0.1:${port}?tls=disable`)
    expect(failure).toMatchObject({ code: 'usage', hint: expect.stringContaining('/SERVICE') })
    expect(await Promise.race([heard, Promise.resolve('nothing')])).toBe('nothing')
  })

  test('no TLS where there is some says that port and tls= belong together', async () => {
    const { port } = await listen(own)
    const failure = await open(`oracle://app@127.0.0.1:${port}/PDB1?tls=disable`)
    expect(failure).toMatchObject({ code: 'engine-unreachable', hint: expect.stringContaining('tls=') })
  })

  test('verify-full with the right CA and name comes through, and shows no certificate of its own', async () => {
    const { port, heard } = await listen(own)
    await open(`oracle://app@127.0.0.1:${port}/PDB1?tls-ca=${own.caFile}`)
    expect(await heard).toEqual({
      text: expect.stringContaining('(SERVICE_NAME=PDB1)'),
      encrypted: true,
      client: undefined,
    })
  })

  test('wallet= shows the certificate that it holds', async () => {
    const wallet = await mkdtemp(join(folder, 'wallet-'))
    const files = [own.keyFile, own.certificateFile, own.caFile]
    await writeFile(
      join(wallet, 'ewallet.pem'),
      (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n'),
    )
    const { port, heard } = await listen(own)
    await open(`oracle://app@127.0.0.1:${port}/PDB1?tls-ca=${own.caFile}&wallet=${wallet}`)
    expect((await heard).client).toContain('localhost')
  })

  test.each([
    ['another CA', (port: number) => `127.0.0.1:${port}/PDB1?tls-ca=${other.caFile}`, /tls-ca=/],
    ['no CA that this machine trusts', (port: number) => `127.0.0.1:${port}/PDB1`, /tls-ca=/],
    [
      'a name that the certificate is not made for',
      (port: number) => `wrong.example.test:1521/PDB1?connect=127.0.0.1:${port}&tls-ca=${own.caFile}`,
      /not made for the host/,
    ],
  ])('%s is refused before anything is said', async (_what, address, hint) => {
    const { port, heard } = await listen(own)
    const failure = await open(`oracle://app@${address(port)}`)
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toMatch(hint)
    expect(await Promise.race([heard, Promise.resolve('nothing')])).toBe('nothing')
  })

  test('TLS where there is none says which port to give', async () => {
    const { port } = await listen(undefined)
    const failure = await open(`oracle://app@127.0.0.1:${port}/PDB1?tls-ca=${own.caFile}`)
    expect(failure.hint).toMatch(/tls=disable/)
  })

  test('connect= dials another address and verifies the host of the URL, whose name nobody has to know', async () => {
    const { port, heard } = await listen(own)
    await open(`oracle://app@db.example.test:1521/PDB1?connect=127.0.0.1:${port}&tls-ca=${own.caFile}`)
    expect((await heard).text).toContain('(SERVICE_NAME=PDB1)')
  })

  test('verify-ca does not look at the name', async () => {
    const { port, heard } = await listen(own)
    await open(
      `oracle://app@wrong.example.test:1521/PDB1?connect=127.0.0.1:${port}&tls-ca=${own.caFile}&tls=verify-ca`,
    )
    expect((await heard).text).toContain('(SERVICE_NAME=PDB1)')
  })

  test('a listener that says nothing is left at once when the run is aborted', async () => {
    const { port, heard } = await listen(undefined, 'says nothing')
    const stop = new AbortController()
    const failing = open(`oracle://app@127.0.0.1:${port}/PDB1?tls=disable`, stop.signal)
    await heard
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    expect((await failing).code).toBe('interrupted')
  })

  test('a URL without a user is refused', async () => {
    expect((await open('oracle://127.0.0.1/PDB1?tls=disable')).code).toBe('usage')
  })
})
