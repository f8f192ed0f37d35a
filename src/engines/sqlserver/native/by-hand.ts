import { shellQuote } from '../../../core/shell-quote.ts'
import { restoreCallText } from './statements.ts'

/**
 * The plain part is a .bak file. RDS reads it from a bucket of its region, any other SQL Server from its disk
 * (RESTORE DATABASE … FROM DISK). `name` is the part's: `shop 1 of 3`; the last one starts the restore.
 */
export function nativeByHand(name: string): string {
  const [, database = name, number = '1', count = '1'] = /^(.*) (\d+) of (\d+)$/s.exec(name) ?? []
  const stem = `arn:aws:s3:::STAGING-BUCKET/restore/${database}-`
  const upload = `aws s3 cp - ${shellQuote(`s3://STAGING-BUCKET/restore/${database}-${number}.bak`)}`
  if (number !== count) return upload
  const text = restoreCallText(database, count === '1' ? `${stem}1.bak` : `${stem}*`)
  return `${upload} && sqlcmd -S HOST -U USER -Q ${shellQuote(text)}`
}
