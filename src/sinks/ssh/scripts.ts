import { shellQuote as q } from '../../core/shell-quote.ts'

/** Exit codes of the scripts' own, apart from those of the tools. */
export const IS_FOLDER = 71
export const EXISTS = 73

/**
 * Writes stdin to the temp name and syncs it: nothing else, since it can't tell an end from a connection that died.
 * sync(1) syncs the named file since coreutils 8.24; older ones say that they ignore the name, and sync everything.
 * The first write makes the root, whose own parents only a whole sync is sure to reach.
 */
export function fillScript(root: string, temp: string): string {
  const folder = q(temp.slice(0, temp.lastIndexOf('/')))
  const made = `mkdir -p ${folder} && true > ${q(temp)}`
  return [
    `[ -d ${q(root)} ] || { mkdir -p ${q(root)} && sync; } || exit 1`,
    // A delete on another connection may take the empty folder away in between.
    `{ { ${made}; } 2>/dev/null || { ${made}; }; } && cat > ${q(temp)} && sync ${q(temp)}`,
  ].join('; ')
}

/**
 * Gives the temp name its final name, durably. It may run again after its answer was lost, even beside its first run:
 * a temp name that is gone while the object is there means that it is done.
 */
export function commitScript(
  root: string,
  { temp, path, ifAbsent }: { readonly temp: string; readonly path: string; readonly ifAbsent: boolean },
): string {
  const [t, f] = [q(temp), q(path)]
  const done = `{ [ ! -e ${t} ] && [ -f ${f} ]; }`
  const publish = ifAbsent
    ? `{ ln ${t} ${f} || { if [ ${t} -ef ${f} ]; then :; elif [ -e ${f} ] || [ -L ${f} ]; then exit ${EXISTS}; else ${done}; fi; }; } && rm -f ${t}`
    : `{ mv -f ${t} ${f} || ${done}; }`
  const folders = foldersUpTo(root, path).map(q).join(' ')
  return [
    `[ ! -d ${f} ] || exit ${IS_FOLDER}`,
    `${done} || { ${publish}; } || exit 1`,
    // Some file systems (CIFS, FUSE) can't sync a folder and say so; a true failure means: not written.
    `e=$(sync ${folders} 2>&1) || case $e in *'Invalid argument'*|*'not supported'*) sync;; *) rm -f ${f}; echo "$e" >&2; exit 1;; esac`,
  ].join('; ')
}

/** From the object's own folder up to the root. */
function foldersUpTo(root: string, path: string): readonly string[] {
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end >= root.length; end = path.lastIndexOf('/', end - 1)) {
    folders.push(path.slice(0, end))
    if (end === root.length) break
  }
  return folders
}
