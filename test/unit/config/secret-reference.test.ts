import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEnvironment } from '../../../src/config/environment.ts'
import { createSecretSource, type SecretPorts } from '../../../src/config/secret-reference.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-secrets-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function createPorts(variables: NodeJS.ProcessEnv = {}, typed: readonly string[] = []) {
  const answers = [...typed]
  const asked: { question: string; confirm: boolean }[] = []
  const warnings: string[] = []
  const ports: SecretPorts = {
    environment: readEnvironment(variables),
    ask: async (question, confirm) => {
      asked.push({ question, confirm })
      return answers.shift() ?? ''
    },
    onWarning: (message) => warnings.push(message),
  }
  return { ports, asked, warnings }
}

const REQUEST = { option: '--password', what: 'password of the database account' }

describe('env:', () => {
  test('gives the value, and takes the variable out of the environment before any tool could inherit it', async () => {
    const variables: NodeJS.ProcessEnv = { DB_PASSWORD: 'hunter2 ' }
    const { ports } = createPorts(variables)
    const source = createSecretSource('env:DB_PASSWORD', REQUEST, ports)
    expect(variables).toEqual({})
    expect((await source()).reveal()).toBe('hunter2 ')
    const again = createSecretSource('env:DB_PASSWORD', REQUEST, ports)
    expect((await again()).reveal()).toBe('hunter2 ')
  })

  test.each([
    ['env:NONE', 'config', /'NONE' is not set/],
    ['env:EMPTY', 'config', /'EMPTY' is empty/],
    ['env:$NAME', 'usage', /not followed by a variable's name/],
    ['env:', 'usage', /takes a reference/],
  ])('%s is refused at once', (reference, code, message) => {
    const { ports } = createPorts({ EMPTY: '' })
    expect(() => createSecretSource(reference, REQUEST, ports)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.any(String) }),
    )
  })
})

describe('file:', () => {
  async function file(text: string | Buffer, mode = 0o600): Promise<string> {
    const path = join(folder, `secret-${Math.random().toString(36).slice(2)}`)
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }

  test.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    ['hunter2\n\n', 'hunter2\n'],
    [' two words \n', ' two words '],
    ['pass\u{1f6a3}wörd\n', 'pass\u{1f6a3}wörd'],
  ])('%j gives %j: one line end goes, nothing else', async (text, value) => {
    const { ports, warnings } = createPorts()
    expect((await createSecretSource(`file:${await file(text)}`, REQUEST, ports)()).reveal()).toBe(value)
    expect(warnings).toEqual([])
  })

  test('is read anew for each connection, for tokens that are renewed', async () => {
    const path = await file('first')
    const source = createSecretSource(`file:${path}`, REQUEST, createPorts().ports)
    expect((await source()).reveal()).toBe('first')
    await writeFile(path, 'second')
    expect((await source()).reveal()).toBe('second')
  })

  test('below ~ is in the home folder', async () => {
    const path = await file('at home')
    const { ports } = createPorts({ HOME: folder })
    const source = createSecretSource(path.replace(folder, 'file:~'), REQUEST, ports)
    expect((await source()).reveal()).toBe('at home')
  })

  test('that everybody can read is warned of once', async () => {
    const { ports, warnings } = createPorts()
    const source = createSecretSource(`file:${await file('open', 0o644)}`, REQUEST, ports)
    await source()
    await source()
    expect(warnings).toEqual([expect.stringContaining('every user of this machine can read')])
  })

  test('that is a pipe is read once and remembered', async () => {
    const fifo = join(folder, 'fifo')
    await promisify(execFile)('mkfifo', [fifo])
    const source = createSecretSource(`file:${fifo}`, REQUEST, createPorts().ports)
    const [secret] = await Promise.all([source(), writeFile(fifo, 'piped\n')])
    expect(secret.reveal()).toBe('piped')
    expect((await source()).reveal()).toBe('piped')
  })

  test.each([
    ['missing', async () => join(folder, 'none'), /no such file/],
    ['a folder', async () => folder, /it is a folder/],
    ['empty', () => file('\n'), /is empty/],
    ['not text', () => file(Buffer.from([0xff, 0xfe, 0x00])), /not text/],
    ['huge', () => file(Buffer.alloc(65 * 1024, 'x')), /larger than any secret/],
  ])('that is %s is refused when it is needed', async (_, path, message) => {
    const source = createSecretSource(`file:${await path()}`, REQUEST, createPorts().ports)
    await expect(source()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    })
  })
})

describe('prompt:', () => {
  test('asks late, once, and says what for', async () => {
    const { ports, asked } = createPorts({}, ['hunter2', 'never asked'])
    const source = createSecretSource('prompt:', REQUEST, ports)
    expect(asked).toEqual([])
    const both = await Promise.all([source(), source()])
    expect(both.map((secret) => secret.reveal())).toEqual(['hunter2', 'hunter2'])
    expect(asked).toEqual([{ question: 'password of the database account', confirm: false }])
  })

  test('has a new secret typed twice', async () => {
    const { ports, asked } = createPorts({}, ['new'])
    await createSecretSource('prompt:', { ...REQUEST, confirm: true }, ports)()
    expect(asked).toEqual([{ question: 'password of the database account', confirm: true }])
  })

  test('takes nothing for no answer, and may be asked again', async () => {
    const { ports } = createPorts({}, ['', 'hunter2'])
    const source = createSecretSource('prompt:', REQUEST, ports)
    await expect(source()).rejects.toMatchObject({ code: 'config' })
    expect((await source()).reveal()).toBe('hunter2')
  })
})

test('whatever else is given may be the secret itself, and is never repeated', () => {
  const { ports } = createPorts()
  fc.assert(
    fc.property(fc.string({ minLength: 8 }), (text) => {
      fc.pre(!/^(env|file|prompt):/.test(text))
      try {
        createSecretSource(text, REQUEST, ports)
      } catch (thrown) {
        const shown = JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))
        return (
          !shown.includes(JSON.stringify(text).slice(1, -1)) && (thrown as { code: string }).code === 'usage'
        )
      }
      return false
    }),
  )
})
