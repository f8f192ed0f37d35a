import { lstat, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { makeFolders } from '../core/make-folders.ts'
import type { Secret } from '../core/secret.ts'

export interface KeygenRequest {
  readonly name: string
  readonly email: string | undefined
  readonly folder: string
  readonly algorithm: 'ecc' | 'rsa4096'
  readonly expiresDays: number | undefined
  /** Undefined stores the secret key unprotected: the operator has said so. */
  readonly passphrase: (() => Promise<Secret>) | undefined
}

export interface KeygenReport {
  readonly fingerprint: string
  readonly publicFile: string
  readonly secretFile: string
  readonly revocationFile: string
}

/** Makes a pair of keys and writes it: all three files or none, never over one that is there. */
export async function runKeygen(request: KeygenRequest): Promise<KeygenReport> {
  const stem = fileStem(request.name)
  const files = {
    publicFile: join(request.folder, `${stem}.pub.asc`),
    secretFile: join(request.folder, `${stem}.sec.asc`),
    revocationFile: join(request.folder, `${stem}.rev.asc`),
  }
  for (const path of Object.values(files)) {
    if (await exists(path)) throw alreadyThere(path)
  }
  const passphrase = await request.passphrase?.()
  const { generateKey } = await import('../stages/openpgp/index.ts')
  const key = await generateKey({
    name: request.name,
    algorithm: request.algorithm,
    ...(request.email !== undefined && { email: request.email }),
    ...(request.expiresDays !== undefined && { expiresDays: request.expiresDays }),
    ...(passphrase !== undefined && { passphrase }),
  })
  const written: string[] = []
  try {
    await makeFolders(request.folder)
    for (const [path, text, mode] of [
      [files.secretFile, key.armoredSecret, 0o600],
      [files.revocationFile, key.revocationCertificate, 0o600],
      [files.publicFile, key.armoredPublic, 0o644],
    ] as const) {
      await writeNew(path, text, mode, () => written.push(path))
    }
  } catch (thrown) {
    for (const path of written) await rm(path, { force: true })
    if (thrown instanceof LifeboatError) throw thrown
    throw new LifeboatError(
      'config',
      `unable to write the key to folder '${request.folder}': ${messageOf(thrown)}`,
      {
        hint: 'No key was kept. Name another folder with --out.',
        cause: thrown,
      },
    )
  }
  return { fingerprint: key.fingerprint, ...files }
}

async function writeNew(path: string, text: string, mode: number, onCreated: () => void): Promise<void> {
  try {
    await using handle = await open(path, 'wx', mode)
    onCreated()
    await handle.writeFile(text)
    await handle.sync()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(path)
    throw thrown
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    throw new LifeboatError('config', `unable to look at '${path}': ${messageOf(thrown)}`, {
      hint: 'Name another folder with --out.',
      cause: thrown,
    })
  }
}

function alreadyThere(path: string): LifeboatError {
  return new LifeboatError('config', `unable to write key '${path}': the file is already there`, {
    hint: 'A key is never replaced: its backups could not be read any more. Choose another --name or --out.',
  })
}

/** `Shop backups 2026` → `shop-backups-2026`: a name that needs no quoting in a shell. */
function fileStem(name: string): string {
  const stem = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
  return stem === '' ? 'lifeboat' : stem
}
