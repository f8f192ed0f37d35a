import { describe, expect, test } from 'vitest'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { explainS3Failure } from '../../../../src/sinks/s3/explain.ts'

const deed = { verb: 'write', noun: 'object', name: 'job/data/1' } as const
const location = { bucket: 'bucket', prefix: '', region: 'eu-west-3', kmsKey: 'alias/dr' }

const explain = (failure: object, message = 'no') =>
  explainS3Failure(Object.assign(new Error(message), failure), deed, location)

describe('explainS3Failure', () => {
  test.for<[object, string, string, RegExp]>([
    [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'no', 'sink-denied', /s3:PutObject/],
    [{ name: 'AccessDenied' }, 'not authorized to perform kms:GenerateDataKey', 'sink-denied', /alias\/dr/],
    [{ name: 'KMS.DisabledException' }, 'no', 'sink-denied', /alias\/dr/],
    [{ name: 'KMS.NotFoundException' }, 'no', 'sink-denied', /alias\/dr/],
    [{ name: 'ExpiredToken', $metadata: { httpStatusCode: 400 } }, 'no', 'sink-denied', /expired/],
    [{ name: 'RequestTimeTooSkewed' }, 'no', 'sink-denied', /clock/],
    [{ name: 'NoSuchBucket' }, 'no', 'sink-not-found', /bucket/],
    [{ name: 'NoSuchKey' }, 'no', 'sink-not-found', /prefix/],
    [{ name: 'PreconditionFailed' }, 'no', 'sink-exists', /first/],
    [{ name: 'BadDigest' }, 'no', 'integrity', /changed/],
    [{ name: 'InvalidRange' }, 'no', 'integrity', /shorter/],
    [{ name: 'QuotaExceeded' }, 'no', 'sink-full', /room/],
    [{ name: 'X', $metadata: { httpStatusCode: 507 } }, 'no', 'sink-full', /room/],
    [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'no', 'sink-unavailable', /later/],
    [{ name: 'TimeoutError' }, 'no', 'sink-unavailable', /later/],
    [{ code: 'ENOTFOUND' }, 'getaddrinfo', 'sink-unavailable', /network/],
    [{ code: 'ECONNRESET' }, 'aborted', 'sink-unavailable', /network/],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'no', 'sink-denied', /tls-ca=FILE/],
    [{}, 'Region is missing', 'config', /region=/],
    [{ name: 'AuthorizationHeaderMalformed', Region: 'us-west-1' }, 'no', 'sink-denied', /region=us-west-1/],
    [{ name: 'PermanentRedirect' }, 'no', 'sink-denied', /another region/],
    [{ name: 'MalformedXML', $metadata: { httpStatusCode: 400 } }, 'no', 'unsupported', /options/],
  ])('%j, %s: %s', ([failure, message, code, hint]) => {
    const error = explain(failure, message)
    expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) })
    expect(error.message).toMatch(/^unable to write object 'job\/data\/1': /)
    expect(error.hint).toMatch(/\.$/)
  })

  test('does not blame the place for a defect of ours', () => {
    expect(explainS3Failure(new TypeError('x is not a function'), deed, location).code).toBe('internal')
  })

  test('leaves an error of ours as it is', () => {
    const error = new LifeboatError('integrity', 'x')
    expect(explainS3Failure(error, deed, location)).toBe(error)
  })
})
