import type { Place } from './place.ts'

/** The stock AWS CLI writes the objects to stdout; several are joined in order, and the first failure ends it. */
export function byHandCommand(place: Place, keys: readonly string[]): string {
  const { bucket, region, endpoint, tlsCa, profile } = place.location
  const options = [
    ...(region === undefined ? [] : ['--region', region]),
    ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint]),
    ...(tlsCa === undefined ? [] : ['--ca-bundle', tlsCa]),
    ...(profile === undefined ? [] : ['--profile', profile]),
  ].map(quote)
  const commands = keys.map((key) =>
    ['aws', 's3', 'cp', quote(`s3://${bucket}/${place.prefixed(key)}`), '-', ...options].join(' '),
  )
  return commands.length === 1 ? (commands[0] ?? '') : `{ ${commands.join(' && ')}; }`
}

function quote(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
