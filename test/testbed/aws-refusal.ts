import { type Listener, startListener } from './listener.ts'

export interface Refusal {
  /** As AWS names it: `Throttling`, `AccessDenied`. */
  readonly code: string
  readonly status: number
}

/** Says the same to whatever is asked, in the protocol of the service that it is asked of: what AWS says to one account. */
export function startAwsRefusal({ code, status }: Refusal): Promise<Listener> {
  return startListener(({ headers }, response) => {
    const json = headers['x-amz-target'] !== undefined
    const cbor = headers['smithy-protocol'] !== undefined
    if (json || cbor) {
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.1',
        'x-amzn-errortype': code,
        'x-amzn-requestid': 'refusal',
      })
      response.end(JSON.stringify({ __type: code, message: code }))
      return
    }
    response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': 'refusal' })
    response.end(xmlOf(headers.authorization ?? '', code))
  })
}

/** S3, EC2 and the rest each wrap it in their own way. */
function xmlOf(authorization: string, code: string): string {
  const error = `<Code>${code}</Code><Message>${code}</Message>`
  if (authorization.includes('/s3/aws4_request')) return `<Error>${error}</Error>`
  if (authorization.includes('/ec2/aws4_request'))
    return `<Response><Errors><Error>${error}</Error></Errors><RequestID>refusal</RequestID></Response>`
  return `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>refusal</RequestId></ErrorResponse>`
}
