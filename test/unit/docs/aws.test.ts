import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { FAULTS } from '../../../src/core/cloud-fault.ts'
import { root } from './documents.ts'

/** `rds:CopyDBSnapshot`, as a policy has it. */
interface Call {
  readonly service: string
  readonly name: string
}

const SERVICES: Readonly<Record<string, string>> = {
  'client-rds': 'rds',
  'client-kms': 'kms',
  'client-ec2': 'ec2',
  'client-route-53': 'route53',
  'client-iam': 'iam',
  'client-sts': 'sts',
  'client-cloudwatch': 'cloudwatch',
  'client-s3': 's3',
}

describe('docs/aws.md', () => {
  let page: string
  let sources: readonly string[]

  beforeAll(async () => {
    page = await readFile(join(root, 'docs/aws.md'), 'utf8')
    const folder = join(root, 'src/aws')
    sources = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
  })

  test('lists every call that src/aws makes, and no other', () => {
    const listed = [...page.matchAll(/^\| `([a-z0-9]+:\w+)` \| (?:look|make|change) \| \S/gm)].map(
      ([, action]) => action,
    )
    expect(listed).toEqual([...new Set(listed)])
    const used = sources.flatMap(commandsOf).map(({ service, name }) => `${service}:${name}`)
    expect(used.length).toBeGreaterThan(60)
    expect(listed.sort()).toEqual([...new Set(used)].sort())
  })

  test('what an error names as its operation is a call of the list', () => {
    const operations = sources.flatMap((text) =>
      [...text.matchAll(/'((?:rds|kms|ec2|route53|iam|sts|cloudwatch|s3):\w+)'/g)].map(
        ([, action = '']) => action,
      ),
    )
    expect(operations.length).toBeGreaterThan(60)
    expect(operations.filter((action) => !page.includes(`| \`${action}\` |`))).toEqual([])
  })

  test('a call of the list changes nothing where it says so', () => {
    for (const [, name = '', kind] of page.matchAll(/^\| `[a-z0-9]+:(\w+)` \| (look|make|change) /gm)) {
      const looks = /^(Describe|List|Get|Simulate)/.test(name)
      expect([name, kind === 'look'], page).toEqual([name, looks])
    }
  })

  test('has every kind of failure', () => {
    const kinds = [...page.matchAll(/^\| `([a-z-]+)` \| (?:`|5xx|anything)/gm)].map(([, kind]) => kind)
    expect(kinds.sort()).toEqual(Object.keys(FAULTS).sort())
  })
})

/** Commands that a source file imports and makes, with the service of their package. */
function commandsOf(text: string): Call[] {
  const made = new Set([...text.matchAll(/\bnew (\w+)Command\(/g)].map(([, name]) => name))
  return [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/([\w-]+)'/g)].flatMap(
    ([, names = '', from = '']) => {
      const service = SERVICES[from]
      if (service === undefined) throw new Error(`nobody says how IAM calls ${from}`)
      return names.split(',').flatMap((name) => {
        const [, command] = /^\s*(\w+)Command\s*$/.exec(name) ?? []
        if (command === undefined) return []
        if (!made.has(command)) throw new Error(`${command} is imported and not made`)
        return [{ service, name: command }]
      })
    },
  )
}
