import prettyBytes from 'pretty-bytes'

/** 1234567 → `1.2 MB`. Powers of 1000, as disks and clouds count. */
export function showBytes(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 1 })
}

/** 75000 → `1:15`, 3675000 → `1:01:15`. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** `1 table`, `2 tables`. */
export function showCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
