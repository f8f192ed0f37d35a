import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import type { ClientName, ClientSetting } from '../../src/engines/oracle/expdp/client-access.ts'
import { CLIENT_OPTION_NAMES, readClientOptions } from '../../src/engines/oracle/expdp/client-options.ts'
import { readUrlOptions } from '../../src/engines/oracle/url-options.ts'

const TOOL = join(import.meta.dirname, '../fixtures/tools/oracle-client')

export interface ClientBed extends AsyncDisposable {
  readonly setting: ClientSetting
  /** What the stand-in left: `arguments`, `parameters`, `mode`, `language`, `tnsnames.ora`, `read`. */
  note(name: string): Promise<string>
  notes(): Promise<readonly string[]>
}

/** A setting whose tool is test/fixtures/tools/oracle-client, with a behaviour. */
export async function createClientBed(
  name: ClientName,
  behaviour: string,
  given: { readonly url?: string; readonly password?: string } = {},
): Promise<ClientBed> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-oracle-client-'))
  const url = parseDatabaseUrl(given.url ?? 'oracle://backup@db.test:1521/SHOP?tls=disable&schemas=HR')
  const password = new Secret(given.password ?? 'Tiger#1 of "x'.replaceAll('"', '='))
  return {
    setting: {
      url,
      options: readUrlOptions(url, CLIENT_OPTION_NAMES),
      client: readClientOptions(url),
      context: {
        password: async () => password,
        searchPath: '/nonexistent',
        commands: { [name]: [TOOL, behaviour, folder] },
      },
    },
    note: (file) => readFile(join(folder, file), 'utf8'),
    notes: () => readdir(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
