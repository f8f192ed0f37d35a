import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { systemClock } from '../../../src/core/clock.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import { readLog } from '../../../src/engines/oracle/job.ts'
import { readJobLog } from '../../../src/engines/oracle/job-log.ts'
import { createPackageRunner } from '../../../src/engines/oracle/job-runner.ts'
import { namesOfRun } from '../../../src/engines/oracle/pieces.ts'
import type { TableExistsAction } from '../../../src/engines/oracle/url-options.ts'
import type { ScriptedOracle } from './server.ts'

export interface ClientRelay extends AsyncDisposable {
  readonly commands: Readonly<Record<'expdp' | 'impdp', readonly [string, ...string[]]>>
}

const TOOL = join(import.meta.dirname, '../../fixtures/tools/expdp-relay.ts')

/** Lets test/fixtures/tools/expdp-relay.ts run jobs at played servers, by nothing but its parameter file and tnsnames.ora. */
export async function startClientRelay(
  serverAt: (host: string) => ScriptedOracle | undefined,
): Promise<ClientRelay> {
  const stop = new AbortController()
  const server = createServer(async (request, response) => {
    const order = JSON.parse(await readText(request)) as { tool: string; names: string; parameters: string }
    const answer = await runJob(serverAt, order, stop.signal)
    response.end(JSON.stringify(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    commands: {
      expdp: [process.execPath, TOOL, address, 'expdp'],
      impdp: [process.execPath, TOOL, address, 'impdp'],
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      server.closeAllConnections()
      server.close()
    },
  }
}

async function runJob(
  serverAt: (host: string) => ScriptedOracle | undefined,
  { tool, names, parameters }: { readonly tool: string; readonly names: string; readonly parameters: string },
  signal: AbortSignal,
): Promise<{ readonly code: number; readonly text: string }> {
  const given = new Map(parameters.split('\n').map((line) => splitOnce(line)))
  const get = (name: string) => given.get(name) ?? ''
  try {
    const oracle = serverAt(/\(HOST=([^)]+)\)/.exec(names)?.[1] ?? '')
    const [, user, password] = /^(\w+)\/"(.*)"@LIFEBOAT$/.exec(get('userid')) ?? []
    if (oracle === undefined || user === undefined) throw new Error('UDE-12154: ORA-12154: no such server')
    const source = oracle.source({ user, password: async () => new Secret(password ?? '') })
    await using connection = await source.open(signal)
    const run = namesOfRun(get('logfile').replace(/\.log$/, ''))
    const order = {
      names: { ...run, job: get('job_name'), pieces: get('dumpfile') },
      directory: get('directory'),
      mode: given.has('tables') ? ('TABLE' as const) : ('SCHEMA' as const),
      schemas: given.has('tables')
        ? [...new Set(listOf(get('tables')).map(([schema = '']) => schema))]
        : listOf(get('schemas')).map(([schema = '']) => schema),
      tables: given.has('tables')
        ? listOf(get('tables')).map(([schema = '', table = '']) => ({ schema, table }))
        : [],
      parallel: Number(given.get('parallel') ?? 1),
    }
    const { errors } =
      tool === 'expdp'
        ? await createPackageRunner(systemClock).export(
            connection,
            {
              ...order,
              scn: get('flashback_scn'),
              pieceBytes: Number(get('filesize')),
              version: get('version'),
              tolerated: new Set(),
            },
            undefined,
            signal,
          )
        : await createPackageRunner(systemClock).import(
            connection,
            {
              ...order,
              tableExistsAction: get('table_exists_action') as TableExistsAction,
              remapSchemas: pairsOf(get('remap_schema')),
              remapTablespaces: pairsOf(get('remap_tablespace')),
            },
            undefined,
            signal,
          )
    const log = Buffer.from(await readLog(connection, order.directory, run, systemClock, signal)).toString(
      'utf8',
    )
    const failed = errors > 0 || readJobLog(log, run.run).errors.length > 0
    return { code: failed ? 5 : 0, text: log }
  } catch (thrown) {
    return { code: 1, text: `UDE-00001: ${messageOf(thrown)}` }
  }
}

function splitOnce(line: string): readonly [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** `A,'"Odd, name"',S.T`: each by its steps. */
function listOf(text: string): readonly (readonly string[])[] {
  return (text.match(/'[^']*'|[^,]+/g) ?? []).map((item) =>
    (item.replace(/^'(.*)'$/, '$1').match(/"[^"]*"|[^.]+/g) ?? []).map((step) => step.replaceAll('"', '')),
  )
}

function pairsOf(text: string): ReadonlyMap<string, string> {
  const names = (text.match(/'[^']*'|[^,:]+/g) ?? []).map((name) => name.replace(/^'"(.*)"'$/, '$1'))
  return new Map(
    names.flatMap((name, index) => (index % 2 === 0 ? [[name, names[index + 1] ?? ''] as const] : [])),
  )
}
