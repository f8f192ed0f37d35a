import { runRestore } from '../../src/app/restore.ts'
import { runVerify } from '../../src/app/verify.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { once } from '../../src/core/bytes.ts'
import { systemClock } from '../../src/core/clock.ts'
import { toLifeboatError } from '../../src/core/errors.ts'
import type { Sink } from '../../src/core/sink.ts'
import { JOB } from './check-place.ts'
import type { ChaosKeys } from './keys.ts'
import type { ChaosPlan } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import { createRecordingEngine } from './recording-engine.ts'
import type { SourceState } from './source.ts'
import type { Violations } from './violations.ts'

export interface PlaceToForge {
  readonly plan: ChaosPlan
  readonly sink: Sink
  readonly keys: ChaosKeys
  readonly ids: readonly string[]
  readonly contentOf: (id: string) => SourceState | undefined
  readonly violations: Violations
}

const { signal } = new AbortController()
const REFUSED = ['integrity', 'signature', 'sink-not-found', 'unsupported']

/** Tampers with one backup as a bucket writer would, at random; neither verify nor restore may take it. */
export async function forgeAndCheck(place: PlaceToForge): Promise<void> {
  const { plan, sink, keys, ids, violations } = place
  const random = createRandom(`${plan.dice}/forge`)
  const id = ids[random.int(0, ids.length - 1)]
  if (id === undefined) return
  const forged = await tamper(place, id, random)
  if (forged === undefined) return
  const content = place.contentOf(forged.contentOf)
  const engine = createRecordingEngine(content?.tables)
  const common = {
    sink,
    job: JOB,
    id: forged.id,
    decoders: keys.decoders,
    ...(plan.signed && { trust: keys.trust }),
    clock: systemClock,
    onEvent: () => undefined,
  }
  const restore = { engine, replace: false, alongside: false, sameServerOk: false, jobs: 1 }
  const refusals = {
    verify: await refusalOf(runVerify({ ...common, deep: true }, signal)),
    restore: await refusalOf(runRestore({ ...common, ...restore }, signal)),
  }
  for (const [verb, code] of Object.entries(refusals)) {
    violations.expect(REFUSED.includes(code), `${verb} of a backup with ${forged.what} ended with '${code}'`)
  }
  for (const [name, fed] of engine.fed) {
    const data = content?.parts.find((part) => part.name === name)?.data ?? Buffer.alloc(0)
    const isTrue = data.subarray(0, fed.length).equals(fed)
    violations.expect(isTrue, `a restore of a backup with ${forged.what} fed foreign bytes as '${name}'`)
  }
}

async function refusalOf(running: Promise<unknown>): Promise<string> {
  try {
    await running
    return 'success'
  } catch (thrown) {
    return toLifeboatError(thrown).code
  }
}

interface Forged {
  readonly what: string
  /** Undefined means the newest. */
  readonly id: string | undefined
  readonly contentOf: string
}

async function tamper(
  { plan, sink, keys, ids }: PlaceToForge,
  id: string,
  random: Random,
): Promise<Forged | undefined> {
  const other = ids.find((each) => each !== id)
  const manifest = layout.manifest(JOB, id)
  const data = await keysBelow(sink, layout.dataOf(JOB, id))
  const victim = data[random.int(0, data.length - 1)] as string
  const read = async (key: string) => {
    const info = await sink.stat(key, signal)
    return info === undefined
      ? Buffer.alloc(0)
      : Buffer.from(await sink.read(key, { offset: 0, bytes: info.bytes }, signal))
  }
  const write = (key: string, bytes: Uint8Array) => sink.write(key, once(bytes), { signal })
  const replaced = async (key: string, what: string, change: (bytes: Buffer) => Uint8Array) => {
    const before = await read(key)
    const bytes = change(before)
    if (before.equals(bytes)) return undefined
    await write(key, bytes)
    return { what: `${what} (${key})`, id, contentOf: id }
  }
  const flip = (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) {
      const at = random.int(0, copy.length - 1)
      copy[at] = (copy[at] ?? 0) ^ (1 << random.int(0, 7))
    }
    return copy
  }
  const cut = (bytes: Buffer) => bytes.subarray(0, random.int(0, Math.max(0, bytes.length - 1)))
  const ways: [() => Promise<Forged | undefined>, ...(() => Promise<Forged | undefined>)[]] = [
    () => replaced(victim, 'a flipped bit', flip),
    () => replaced(victim, 'a cut object', cut),
    () => replaced(victim, 'a longer object', (bytes) => Buffer.concat([bytes, Buffer.of(0)])),
    async () => {
      await sink.delete([victim], signal)
      return { what: `a missing object (${victim})`, id, contentOf: id }
    },
  ]
  if (other !== undefined) {
    const bytes = await read(victim.replace(id, other))
    if (bytes.length > 0) ways.push(() => replaced(victim, 'an object of another backup', () => bytes))
    ways.push(async () => replaced(manifest, 'the manifest of another', () => otherManifest))
  }
  const otherManifest = other === undefined ? Buffer.alloc(0) : await read(layout.manifest(JOB, other))
  if (plan.signed) {
    const signature = layout.signature(JOB, id)
    ways.push(
      () => replaced(manifest, 'a flipped bit in its manifest', flip),
      () => replaced(manifest, 'a cut manifest', cut),
      () => replaced(signature, 'a cut signature', (bytes) => bytes.subarray(0, bytes.length >> 1)),
      async () => {
        const forgery = await keys.stranger.sign(await read(manifest), signal)
        return replaced(signature, "a stranger's signature", () => forgery)
      },
      async () => {
        await sink.delete([signature], signal)
        return { what: 'no signature', id, contentOf: id }
      },
      async () => {
        const newer = '20991231T235959Z-zzzz'
        for (const key of [...data, signature, manifest]) await write(key.replace(id, newer), await read(key))
        return { what: 'the id of a newer one', id: undefined, contentOf: id }
      },
    )
  }
  return random.pick(ways)()
}

async function keysBelow(sink: Sink, prefix: string): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { key } of sink.list(prefix, signal)) keys.push(key)
  return keys
}
