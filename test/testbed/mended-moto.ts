import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A call of RDS, as its query protocol has it. */
export interface SeenCall {
  /** `CopyDBSnapshot` */
  readonly action: string
  readonly region: string
  readonly status: number
}

export interface MendedMoto extends AsyncDisposable {
  readonly endpoint: string
  /** Of RDS alone, in the order in which they were answered. */
  readonly calls: readonly SeenCall[]
  /** Once it is carried out; its answer never arrives. */
  loseAnswer(action: string, struck: () => void): void
}

/**
 * An account of a moto, by itself. What moto departs in from AWS, and runbooks wait for, is mended on the way back: of a promoted
 * instance it goes on to name a source, of an instance's snapshot it tells no progress, and it knows neither offers nor quotas;
 * of a health check it forgets the alarm; and a record that was there once it does not take again, though the same batch deletes
 * what has its name.
 */
export async function startMendedMoto(moto: string, account: string): Promise<MendedMoto> {
  const calls: SeenCall[] = []
  const promoted = new Set<string>()
  const lost = new Map<string, () => void>()
  const alarms = new Map<string, string>()

  async function pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = await buffer(from)
    const [, region = '', service] =
      /\/\d{8}\/([^/]+)\/([^/]+)\//.exec(from.headers.authorization ?? '') ?? []
    const answer = await fetch(new URL(from.url ?? '/', moto), {
      method: from.method ?? 'POST',
      headers: { ...passedOn(from), 'x-moto-account-id': account },
      ...(body.length > 0 && {
        body: new Uint8Array(service === 'route53' ? Buffer.from(replacing(body.toString())) : body),
      }),
    })
    const { status } = answer
    let text = await answer.text()
    if (service === 'route53') text = withAlarms(text, body.toString(), alarms)
    if (service === 'rds') {
      const call = new URLSearchParams(body.toString())
      const action = call.get('Action') ?? ''
      const own = ANSWERS[action]?.(region, call.get('DBInstanceClass') ?? 'db.r6g.large')
      if (own !== undefined) {
        to.writeHead(200, { 'content-type': 'text/xml' }).end(answered(action, own))
        return
      }
      calls.push({ action, region, status })
      const of = (id: string | null | undefined) => `${region}/${id}`
      if (action === 'PromoteReadReplica' && status === 200)
        promoted.add(of(call.get('DBInstanceIdentifier')))
      text = mend(text, (id) => promoted.has(of(id)))
      const struck = status === 200 ? lost.get(action) : undefined
      if (struck !== undefined) {
        lost.delete(action)
        to.destroy()
        struck()
        return
      }
    }
    const headers = [...answer.headers].filter(([name]) => !HOP.has(name))
    to.writeHead(status, Object.fromEntries(headers)).end(text)
  }

  const server = createServer((from, to) => {
    pass(from, to).catch(() => to.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    loseAnswer: (action, struck) => lost.set(action, struck),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Which moto can not be asked. */
const ANSWERS: Readonly<Record<string, (region: string, instanceClass: string) => string>> = {
  DescribeAccountAttributes: () => '<AccountQuotas/>',
  DescribeOrderableDBInstanceOptions(region, instanceClass) {
    const zones = ['a', 'b', 'c'].map(
      (zone) => `<AvailabilityZone><Name>${region}${zone}</Name></AvailabilityZone>`,
    )
    const option = `<DBInstanceClass>${instanceClass}</DBInstanceClass><MultiAZCapable>true</MultiAZCapable><AvailabilityZones>${zones.join('')}</AvailabilityZones>`
    return `<OrderableDBInstanceOptions><OrderableDBInstanceOption>${option}</OrderableDBInstanceOption></OrderableDBInstanceOptions>`
  },
}

function answered(action: string, result: string): string {
  const name = 'http://rds.amazonaws.com/doc/2014-10-31/'
  return `<${action}Response xmlns="${name}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`
}

/** What belongs to a connection, or to a body as it was sent before it was read here. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding'])

function passedOn({ headers }: IncomingMessage): Record<string, string> {
  const taken = /^(authorization|content-type|x-amz.*|user-agent|accept)$/
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (taken.test(name) ? [[name, String(value)]] : [])),
  )
}

function mend(xml: string, isPromoted: (id: string | undefined) => boolean): string {
  return xml
    .replace(/<DBInstance>.*?<\/DBInstance>/gs, (instance) => {
      const [, id] = /<DBInstanceIdentifier>(.*?)</.exec(instance) ?? []
      return isPromoted(id)
        ? instance.replace(/<(ReadReplicaSourceDBInstanceIdentifier)>.*?<\/\1>/s, '')
        : instance
    })
    .replace(
      /<DBSnapshot>(?!.*?<PercentProgress>.*?<\/DBSnapshot>)/gs,
      '$&<PercentProgress>100</PercentProgress>',
    )
}

/** A batch that deletes a plain record, and creates one of its name, as moto takes it. */
function replacing(xml: string): string {
  const changes = /<Change>\s*<Action>(\w+)<\/Action>.*?<\/Change>/gs
  const nameOf = (change: string) => /<Name>(.*?)<\/Name>/.exec(change)?.[1]
  const isPlain = (change: string) => !change.includes('<SetIdentifier>')
  const gone = [...xml.matchAll(changes)].flatMap(([change, action]) =>
    action === 'DELETE' && isPlain(change) ? [nameOf(change)] : [],
  )
  return xml.replace(changes, (change, action) =>
    action === 'CREATE' && isPlain(change) && gone.includes(nameOf(change))
      ? change.replace('<Action>CREATE<', '<Action>UPSERT<')
      : change,
  )
}

function withAlarms(answer: string, request: string, alarms: Map<string, string>): string {
  const referenceOf = (xml: string) => /<CallerReference>(.*?)<\/CallerReference>/.exec(xml)?.[1] ?? ''
  const [alarm] = /<AlarmIdentifier>.*?<\/AlarmIdentifier>/s.exec(request) ?? []
  if (alarm !== undefined) alarms.set(referenceOf(request), alarm)
  return answer.replace(/<HealthCheck>.*?<\/HealthCheck>/gs, (check) =>
    check.replace('</HealthCheckConfig>', `${alarms.get(referenceOf(check)) ?? ''}$&`),
  )
}
