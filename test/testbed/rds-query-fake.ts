import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GetRoleCommandOutput, SimulatePrincipalPolicyCommandOutput } from '@aws-sdk/client-iam'
import type * as Rds from '@aws-sdk/client-rds'
import type { GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts'
import { queryAnswer, queryError } from './query-xml.ts'

/** What the SDK says that each call answers: a shape that is not AWS's does not compile. */
interface Outputs {
  CopyDBSnapshot: Rds.CopyDBSnapshotCommandOutput
  CreateDBCluster: Rds.CreateDBClusterCommandOutput
  CreateDBInstance: Rds.CreateDBInstanceCommandOutput
  CreateDBInstanceReadReplica: Rds.CreateDBInstanceReadReplicaCommandOutput
  DescribeAccountAttributes: Rds.DescribeAccountAttributesCommandOutput
  DescribeDBClusterEndpoints: Rds.DescribeDBClusterEndpointsCommandOutput
  DescribeDBClusters: Rds.DescribeDBClustersCommandOutput
  DescribeDBEngineVersions: Rds.DescribeDBEngineVersionsCommandOutput
  DescribeDBInstanceAutomatedBackups: Rds.DescribeDBInstanceAutomatedBackupsCommandOutput
  DescribeDBInstances: Rds.DescribeDBInstancesCommandOutput
  DescribeDBParameterGroups: Rds.DescribeDBParameterGroupsCommandOutput
  DescribeDBParameters: Rds.DescribeDBParametersCommandOutput
  DescribeDBSnapshots: Rds.DescribeDBSnapshotsCommandOutput
  DescribeGlobalClusters: Rds.DescribeGlobalClustersCommandOutput
  DescribeOptionGroups: Rds.DescribeOptionGroupsCommandOutput
  DescribeOrderableDBInstanceOptions: Rds.DescribeOrderableDBInstanceOptionsCommandOutput
  FailoverGlobalCluster: Rds.FailoverGlobalClusterCommandOutput
  GetCallerIdentity: GetCallerIdentityCommandOutput
  GetRole: GetRoleCommandOutput
  ModifyOptionGroup: Rds.ModifyOptionGroupCommandOutput
  PromoteReadReplica: Rds.PromoteReadReplicaCommandOutput
  RestoreDBInstanceToPointInTime: Rds.RestoreDBInstanceToPointInTimeCommandOutput
  SimulatePrincipalPolicy: SimulatePrincipalPolicyCommandOutput
  StartDBInstanceAutomatedBackupsReplication: Rds.StartDBInstanceAutomatedBackupsReplicationCommandOutput
  StopDBInstanceAutomatedBackupsReplication: Rds.StopDBInstanceAutomatedBackupsReplicationCommandOutput
  SwitchoverGlobalCluster: Rds.SwitchoverGlobalClusterCommandOutput
}
export type QueryAction = keyof Outputs
export type QueryResult<Action extends QueryAction> = Omit<Outputs[Action], '$metadata'>

/** Instead of a result. */
export type QueryFault =
  | { readonly code: string; readonly message?: string; readonly status?: number }
  /** Whatever a proxy, a load balancer or a captive portal says. */
  | { readonly body: string; readonly status: number }
  /** Takes the request, and never says a word. */
  | 'stall'
  /** Takes the request, and closes the connection. */
  | 'reset'
  /** Sends the head of the answer and half of its body, then closes. */
  | 'cut'
  /** Sends an answer a space at a time, and never comes to its end. */
  | 'drip'

export interface QueryCall {
  readonly action: string
  readonly input: Readonly<Record<string, string>>
  /** Which region signed for it. */
  readonly region: string
  readonly accessKeyId: string
}

export interface QueryFake extends AsyncDisposable {
  readonly endpoint: string
  /** In the order in which they came. */
  readonly calls: readonly QueryCall[]
  on<Action extends QueryAction>(
    action: Action,
    answer: (call: QueryCall) => { readonly result: QueryResult<Action> } | QueryFault,
  ): void
  /** For all actions that have no answer of their own. */
  onAll(fault: (call: QueryCall) => QueryFault): void
}

/** AWS's query protocol as RDS, STS and IAM speak it, for what no fake of AWS has: tests say what each call answers. */
export async function startQueryFake(): Promise<QueryFake> {
  const calls: QueryCall[] = []
  const answers = new Map<string, (call: QueryCall) => { readonly result: object } | QueryFault>()
  let otherwise = ({ action }: QueryCall): QueryFault => ({
    code: 'InvalidAction',
    message: `no test says what ${action} answers`,
  })

  async function answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const input = Object.fromEntries(new URLSearchParams(await textOf(from)))
    const scope = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(from.headers.authorization ?? '')
    const call = {
      action: input.Action ?? '',
      input,
      region: scope?.[2] ?? '',
      accessKeyId: scope?.[1] ?? '',
    }
    calls.push(call)
    const said = (answers.get(call.action) ?? otherwise)(call)
    if (said === 'stall') return
    if (said === 'reset') {
      from.socket.resetAndDestroy()
    } else if (said === 'cut') {
      const whole = queryAnswer(call.action, {})
      to.writeHead(200, { 'content-type': 'text/xml', 'content-length': whole.length })
      to.write(whole.slice(0, whole.length >> 1), () => from.socket.resetAndDestroy())
    } else if (said === 'drip') {
      to.writeHead(200, { 'content-type': 'text/xml' })
      const drops = setInterval(() => to.write(' '), 50)
      to.on('close', () => clearInterval(drops))
    } else if ('result' in said) {
      reply(to, 200, queryAnswer(call.action, said.result))
    } else if ('body' in said) {
      reply(to, said.status, said.body, 'text/html')
    } else {
      reply(to, said.status ?? 400, queryError(said.code, said.message ?? said.code))
    }
  }

  const server = createServer((from, to) => {
    // Who asked may be gone before the answer: that is what some tests are about.
    from.on('error', () => undefined)
    answer(from, to).catch(() => to.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    on(action, said) {
      answers.set(action, said)
    },
    onAll(fault) {
      otherwise = fault
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function textOf(from: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of from) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function reply(to: ServerResponse, status: number, body: string, type = 'text/xml'): void {
  to.writeHead(status, { 'content-type': type })
  to.end(body)
}
