import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseS3SinkUrl } from '../../../../src/sinks/s3/index.ts'
import { toS3SinkUrl } from '../../../../src/sinks/s3/url.ts'

describe('parseS3SinkUrl', () => {
  test('reads a bucket alone', () => {
    expect(parseS3SinkUrl('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '' })
    expect(parseS3SinkUrl('s3://bucket/')).toEqual({ bucket: 'bucket', prefix: '' })
  })

  test('reads every option', () => {
    const url =
      's3://b.u-ket/some/prefix/?region=eu-west-3&endpoint=s3.example.com:9000&path-style=true&tls-ca=/etc/ca.pem&sse=kms' +
      '&kms-key=arn:aws:kms:eu-west-3:1:key/x&max-parts=1000&profile=dr&storage-class=glacier_ir&checksum=sha256&exclusive-create=false'
    expect(parseS3SinkUrl(url)).toEqual({
      bucket: 'b.u-ket',
      prefix: 'some/prefix',
      region: 'eu-west-3',
      endpoint: 'https://s3.example.com:9000',
      pathStyle: true,
      tlsCa: '/etc/ca.pem',
      sse: 'kms',
      kmsKey: 'arn:aws:kms:eu-west-3:1:key/x',
      maxParts: 1000,
      profile: 'dr',
      storageClass: 'GLACIER_IR',
      checksum: 'sha256',
      exclusiveCreate: false,
    })
  })

  test('a KMS key means KMS', () => {
    expect(parseS3SinkUrl('s3://bucket?kms-key=alias/x')).toMatchObject({ sse: 'kms', kmsKey: 'alias/x' })
  })

  test.for<[string, RegExp, RegExp]>([
    ['s3:/bucket', /does not start/, /s3:\/\/bucket/],
    ['s3://', /no bucket/, /s3:\/\/bucket/],
    ['s3:///prefix', /no bucket/, /./],
    ['s3://key:secret@bucket', /user/, /credentials/i],
    ['s3://-bucket', /not a bucket/, /./],
    ['s3://bucket?regoin=x', /no option 'regoin'/, /'region'/],
    ['s3://bucket?KMSKEY=x', /no option 'KMSKEY'/, /'kms-key'/],
    ['s3://bucket?path_style=true', /no option/, /'path-style'/],
    ['s3://bucket?region=a&region=b', /twice/, /./],
    ['s3://bucket?region=', /no value/, /./],
    ['s3://bucket?path-style=yes', /not one of true, false/, /./],
    ['s3://bucket?sse=aes', /not one of kms, s3/, /./],
    ['s3://bucket?sse=s3&kms-key=x', /kms-key/, /./],
    ['s3://bucket?max-parts=0', /between 1 and 10000/, /./],
    ['s3://bucket?max-parts=10001', /between 1 and 10000/, /./],
    ['s3://bucket?max-parts=1e3', /between/, /./],
    ['s3://bucket?storage-class=DEEP_ARCHIVE', /hours/, /GLACIER_IR/],
    ['s3://bucket?checksum=md5', /not one of auto/, /./],
    ['s3://bucket?endpoint=ftp://x', /not an address/, /https/],
    ['s3://bucket?endpoint=https://u:p@x', /not an address/, /https/],
    ['s3://bucket?endpoint=http://x&tls-ca=/ca.pem', /https/, /./],
    ['s3://bucket/a#b', /'#'/, /%23/],
    ['s3://bucket/%zz', /percent/, /./],
  ])('refuses %s', ([url, message, hint]) => {
    expect(() => parseS3SinkUrl(url)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    )
  })

  test.for([
    's3://bucket',
    's3://bucket/db?region=eu-central-1&sse=kms&kms-key=alias/dr',
    's3://bucket/a%20b?region=us-east-1&endpoint=http://127.0.0.1:9000&path-style=true&max-parts=100&profile=x',
    's3://bucket?endpoint=https://s3.example&tls-ca=/etc/ca.pem&storage-class=STANDARD_IA&checksum=off&exclusive-create=false',
  ])('is written again as it was: %s', (url) => {
    expect(toS3SinkUrl(parseS3SinkUrl(url))).toBe(url)
  })

  test('gives every prefix back as it was', () => {
    const step = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('/'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), (steps) => {
        const url = `s3://bucket/${steps.map(encodeURIComponent).join('/')}`
        expect(parseS3SinkUrl(url).prefix).toBe(steps.join('/'))
      }),
    )
  })
})
