import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { chooseTool } from '../../../../src/engines/sqlserver/choose-tool.ts'

const { signal } = new AbortController()

let store: string
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'lifeboat-choose-'))
  await writeFile(
    join(store, 'server.json'),
    JSON.stringify({ user: 'sa', password: 'right', rows: 0, bad: 0 }),
  )
})
afterEach(() => rm(store, { recursive: true }))

async function choose(tool: 'auto' | 'driver' | 'bcp' | 'freebcp', password: string, installed = true) {
  const warnings: string[] = []
  const bcp = [
    process.execPath,
    'test/fixtures/tools/fake-bcp.ts',
    '--store',
    store,
    '--behaviour',
    '',
  ] as const
  const chosen = await chooseTool(
    {
      options: { tool },
      context: { searchPath: '', ...(installed && { commands: { bcp } }) },
      server: {
        url: parseDatabaseUrl('sqlserver://sa@db.example.test?tls=require'),
        address: { host: 'db.example.test', address: '10.0.0.7', port: 1433, user: 'sa' },
        trust: undefined,
        password: async () => new Secret(password),
      },
      warnings,
    },
    signal,
  )
  return { chosen: chosen?.name, warnings }
}

describe('chooseTool', () => {
  it('takes bcp unasked where it is there and gets in', async () => {
    expect(await choose('auto', 'right')).toEqual({ chosen: 'bcp', warnings: [] })
  })

  it('leaves it to the driver where bcp is not there, or not wanted', async () => {
    expect(await choose('auto', 'right', false)).toEqual({ chosen: undefined, warnings: [] })
    expect(await choose('driver', 'right')).toEqual({ chosen: undefined, warnings: [] })
  })

  it('leaves it to the driver, and says why, where bcp does not get in', async () => {
    const { chosen, warnings } = await choose('auto', 'wrong')
    expect(chosen).toBeUndefined()
    expect(warnings).toEqual([
      expect.stringMatching(/^bcp is installed, but the driver reads the rows: .*Login failed/s),
    ])
  })

  it('takes what is named, and nothing else in its place', async () => {
    expect(await choose('bcp', 'wrong')).toEqual({ chosen: 'bcp', warnings: [] })
    await expect(choose('freebcp', 'right')).rejects.toMatchObject({ code: 'tool-missing' })
  })
})
