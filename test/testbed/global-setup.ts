import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { findTool } from '../../src/core/tool.ts'
import { IMAGES, type ImageName, VENDOR_IMAGES } from './containers/image.ts'
import { RUN_LABEL } from './containers/run-label.ts'
import { type Availability, REQUIREMENTS, type Requirement } from './requirement.ts'

const run = promisify(execFile)

/** Finds out once what is there. What LIFEBOAT_REQUIRE names and is not there ends the run before it starts. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const testRun = process.env.LIFEBOAT_TEST_RUN ?? String(process.pid)
  const containers = await lookForContainers()
  const found = Object.fromEntries(
    await Promise.all(IMAGES.map(async (name) => [name, await lookForImage(name, containers)] as const)),
  ) as Record<ImageName, { reference: string } | { reason: string }>
  const image = (name: ImageName) => ('reason' in found[name] ? found[name].reason : true)
  const images = (...names: readonly ImageName[]) =>
    names.map(image).find((reason) => reason !== true) ?? true
  const availability: Availability = {
    mariadb: await programs(['mariadbd', 'mariadb-install-db', 'mariadb-dump', 'mariadb'], 'mariadb-server'),
    postgres: await programs(['initdb', 'postgres', 'pg_dump', 'pg_restore', 'psql'], 'postgresql'),
    ssh: await programs(['sshd', 'ssh-keygen', 'ssh-agent'], 'openssh-server'),
    gpg: await programs(['gpg', 'gpg-agent', 'gpgconf', 'gzip', 'zstd'], 'gnupg, gzip and zstd'),
    python: await programs(['python3'], 'python3'),
    systemd: await programs(['systemd-analyze'], 'systemd'),
    freetds: await programs(['freebcp', 'tsql'], 'freetds-bin'),
    containers,
    mysql: image('mysql'),
    'postgres-newer': image('postgres'),
    // The real one, and the fake for what the real one lacks.
    s3: images('ceph', 'moto'),
    aws: image('moto'),
    sqlserver: image('sqlserver'),
    oracle: image('oracle'),
  }
  refuseMissing(availability)
  project.provide('availability', availability)
  project.provide(
    'images',
    Object.fromEntries(
      IMAGES.flatMap((name) => ('reference' in found[name] ? [[name, found[name].reference]] : [])),
    ),
  )
  project.provide('testRun', testRun)
  return async () => {
    if (containers === true) await removeContainers(testRun)
  }
}

function refuseMissing(availability: Availability): void {
  const required = (process.env.LIFEBOAT_REQUIRE ?? '').split(',').filter((name) => name !== '')
  const lines = required.flatMap((name) => {
    if (!(REQUIREMENTS as readonly string[]).includes(name)) {
      return [`${name}: no such requirement; there are ${REQUIREMENTS.join(', ')}`]
    }
    const reason = availability[name as Requirement]
    return reason === true ? [] : [`${name}: ${reason}`]
  })
  if (lines.length > 0) throw new Error(`LIFEBOAT_REQUIRE names what is not there\n${lines.join('\n')}`)
}

/** Servers lie outside of PATH: sbin folders, and PostgreSQL's own, one per major. */
async function programs(names: readonly string[], packages: string): Promise<true | string> {
  const postgres = '/usr/lib/postgresql'
  const majors = await readdir(postgres).catch(() => [])
  const folders = [process.env.PATH ?? '', '/usr/sbin', ...majors.map((major) => `${postgres}/${major}/bin`)]
  const missing: string[] = []
  for (const name of names) if ((await findTool([name], folders.join(':'))) === undefined) missing.push(name)
  return missing.length === 0 || `no ${missing.join(', ')} on this machine: install ${packages}`
}

async function lookForContainers(): Promise<true | string> {
  if (process.getuid?.() !== 0) return 'only root can enter the file system of a container'
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 20_000 })
    return true
  } catch (thrown) {
    return `no docker daemon answers: ${reasonOf(thrown)}`
  }
}

async function lookForImage(
  name: ImageName,
  containers: true | string,
): Promise<{ reference: string } | { reason: string }> {
  if (containers !== true) return { reason: containers }
  try {
    const isVendors = VENDOR_IMAGES.some((each) => each === name)
    const script = isVendors ? 'scripts/vendor-image' : 'scripts/test-image'
    const { stdout } = await run(script, ['--find', name], { timeout: 60_000 })
    return { reference: stdout.trim() }
  } catch (thrown) {
    return { reason: reasonOf(thrown) }
  }
}

/** What a worker that died left. */
async function removeContainers(testRun: string): Promise<void> {
  const { stdout } = await run('docker', ['ps', '-aq', '--filter', `label=${RUN_LABEL}=${testRun}`])
  const ids = stdout.split('\n').filter((id) => id !== '')
  if (ids.length > 0) await run('docker', ['rm', '--force', '--volumes', ...ids])
}

function reasonOf(thrown: unknown): string {
  const stderr = thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr).trim() : ''
  return stderr !== '' ? stderr : String(thrown)
}
