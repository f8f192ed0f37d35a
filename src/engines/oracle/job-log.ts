/** What a job's log says. Its words depend on the server's language; names, numbers and codes do not. */
export interface JobLog {
  /** Each with the lines that belong to it. */
  readonly errors: readonly JobError[]
  /** Rows by `SCHEMA.TABLE`, partitions added up. */
  readonly rows: ReadonlyMap<string, number>
  /** Dump files that the log names as the whole set, without their folder. */
  readonly pieces: readonly string[]
}

export interface JobError {
  readonly ora: number
  readonly text: string
  /** ORA-39083 and others name the kind of object: TABLE, OBJECT_GRANT. */
  readonly objectType: string | undefined
}

const CODE = /^(?:\d{2}-\w{3}-\d{2}[\d .:]*: )?(ORA|KUP|LPX|PLS|UDE|UDI)-(\d{5}): ?(.*)$/
/** `Object type OBJECT_GRANT failed …`, in whatever language: the first word in capitals. */
const KIND = /\b([A-Z][A-Z_]{2,})\b/
const ROWS = /\. \. (?:.+? )?"([^"]+)"\."([^"]+)"(?::"[^"]+"(?:\."[^"]+")?)? +[\d.,]+ [KMGTP]?B +(\d+)\b/

export function readJobLog(text: string, run: string): JobLog {
  const errors: { ora: number; text: string; objectType: string | undefined }[] = []
  const rows = new Map<string, number>()
  const pieces = new Set<string>()
  let current: (typeof errors)[number] | undefined
  for (const line of text.split(/\r?\n/)) {
    const counted = ROWS.exec(line)
    const piece = line.match(new RegExp(`(${run}_\\d{2,}\\.dmp)\\s*$`, 'i'))?.[1]
    if (counted !== null) {
      const name = `${counted[1]}.${counted[2]}`
      rows.set(name, (rows.get(name) ?? 0) + Number(counted[3]))
    }
    if (piece !== undefined) pieces.add(piece)
    const code = CODE.exec(line)
    if (code === null) {
      if (line.trim() === '' || counted !== null || /^(Processing|Starting|Job|Master) /.test(line))
        current = undefined
      else if (current !== undefined && current.text.length < 2000) current.text += `\n${line}`
      continue
    }
    // The cause stands below what it caused: ORA-39083, then ORA-01917.
    if (current !== undefined && isCause(current, Number(code[2]))) {
      current.text += `\n${line}`
      continue
    }
    current = { ora: Number(code[2]), text: line.trim(), objectType: KIND.exec(code[3] ?? '')?.[1] }
    errors.push(current)
  }
  return { errors, rows, pieces: [...pieces] }
}

/** Numbers of Data Pump itself begin a new error; others are what the one above came from. */
function isCause(above: { readonly ora: number }, ora: number): boolean {
  const isDataPumps = (number: number) =>
    (number >= 39000 && number < 40000) || (number >= 31600 && number < 31700)
  return isDataPumps(above.ora) && !isDataPumps(ora)
}
