import type { DatabaseUrl } from '../../core/database-url.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import { ACCOUNTS } from './part-names.ts'

/**
 * The stock client, fed with a plain part on stdin. The sed takes MariaDB's sandbox line away, which other clients
 * stop at. Accounts go on at errors: those that exist already are no reason to stop.
 */
export function byHand(url: DatabaseUrl, part: { readonly name: string }): string {
  const client = url.scheme === 'mariadb' ? 'mariadb' : 'mysql'
  const options = [
    '--binary-mode',
    '--comments',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
  ]
  if (part.name === ACCOUNTS)
    return `${client} --host=TARGET --user=${shellQuote(url.user ?? 'USER')} --password --force`
  return (
    `sed '1{/^\\/\\*M\\{0,1\\}!999999/d}' | ` +
    `${client} --host=TARGET --user=${shellQuote(url.user ?? 'USER')} --password ${options.join(' ')}`
  )
}
