import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A folder whose dump tool goes wrong as test/fixtures/tools/FAKE does, for the front of PATH. */
export async function makeFakeTool(
  home: string,
  { name, path }: { readonly name: string; readonly path: string },
  fake: string,
): Promise<{ readonly PATH: string }> {
  const folder = join(home, 'fakes', `${name}-${fake}`)
  await mkdir(folder, { recursive: true })
  const script = fileURLToPath(new URL(`../fixtures/tools/${fake}`, import.meta.url))
  // The newest pg_dump of the machine is the one that is taken, wherever it lies: this one says it is.
  const version =
    name === 'pg_dump'
      ? `case " $* " in *" --version "*) '${path}' --version | sed -E 's/\\) ([0-9]+).*/) \\1.999/'; exit ;; esac\n`
      : ''
  await writeFile(
    join(folder, name),
    `#!/bin/sh\n${version}REAL_TOOL='${path}' exec '${script}' ${fake === 'stops-at-first' ? '' : `'${path}'`} "$@"\n`,
  )
  await chmod(join(folder, name), 0o755)
  return { PATH: `${folder}:${process.env.PATH}` }
}
