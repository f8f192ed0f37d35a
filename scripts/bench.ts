import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { startMariadb } from '../test/testbed/mariadb.ts'
import { type Measurement, measure, median } from './bench-measure.ts'

/** A row of the bulk table is about 270 bytes of SQL text. */
const ROW_BYTES = 270
const lifeboat = join(import.meta.dirname, 'lifeboat')

const { values: options } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, rounds: { type: 'string', default: '3' } },
})
const rounds = Number(options.rounds)
const rowCount = Math.round((Number(options.mib) * 1024 * 1024) / ROW_BYTES)
const say = (text: string) => process.stderr.write(`bench: ${text}\n`)

interface Variant {
  readonly name: string
  readonly line: string
}

async function main(): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-bench-'))
  cleanup.defer(() => rm(folder, { recursive: true, force: true }))
  say(`filling a MariaDB server with ${options.mib} MiB`)
  const server = cleanup.use(await startMariadb({ settings: ['innodb-buffer-pool-size=3G'] }))
  await server.run(seed(rowCount))
  const { publicFile, gnupgHome } = await makeKey(folder)
  cleanup.defer(async () => void (await execa('gpgconf', ['--homedir', gnupgHome, '--kill', 'all'])))
  const clientFile = join(folder, 'client.cnf')
  const quoted = server.password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  await writeFile(
    clientFile,
    `[client]\nuser=${server.user}\npassword="${quoted}"\nsocket=${server.socket}\n`,
    { mode: 0o600 },
  )
  const env = { BENCH_PASSWORD: server.password, GNUPGHOME: gnupgHome, XDG_STATE_HOME: join(folder, 'state') }
  const out = join(folder, 'out')
  const variants = makeVariants({ clientFile, out, publicFile, url: server.socketUrl })
  const plainBytes = await countPlain(variants)
  const results = new Map<string, { measurement: Measurement; storedBytes: number }[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const { name, line } of variants) {
      await rm(out, { recursive: true, force: true })
      await mkdir(out)
      const measurement = await measure(line, env)
      const storedBytes = await sizeOf(out)
      results.set(name, [...(results.get(name) ?? []), { measurement, storedBytes }])
      say(`round ${round} of ${rounds}: ${name}: ${measurement.wallSeconds.toFixed(1)} s`)
    }
  }
  report(variants, results, plainBytes)
  await reportHelp()
}

function makeVariants(from: { clientFile: string; out: string; publicFile: string; url: string }): Variant[] {
  const { clientFile, out, publicFile, url } = from
  const dump = `mysqldump --defaults-extra-file=${clientFile} --single-transaction --quick --routines --triggers --events --hex-blob --no-tablespaces --default-character-set=utf8mb4 --max-allowed-packet=1G --databases bulk`
  const gpg = 'gpg --batch --quiet --trust-model always --recipient bench'
  const ours = (codec: string, jobs: number) =>
    `${lifeboat} dump --from '${url}' --password env:BENCH_PASSWORD --to file://${out} --recipient ${publicFile} --codec ${codec} --jobs ${jobs}`
  return [
    { name: 'mysqldump | gzip | gpg -e', line: `${dump} | gzip | ${gpg} --encrypt | cat > ${out}/dump` },
    { name: 'lifeboat, gzip', line: ours('gzip', 1) },
    { name: 'lifeboat, zstd', line: ours('zstd', 1) },
    { name: 'lifeboat, gzip, --jobs 2', line: ours('gzip', 2) },
    { name: 'lifeboat, zstd, --jobs 2', line: ours('zstd', 2) },
    {
      name: 'mysqldump | pigz | gpg (no compression)',
      line: `${dump} | pigz | ${gpg} --compress-algo none --encrypt | cat > ${out}/dump`,
    },
    {
      name: 'mysqldump | zstd -T0 | gpg (no compression)',
      line: `${dump} | zstd -T0 --quiet | ${gpg} --compress-algo none --encrypt | cat > ${out}/dump`,
    },
  ]
}

function seed(count: number): string {
  return `SET SESSION sql_log_bin = 0;
    CREATE DATABASE bulk CHARACTER SET utf8mb4;
    USE bulk;
    CREATE TABLE bulk.orders (
      id INT UNSIGNED NOT NULL PRIMARY KEY, customer VARCHAR(60) NOT NULL, placed DATETIME(3) NOT NULL,
      total DECIMAL(12, 2) NOT NULL, token CHAR(64) NOT NULL, address VARCHAR(120) NOT NULL, note TEXT NULL
    ) ENGINE = InnoDB;
    INSERT INTO bulk.orders
    SELECT seq, CONCAT('customer-', seq MOD 9973, '@shop.example'), TIMESTAMP('2024-01-01') + INTERVAL seq * 37 SECOND,
           (seq * 7919 MOD 1000000) / 100, SHA2(CONCAT('order ', seq), 256),
           CONCAT(seq MOD 311, ' Harbour Street, ', ELT(seq MOD 7 + 1, 'Rotterdam', 'Bergen', 'Gdansk', 'Porto', 'Cork', 'Genova', 'Brest')),
           IF(seq MOD 7 = 0, NULL, CONCAT('Leave it with the neighbour; ring twice. Reference ', MD5(seq), REPEAT(' fragile', seq MOD 5)))
    FROM seq_1_to_${count};
    ANALYZE TABLE bulk.orders;`
}

async function makeKey(folder: string): Promise<{ publicFile: string; gnupgHome: string }> {
  const gnupgHome = join(folder, 'gnupg')
  await mkdir(gnupgHome, { mode: 0o700 })
  const args = [
    'keygen',
    '--name',
    'bench',
    '--out',
    join(folder, 'keys'),
    '--passphrase',
    'env:BENCH_PASSPHRASE',
    '--json',
  ]
  const { stdout } = await execa(lifeboat, args, { env: { BENCH_PASSPHRASE: 'throwaway bench passphrase' } })
  const { publicFile } = JSON.parse(stdout) as { publicFile: string }
  await execa('gpg', ['--homedir', gnupgHome, '--batch', '--quiet', '--import', publicFile])
  return { publicFile, gnupgHome }
}

/** Also warms the server's cache, so that the first variant is not the one that pays for it. */
async function countPlain(variants: readonly Variant[]): Promise<number> {
  const dump = variants[0]?.line.split(' | ')[0] ?? ''
  const { stdout } = await execa('bash', ['-c', `${dump} | wc -c`])
  return Number(stdout)
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}

function report(
  variants: readonly Variant[],
  results: ReadonlyMap<string, readonly { measurement: Measurement; storedBytes: number }[]>,
  plainBytes: number,
): void {
  const of = (name: string, pick: (measurement: Measurement) => number) =>
    median((results.get(name) ?? []).map(({ measurement }) => pick(measurement)))
  const baseline = of(variants[0]?.name ?? '', (measurement) => measurement.wallSeconds)
  const print = (cells: readonly string[]) =>
    process.stdout.write(
      `${cells.map((cell, column) => (column === 0 ? cell.padEnd(44) : cell.padStart(9))).join('')}\n`,
    )
  process.stdout.write(
    `${(plainBytes / 2 ** 20).toFixed(0)} MiB of SQL, medians of ${rounds} interleaved rounds\n`,
  )
  print(['', 'wall s', 'CPU s', 'peak MiB', 'agent MiB', 'ratio', 'MB/s', 'speed-up'])
  for (const { name } of variants) {
    const wall = of(name, (measurement) => measurement.wallSeconds)
    const agent = of(name, (measurement) => measurement.agentPeakMiB ?? 0)
    print([
      name,
      wall.toFixed(1),
      of(name, (measurement) => measurement.cpuSeconds).toFixed(1),
      of(name, (measurement) => measurement.peakMiB).toFixed(0),
      agent === 0 ? '-' : agent.toFixed(0),
      (plainBytes / median((results.get(name) ?? []).map(({ storedBytes }) => storedBytes))).toFixed(2),
      (plainBytes / 1e6 / wall).toFixed(0),
      `${(baseline / wall).toFixed(2)}x`,
    ])
  }
}

async function reportHelp(): Promise<void> {
  const seconds: number[] = []
  for (let run = 0; run < 10; run++) seconds.push((await measure(`${lifeboat} --help`, {})).wallSeconds)
  process.stdout.write(`lifeboat --help: ${(median(seconds) * 1000).toFixed(0)} ms (median of 10)\n`)
}

await main()
