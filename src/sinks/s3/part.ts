import { LifeboatError } from '../../core/errors.ts'
import { type ChecksumFields, type ChecksumName, fieldsOf, isMd5ETag, md5Of, valueIn } from './checksum.ts'
import { failureName, failureStatus, isNotImplemented } from './explain.ts'
import type { Place } from './place.ts'

/** What goes with the bytes of a request so that the place can prove that it got them. */
export interface Proof extends ChecksumFields {
  ContentMD5?: string
  ChecksumAlgorithm?: ChecksumName
}

interface Answer extends ChecksumFields {
  ETag?: string | undefined
}

export interface Proven<A> {
  readonly answer: A
  /** The checksum that the place confirmed; undefined where Content-MD5 or the ETag was the proof. */
  readonly checksum: string | undefined
}

/**
 * Sends bytes so that their arrival is proven: by a checksum that the place computes and repeats in its answer, or,
 * where it knows no checksums, by an ETag that is the MD5, or by Content-MD5, S3's oldest check, which the place must
 * compare before it says 200. What it turns out to know is learned for the requests to come.
 */
export async function sendProven<A extends Answer>(
  place: Place,
  { bytes, sum }: { bytes: Buffer; sum?: string | undefined },
  send: (proof: Proof) => Promise<A>,
): Promise<Proven<A>> {
  const { checksum } = place.learned
  if (checksum === undefined) return byMd5(bytes, send)
  const sent = sum ?? (await checksum.of(bytes))
  let answer: A
  try {
    // Ceph (20.2) looks at the checksum of a PutObject only if the algorithm is named beside it.
    answer = await send({ ...fieldsOf(checksum, sent), ChecksumAlgorithm: checksum.name })
  } catch (thrown) {
    if (!mayDislikeChecksums(place, thrown)) throw thrown
    const proven = await byMd5(bytes, send)
    // Only now it is known that the checksum was what it disliked.
    place.learned.checksum = undefined
    return proven
  }
  const confirmed = valueIn(checksum, answer)
  if (confirmed === sent) return { answer, checksum: sent }
  if (confirmed !== undefined) throw mismatch(place, `${checksum.name} ${confirmed} instead of ${sent}`)
  if (mustAttest(place)) {
    throw new LifeboatError(
      'unsupported',
      `unable to write to sink '${place.name}': it confirms no checksums`,
      {
        hint: 'Take checksum= out of the sink URL: lifeboat then proves the bytes by their MD5.',
      },
    )
  }
  place.learned.checksum = undefined
  if (isMd5ETag(answer.ETag, bytes)) return { answer, checksum: undefined }
  return byMd5(bytes, send)
}

async function byMd5<A extends Answer>(
  bytes: Buffer,
  send: (proof: Proof) => Promise<A>,
): Promise<Proven<A>> {
  return { answer: await send({ ContentMD5: md5Of(bytes).toString('base64') }), checksum: undefined }
}

/** What S3-compatibles say of `x-amz-checksum-…` and `x-amz-sdk-checksum-algorithm` headers that they don't know. */
export function mayDislikeChecksums(place: Place, thrown: unknown): boolean {
  if (place.learned.checksum === undefined || mustAttest(place)) return false
  return (
    isNotImplemented(thrown) ||
    (failureStatus(thrown) === 400 &&
      /^(InvalidRequest|InvalidArgument|MalformedXML)$/.test(failureName(thrown)))
  )
}

/** A checksum that was asked for by name is not silently done without. */
export function mustAttest(place: Place): boolean {
  const choice = place.location.checksum ?? 'auto'
  return choice !== 'auto' && choice !== 'off'
}

export function mismatch(place: Place, what: string): LifeboatError {
  return new LifeboatError('integrity', `unable to trust sink '${place.name}': it stored ${what}`, {
    hint: 'Nothing of it was kept: look for a proxy or failing hardware between here and the bucket, then run again.',
  })
}
