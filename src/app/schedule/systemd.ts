import { basename, dirname, join } from 'node:path'
import { toOnCalendar } from './on-calendar.ts'
import { dumpArguments, inSeconds, MARK, type ScheduleFile, type ScheduleSettings } from './schedule-file.ts'
import type { ScheduledJob } from './scheduled-job.ts'

export interface SystemdSettings extends ScheduleSettings {
  /** Units of a person's own manager, which have no right to more than that person. */
  readonly user: boolean
  /** Account that the service runs as; root where nobody is named. */
  readonly runAs: string | undefined
  /** Where runs remember what they have begun. The system's units have a folder of their own instead. */
  readonly stateFolder: string
}

/** A service and its timer. */
export function toSystemdUnits(job: ScheduledJob, settings: SystemdSettings): readonly ScheduleFile[] {
  return [
    { name: `lifeboat-${job.name}.service`, text: service(job, settings) },
    { name: `lifeboat-${job.name}.timer`, text: timer(job) },
  ]
}

/*
 * systemd.exec(5). No MemoryDenyWriteExecute: V8 compiles JavaScript to machine code. No PrivateUsers for the system:
 * key files of other users would belong to nobody. AF_NETLINK is how getaddrinfo and Node look at interfaces.
 */
const HARDENED = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  // A tool that may not lower its own priority goes on without; it is not killed for having tried.
  'SystemCallErrorNumber=EPERM',
  'UMask=0077',
]

/** What only the system's manager may take away. */
const SYSTEM_ONLY = [
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'RemoveIPC=yes',
]

/** "[…] only available […] with PrivateUsers=": the manager of a person needs a namespace of users for all of them. */
const USER_ONLY = ['PrivateUsers=yes']

function service(job: ScheduledJob, settings: SystemdSettings): string {
  const { user, runAs, stateFolder, command } = settings
  const state = user
    ? [`ReadWritePaths=${word(`-${stateFolder}`)}`]
    : [
        'StateDirectory=lifeboat',
        'StateDirectoryMode=0700',
        'Environment=LIFEBOAT_STATE_DIR=/var/lib/lifeboat',
      ]
  return lines([
    MARK,
    '[Unit]',
    `Description=lifeboat: dump of job ${job.name}`,
    ...(user ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${[command, ...dumpArguments(job.name, settings)].map(argument).join(' ')}`,
    ...(runAs === undefined ? [] : [`User=${runAs}`]),
    ...secrets(job, settings),
    '# lifeboat tells its tools to stop, and clears away what is unfinished.',
    'KillMode=mixed',
    'TimeoutStopSec=2min',
    'Nice=10',
    'MemoryMax=2G',
    'TasksMax=256',
    ...state,
    ...job.writes.map((folder) => `ReadWritePaths=${word(`-${folder}`)}`),
    ...HARDENED,
    ...(user ? USER_ONLY : SYSTEM_ONLY),
  ])
}

/** By an environment file whose variables are named, and by credentials where the configuration reads them there. */
function secrets(job: ScheduledJob, { config }: SystemdSettings): string[] {
  const unit = `lifeboat-${job.name}.service`
  const folder = dirname(config)
  const credentials = job.secretFiles.filter((file) => dirname(file).endsWith(`/credentials/${unit}`))
  const file = join(folder, `${job.name}.env`)
  return [
    ...(job.variables.length === 0
      ? []
      : [
          `# It sets, mode 0600: ${job.variables.join(', ')}`,
          `EnvironmentFile=${file.replaceAll('%', '%%')}`,
        ]),
    ...credentials.map((path) => {
      const name = basename(path)
      return `LoadCredential=${word(`${name}:${join(folder, 'credentials', name)}`)}`
    }),
  ]
}

function timer(job: ScheduledJob): string {
  return lines([
    MARK,
    '[Unit]',
    `Description=lifeboat: when job ${job.name} is dumped`,
    '',
    '[Timer]',
    `# ${job.schedule}`,
    ...toOnCalendar(job.schedule).map((when) => `OnCalendar=${when}`),
    ...(job.jitterMs === undefined ? [] : [`RandomizedDelaySec=${inSeconds(job.jitterMs)}s`]),
    '# A run that was missed while the machine was down is made up for.',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ])
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}

/** systemd replaces % in every setting, and $ in commands besides. */
function word(text: string): string {
  const escaped = text.replaceAll('%', '%%')
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : JSON.stringify(escaped)
}

function argument(text: string): string {
  return word(text.replaceAll('$', '$$$$'))
}
