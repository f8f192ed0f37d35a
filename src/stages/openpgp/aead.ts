import { decrypt, readMessage } from 'openpgp'
import { abortReason, LifeboatError, messageOf } from '../../core/errors.ts'
import type { ByteReader } from '../byte-reader.ts'
import { damaged } from '../decode-through.ts'
import { OPENPGP_WHAT } from './packets.ts'
import type { SessionKey } from './secret-keys.ts'

/** Newer AEAD messages, which lifeboat never writes: openpgp.js decrypts and authenticates them piece by piece. */
export async function* decryptAead(
  reader: ByteReader,
  sessionKey: SessionKey,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let failure: { readonly thrown: unknown } | undefined
  const source = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (await reader.atEnd()) controller.close()
        else controller.enqueue(Uint8Array.from(await reader.some(Number.MAX_SAFE_INTEGER)))
      } catch (thrown) {
        failure = { thrown }
        controller.error(thrown)
      }
    },
  })
  try {
    const message = await readMessage({ binaryMessage: source, config: { enforceGrammar: false } })
    const { data } = await decrypt({
      message,
      sessionKeys: [{ data: sessionKey.data, algorithm: sessionKey.algorithm ?? 'aes256' }],
      format: 'binary',
    })
    yield* data as unknown as AsyncIterable<Uint8Array>
  } catch (thrown) {
    if (failure !== undefined) throw failure.thrown
    if (signal.aborted) throw abortReason(signal)
    if (thrown instanceof LifeboatError) throw thrown
    throw damaged(OPENPGP_WHAT, messageOf(thrown))
  }
}
