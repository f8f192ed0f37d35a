import { constants } from 'node:fs'
import { open, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { keySteps, tempNameOf } from '../../core/object-key.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import type { ObjectInfo, Range, Sink } from '../../core/sink.ts'
import { fileError, isErrno } from './errors.ts'
import { checkInside, lstatIfAny, pathOf, removeEmptyFolders, syncFolder } from './folders.ts'
import type { FileSinkAddress } from './url.ts'
import { walkFiles } from './walk.ts'
import { writeFileDurably } from './write.ts'

export { type FileSinkAddress, parseFileSinkUrl } from './url.ts'

/** Objects as files below a folder, which is made (0700) by the first write. */
export function createFileSink({ folder: root }: FileSinkAddress): Sink {
  const pathFor = (key: string) => pathOf(root, keySteps(key))

  async function stat(key: string, signal: AbortSignal): Promise<ObjectInfo | undefined> {
    throwIfAborted(signal)
    const path = pathFor(key)
    try {
      await checkInside(root, dirname(path))
      const stats = await lstatIfAny(path)
      return stats?.isFile() === true ? { key, bytes: stats.size, modified: stats.mtime } : undefined
    } catch (thrown) {
      throw fileError('look at file', path, thrown)
    }
  }

  return {
    scheme: 'file',
    name: `file://${root}`,
    traits: { exclusiveCreate: true, maxChunks: Number.POSITIVE_INFINITY, attests: 'bytes' },
    async write(key, body, options) {
      const path = pathFor(key)
      await writeFileDurably(root, path, body, options)
      // What is written is written: the answer no longer depends on the signal.
      const info = await stat(key, new AbortController().signal)
      if (info !== undefined) return info
      throw new LifeboatError('integrity', `unable to write file '${path}': it vanished right after`, {
        hint: 'Something else removes files there: stop it, or write to another sink.',
      })
    },
    async read(key, range, signal) {
      throwIfAborted(signal)
      const path = pathFor(key)
      try {
        await checkInside(root, dirname(path))
        return await readRange(path, range, signal)
      } catch (thrown) {
        throw fileError('read file', path, isErrno(thrown, 'ENOTDIR') ? { code: 'ENOENT' } : thrown)
      }
    },
    stat,
    async *list(prefix, signal) {
      throwIfAborted(signal)
      await checkRoot(root)
      for await (const { folder, name, stats } of walkFiles(root, prefix, signal)) {
        const key = `${folder}${name}`
        if (!key.startsWith(prefix) || tempNameOf(name) !== undefined) continue
        yield { key, bytes: stats.size, modified: stats.mtime }
      }
    },
    async delete(keys, signal) {
      const folders = new Set<string>()
      for (const key of keys) {
        throwIfAborted(signal)
        const path = pathFor(key)
        try {
          await checkInside(root, dirname(path))
          if ((await lstatIfAny(path))?.isDirectory() !== false) continue
          await unlink(path)
          folders.add(dirname(path))
        } catch (thrown) {
          if (!isErrno(thrown, 'ENOENT', 'ENOTDIR')) throw fileError('delete file', path, thrown)
        }
      }
      for (const folder of folders) await settleFolder(root, folder)
    },
    async sweep(prefix, olderThan, signal) {
      throwIfAborted(signal)
      const removed: string[] = []
      for await (const { folder, name, stats } of walkFiles(root, prefix, signal)) {
        const step = tempNameOf(name)
        if (step === undefined || !`${folder}${step}`.startsWith(prefix) || stats.mtime >= olderThan) continue
        const path = join(root, folder, name)
        try {
          await rm(path, { force: true })
        } catch (thrown) {
          throw fileError('remove leftover', path, thrown)
        }
        await settleFolder(root, dirname(path))
        removed.push(`${folder}${name}`)
      }
      return removed
    },
    byHand: (keys) => ['cat', ...keys.map((key) => shellQuote(pathFor(key)))].join(' '),
    async [Symbol.asyncDispose]() {},
  }
}

async function readRange(path: string, { offset, bytes }: Range, signal: AbortSignal): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw Object.assign(new Error('not a file'), { code: 'ENOENT' })
    const buffer = Buffer.allocUnsafe(bytes)
    for (let filled = 0; filled < bytes; ) {
      throwIfAborted(signal)
      const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled)
      if (bytesRead === 0) {
        throw new LifeboatError(
          'integrity',
          `unable to read file '${path}': it has ${stats.size} bytes, and ${bytes} from ${offset} on were asked for`,
          {
            hint: 'The file was cut short after it was written: restore another backup, or a copy of this one.',
          },
        )
      }
      filled += bytesRead
    }
    return buffer
  } finally {
    await handle.close()
  }
}

/** A folder that is not there is a wrong name or an unmounted disk, which must not look like "no backups". */
async function checkRoot(root: string): Promise<void> {
  let stats: Awaited<ReturnType<typeof lstatIfAny>>
  try {
    stats = await lstatIfAny(`${root}/.`)
  } catch (thrown) {
    throw fileError('look at folder', root, thrown)
  }
  if (stats !== undefined) return
  throw new LifeboatError('sink-not-found', `unable to list folder '${root}': there is no such folder`, {
    hint: `Look at its name and whether its disk is mounted (ls -ld ${shellQuote(root)}; findmnt); the first dump makes it.`,
  })
}

/** Makes deletions durable, so that a crash can't bring back a manifest whose data is gone. */
async function settleFolder(root: string, folder: string): Promise<void> {
  try {
    await syncFolder(folder)
    await removeEmptyFolders(root, folder)
  } catch (thrown) {
    if (!isErrno(thrown, 'ENOENT')) throw fileError('settle folder', folder, thrown)
  }
}
