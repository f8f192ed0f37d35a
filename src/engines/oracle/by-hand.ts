/** Each reads its part on stdin; the import can begin once all pieces lie in the directory. */
export function byHand(
  part: { readonly name: string; readonly format: string },
  dumped: { readonly schemas: readonly string[]; readonly directory: string },
): string {
  const number = /^piece (\d+)$/.exec(part.name)?.[1]
  if (number === undefined) return 'cat > lifeboat-export.log'
  const schemas = dumped.schemas
    .map((name) => (/^[A-Z][A-Z0-9_]*$/.test(name) ? name : `\\"${name}\\"`))
    .join(',')
  return `cat > lifeboat_${number}.dmp  # in the folder of ${dumped.directory}; after the last piece: impdp system directory=${dumped.directory} dumpfile=lifeboat_%U.dmp logfile=lifeboat.log schemas=${schemas}`
}
