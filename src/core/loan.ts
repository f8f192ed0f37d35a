/**
 * Memory that its producer reads into again as soon as it is given back. A fresh buffer for every read costs more than
 * the read: the pages, the cache that they push out, and V8, which collects all garbage for each 64 MiB of them.
 *
 * - Whoever has consumed a lent piece (copied it, say) gives it back; nobody has to, it is then garbage like any other.
 * - What was handed on may be given back at once: a transform looks at a piece before it yields it, never afterwards.
 * - Only the very object that was lent can be given back, so that of a piece which was cut no half takes all.
 */
const loans = new WeakMap<Uint8Array, () => void>()

/** `onReturn` is called once at most. */
export function lend(piece: Uint8Array, onReturn: () => void): void {
  loans.set(piece, onReturn)
}

/** Nothing happens to a piece that was not lent. */
export function giveBack(piece: Uint8Array): void {
  const onReturn = loans.get(piece)
  loans.delete(piece)
  onReturn?.()
}
