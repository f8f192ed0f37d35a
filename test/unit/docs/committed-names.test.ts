import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './documents.ts'

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  // A file that was just removed is listed until that is committed.
  .filter((path) => path !== '' && existsSync(join(root, path)))

/** What belongs to one machine or one network: it means nothing to whoever clones this, and may be nobody's business. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  [
    'a host of a package registry',
    /\b(?:registry\.[a-z0-9-]+\.[a-z]{2,}|(?:npm|pypi|yarn)[a-z0-9.-]*\.(?:org|com|pkg\.dev)\b)/i,
  ],
  [
    'a proxy or mirror of packages',
    /\b[a-z0-9.-]*(?:artifactory|nexus|verdaccio|jfrog)[a-z0-9-]*\.[a-z]{2,}\b/i,
  ],
  ['a mirror of Debian', /\b(?:deb|ftp|snapshot|security)(?:\.[a-z]{2})?\.debian\.org\b/i],
  ['a host of an image registry', /\b(?:docker\.io\/|ghcr\.io|quay\.io|gcr\.io|[a-z0-9.-]+\.dkr\.ecr\.)/i],
  ['a path of a machine', /(?<![\w.])\/(?:work|workspace|builds?|home\/runner)\/[\w.-]+/],
  ['a scratch folder', /(?<![\w.])\/tmp\/x\//],
]

describe('committed files', () => {
  test('are found', () => expect(files).toContain('package.json'))

  test.each(FORBIDDEN)('do not name %s', (_, pattern) => {
    const found = files.flatMap((path) => {
      const match = pattern.exec(readFileSync(join(root, path), 'latin1'))
      return match === null ? [] : [`${path}: ${match[0]}`]
    })
    expect(found).toEqual([])
  })

  test('do not name this checkout', () => {
    const here = root.replace(/\/$/, '')
    if (here.split('/').length < 3) return
    expect(files.filter((path) => readFileSync(join(root, path), 'latin1').includes(`${here}/`))).toEqual([])
  })

  test.each([
    ['registry.', 'npmjs.', 'org'],
    ['https://npm.', 'example.', 'com/x'],
    ['artifactory.', 'example.', 'com'],
    ['deb.', 'debian.', 'org'],
    ['gh', 'cr.', 'io/x/y'],
    ['/wo', 'rk/', 'main'],
  ])('a name like %s%s%s would be noticed', (...pieces) => {
    expect(FORBIDDEN.some(([, pattern]) => pattern.test(`see ${pieces.join('')} for it`))).toBe(true)
  })
})
