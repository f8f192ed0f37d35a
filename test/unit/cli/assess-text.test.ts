import { expect, test } from 'vitest'
import { assess } from '../../../src/app/assess/assess.ts'
import { assessText } from '../../../src/cli/assess-text.ts'
import { furnished, requestOf, TARGET } from '../app/assess/scene.ts'

test('keys of the target are listed, with what is wrong with each', async () => {
  const world = furnished()
  const { keys } = world.region(TARGET)
  const [own] = keys.values()
  if (own === undefined) throw new Error('no key')
  const add = (id: string, given: object) =>
    keys.set(id, { ...own, id, arn: `${own.arn}-${id}`, aliases: [`alias/${id}`], ...given })
  add('off', { state: 'Disabled', enabled: false })
  add('rsa', { spec: 'RSA_2048' })
  add('aws/rds', { managedBy: 'aws' })
  const text = assessText(await assess(requestOf(world), new AbortController().signal), true)
  expect(text).toContain('\nkeys of eu-central-1 that RDS can use: alias/databases\n')
  expect(text).toContain('\n  not alias/off: its state is Disabled\n')
  expect(text).toContain('\n  not alias/rsa: its spec is RSA_2048, and RDS takes symmetric ones only\n')
  expect(text).not.toContain('alias/aws/rds')
})

test('a region of which no service has a name may be a slip, and is told', async () => {
  const assessment = await assess(requestOf(furnished()), new AbortController().signal)
  const hint = 'no service of eu-central-1 has a name in DNS: look whether the region is spelt right'
  expect(assessText(assessment, false)).not.toContain('has a name in DNS')
  const planes = assessment.planes.map((plane) =>
    plane.region === TARGET
      ? ({ ...plane, state: 'dead', silence: 'name-not-found', reason: 'getaddrinfo ENOTFOUND' } as const)
      : plane,
  )
  expect(assessText({ ...assessment, planes }, false)).toContain(`\n${hint}\n`)
  const cut = planes.map((plane) =>
    plane.region === TARGET && plane.service === 'rds' ? ({ ...plane, silence: 'cut' } as const) : plane,
  )
  expect(assessText({ ...assessment, planes: cut }, false)).not.toContain(hint)
})
