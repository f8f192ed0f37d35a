import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  fingerprint,
  hostName,
  judgeHostKey,
  keyType,
  knownKeyTypes,
  parseKnownHosts,
} from '../../../../src/sinks/ssh/known-hosts.ts'
import { lacks } from '../../../testbed/requirement.ts'

const key = (type: string, text: string) => {
  const parts = [type, text].map((part) => Buffer.from(part))
  return Buffer.concat(parts.flatMap((part) => [Buffer.of(0, 0, 0, part.length), part]))
}
const [ed, rsa, other] = [key('ssh-ed25519', 'one'), key('ssh-rsa', 'two'), key('ssh-ed25519', 'three')]
const line = (hosts: string, blob: Buffer) => `${hosts} ${keyType(blob)} ${blob.toString('base64')} a comment`
const judge = (text: string, name: string, blob = ed) =>
  judgeHostKey(parseKnownHosts(text, 'known_hosts'), name, blob)

describe('judgeHostKey', () => {
  test.for([
    ['db.example.net', 'db.example.net'],
    ['DB.Example.net', 'db.example.net'],
    ['10.0.0.7,db', 'db'],
    ['*.example.net', 'db.example.net'],
    ['db?', 'db1'],
    ['[db]:2222', '[db]:2222'],
    ['[*]:2222', '[db]:2222'],
  ] as const)('finds %s for %s', ([hosts, name]) => {
    expect(judge(line(hosts, ed), name)).toEqual({ verdict: 'known' })
  })

  test.for([
    ['db.example.net', 'db.example.org'],
    ['db', '[db]:2222'],
    ['[db]:2222', 'db'],
    ['*.example.net,!db.example.net', 'db.example.net'],
    ['db', 'db1'],
    ['d.b', 'dxb'],
    ['# db', 'db'],
  ] as const)('does not find %s for %s', ([hosts, name]) => {
    expect(judge(line(hosts, ed), name)).toEqual({ verdict: 'unknown', onlyAuthority: false })
  })

  test('tells a changed key, and the line', () => {
    expect(judge(`# comment\n\n${line('db', other)}`, 'db')).toEqual({
      verdict: 'changed',
      where: 'known_hosts line 3',
    })
    // Known by another type only: the server must not get away with showing a new one.
    expect(judge(line('db', rsa), 'db')).toMatchObject({ verdict: 'changed' })
    expect(judge(`${line('db', rsa)}\n${line('db', ed)}`, 'db')).toEqual({ verdict: 'known' })
  })

  test('a revoked key stays revoked though another line knows it', () => {
    const text = `${line('db', ed)}\n@revoked ${line('*', ed)}`
    expect(judge(text, 'db')).toEqual({ verdict: 'revoked', where: 'known_hosts line 2' })
  })

  test('an authority does not make its own key that of the host', () => {
    expect(judge(`@cert-authority ${line('*', ed)}`, 'db')).toEqual({
      verdict: 'unknown',
      onlyAuthority: true,
    })
  })

  test('passes over what it can not read', () => {
    expect(judge(`garbage\n|1|x\n@new-marker ${line('db', other)}\n${line('db', ed)}`, 'db')).toEqual({
      verdict: 'known',
    })
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void judge(text, 'db')))
  })
})

test('names the types that are known', () => {
  const lines = parseKnownHosts(`${line('db', rsa)}\n${line('other', ed)}\n@revoked ${line('db', ed)}`, 'f')
  expect(knownKeyTypes(lines, 'db')).toEqual(['ssh-rsa'])
})

test('looks hosts up as ssh does', () => {
  expect(hostName('DB.example.net', 22)).toBe('db.example.net')
  expect(hostName('db', 2222)).toBe('[db]:2222')
})

describe.skipIf(lacks('ssh'))('against ssh-keygen', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-'))
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const publicKey = () => readFileSync(join(folder, 'key.pub'), 'utf8')
  const blob = () => Buffer.from(publicKey().split(' ')[1] ?? '', 'base64')

  test('fingerprints agree', () => {
    const said = execFileSync('ssh-keygen', ['-lf', join(folder, 'key.pub')], { encoding: 'utf8' })
    expect(said).toContain(` ${fingerprint(blob())} `)
  })

  test('hashed names are found', () => {
    const file = join(folder, 'known_hosts')
    writeFileSync(file, `db.example.net ${publicKey()}[db]:2222 ${publicKey()}`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^\|1\|.*\n\|1\|/)
    for (const name of ['db.example.net', '[db]:2222'])
      expect(judge(text, name, blob())).toEqual({ verdict: 'known' })
    expect(judge(text, 'db', blob())).toMatchObject({ verdict: 'unknown' })
  })
})
