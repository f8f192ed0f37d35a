import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { collect } from '../../../../src/core/bytes.ts'
import { checkArchive } from '../../../../src/engines/postgres/archive-check.ts'
import { startPostgres } from '../../../testbed/postgres.ts'
import { lacks } from '../../../testbed/requirement.ts'

describe.skipIf(lacks('postgres'))('the end of an archive', () => {
  let archive: Buffer
  beforeAll(async () => {
    await using server = await startPostgres()
    await server.query(
      `CREATE TABLE a AS SELECT n FROM generate_series(1, 50) n; CREATE TABLE b (id integer);
       CREATE TABLE c AS SELECT repeat('x', 3000); SELECT lo_from_bytea(7, 'large'), lo_create(8)`,
    )
    const args = ['-Fc', '-Z0', '-h', server.folder, '-p', String(server.port), '-U', 'postgres', 'postgres']
    archive = execFileSync(join(server.binFolder, 'pg_dump'), args)
  })

  async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }

  test.each([1, 7, 4096, 1 << 20])('is whole when nothing is missing (pieces of %i bytes)', async (size) => {
    expect(Buffer.from(await collect(checkArchive(pieces(archive, size)))).equals(archive)).toBe(true)
  })

  test('is missed wherever the archive is cut', async () => {
    for (let length = 0; length < archive.length; length += length < archive.length - 600 ? 61 : 1) {
      const cut = collect(checkArchive(pieces(archive.subarray(0, length), 4096)))
      await expect(cut, `cut at ${length}`).rejects.toMatchObject({ code: 'tool-failed' })
    }
  })

  test('is no archive when it is something else', async () => {
    const script = collect(checkArchive(pieces(Buffer.from('-- PostgreSQL database dump\n'), 4096)))
    await expect(script).rejects.toMatchObject({ code: 'tool-failed' })
  })
})
