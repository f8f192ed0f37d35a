import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { toCronJobs, toIndexedCronJob } from '../../../../src/app/schedule/kubernetes.ts'
import { SHOP, scheduled } from './schedules.ts'

const settings = { config: '/etc/lifeboat/lifeboat.yaml', image: 'example.com/lifeboat:1' }
const read = (text: string) =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS()
  })
interface CronJob {
  readonly spec: { readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: Pod } } } }
}
interface Pod {
  readonly containers: readonly {
    readonly args: readonly string[]
    readonly env: readonly object[]
    readonly volumeMounts: readonly object[]
  }[]
}
const container = (cronJob: CronJob) => {
  const [only] = cronJob.spec.jobTemplate.spec.template.spec.containers
  if (only === undefined) throw new Error('there is no container')
  return only
}

describe('a CronJob', () => {
  const [shop] = read(toCronJobs(scheduled(SHOP), settings).text)

  test('runs one job at a time, at its schedule', () => {
    expect(shop).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'lifeboat-shop' },
      spec: { schedule: '30 3 * * mon-fri', concurrencyPolicy: 'Forbid' },
    })
    // 6 h of the job, 5 min of jitter, 2 min to clear away.
    expect(shop.spec.jobTemplate.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 22_020 })
    expect(container(shop).args).toEqual([
      ...['dump', 'shop', '--config', settings.config, '--jitter', '300s'],
    ])
  })

  test('has no right that it does not need', () => {
    const pod = shop.spec.jobTemplate.spec.template.spec
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(container(shop)).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      resources: { limits: { memory: '2Gi' } },
    })
  })

  test('refers to secrets, and holds none', () => {
    expect(container(shop).env).toContainEqual({
      name: 'DB_PW',
      valueFrom: { secretKeyRef: { name: 'lifeboat', key: 'DB_PW' } },
    })
    expect(container(shop).volumeMounts[0]).toEqual({
      name: 'files',
      mountPath: '/etc/lifeboat',
      readOnly: true,
    })
  })

  test('each has a name that Kubernetes takes, and no other has', () => {
    const names = ['shop', 'Shop', 'shop.eu', 'shop_eu', 'x'.repeat(100), `${'x'.repeat(99)}y`, 'shop-']
    const jobs = scheduled(
      names.map((name) => `  ${name}: { source: mysql://db, schedule: '@daily' }`).join('\n'),
      ...names,
    )
    const found = read(toCronJobs(jobs, settings).text).map(({ metadata }) => metadata.name as string)
    expect(new Set(found).size).toBe(names.length)
    for (const name of found) expect(name).toMatch(/^(?=.{1,52}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
  })
})

describe('an Indexed Job', () => {
  const jobs =
    "  shop: { source: mysql://a, schedule: '@daily' }\n  crm: { source: mysql://b, schedule: 0 0 * * * }"

  test('divides all jobs between its pods', () => {
    const [all, ...others] = read(toIndexedCronJob(scheduled(jobs, 'shop', 'crm'), 4, settings).text)
    expect(others).toEqual([])
    expect(all.spec.jobTemplate.spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 4,
      parallelism: 4,
    })
    expect(all.spec.jobTemplate.spec).not.toHaveProperty('activeDeadlineSeconds')
    expect(container(all).args.slice(0, 4)).toEqual(['dump', '--all', '--shard', '$(JOB_COMPLETION_INDEX)/4'])
  })

  test('refuses jobs that differ in their schedule', () => {
    const differing = jobs.replace('0 0 *', '1 0 *')
    expect(() => toIndexedCronJob(scheduled(differing, 'shop', 'crm'), 4, settings)).toThrow(
      expect.objectContaining({ code: 'config', hint: expect.stringContaining('defaults.schedule') }),
    )
  })
})
