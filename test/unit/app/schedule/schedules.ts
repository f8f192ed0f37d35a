import { toScheduledJob } from '../../../../src/app/schedule/scheduled-job.ts'
import { parseConfig } from '../../../../src/config/load.ts'

/** Jobs of a configuration whose `jobs:` is given. */
export function scheduled(jobs: string, ...names: readonly string[]) {
  const text = `version: 1
keys: { ops: { public: /k/ops.asc }, sig: { secret: /k/sig.asc, passphrase: env:SIGN_PW } }
signing: { key: sig }
sinks:
  near: { url: 'file:///backups/a%20b%25' }
  far: { url: 's3://far', password: env:FAR_PW }
  ssh: { url: 'ssh://x@y/z', passphrase: 'file:/run/credentials/lifeboat-shop.service/ssh.pass' }
log: { file: /var/log/lifeboat/jobs.log }
audit: { file: /srv/audit/lifeboat.jsonl }
metrics: { textfile: /var/lib/node/lifeboat.prom }
notify: { chat: { type: slack, url: env:CHAT_URL } }
defaults: { recipients: [ops], sinks: [near] }
jobs:
${jobs}
`
  const loaded = { path: '/etc/lifeboat/lifeboat.yaml', config: parseConfig(text, 'lifeboat.yaml') }
  return (names.length === 0 ? ['shop'] : names).map((name) => toScheduledJob(loaded, name))
}

export const SHOP = `  shop:
    source: { url: 'mysql://db', password: env:DB_PW }
    sinks: [near, far, ssh]
    schedule: 30 3 * * mon-fri
    notify: [chat]
    jitter: 5m
    timeouts: { run: 6h }`
