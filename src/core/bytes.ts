/** A stream of bytes. Back-pressure, errors and cancellation are those of the language's async iteration. */
export type Bytes = AsyncIterable<Uint8Array>

/** Reads a stream to its end. For small objects only: manifests, indexes, contents. */
export async function collect(bytes: Bytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A stream of one piece. */
export async function* once(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  if (piece.length > 0) yield piece
}
