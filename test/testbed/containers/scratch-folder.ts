import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that server processes of any user may write their sockets to. */
export async function makeScratchFolder(name: string): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), `lifeboat-${name}-`))
  await chmod(path, 0o777)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
