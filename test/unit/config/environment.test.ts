import { homedir } from 'node:os'
import { expect, test } from 'vitest'
import { readEnvironment } from '../../../src/config/environment.ts'

test.each([
  [{ HOME: '/home/u' }, '/home/u/.local/state/lifeboat'],
  [{ HOME: '/home/u', XDG_STATE_HOME: '/state' }, '/state/lifeboat'],
  [{ HOME: '/home/u', XDG_STATE_HOME: '' }, '/home/u/.local/state/lifeboat'],
  [{ HOME: '/home/u', XDG_STATE_HOME: 'relative' }, '/home/u/.local/state/lifeboat'],
  [{ HOME: '/home/u', XDG_STATE_HOME: '/state', LIFEBOAT_STATE_DIR: '/own' }, '/own'],
  [{}, `${homedir()}/.local/state/lifeboat`],
])('%j keeps its state in %s', (variables, folder) => {
  expect(readEnvironment(variables).stateFolder).toBe(folder)
})

test('a relative LIFEBOAT_STATE_DIR is refused, since each working folder would have its own', () => {
  const environment = readEnvironment({ LIFEBOAT_STATE_DIR: 'state' })
  expect(() => environment.stateFolder).toThrow(expect.objectContaining({ code: 'config' }))
})

test('what is missing or empty has a sane stand-in', () => {
  const { searchPath, agentSocket, color, debug } = readEnvironment({
    PATH: '',
    SSH_AUTH_SOCK: '',
    NO_COLOR: '',
  })
  expect({ searchPath, agentSocket, color, debug }).toEqual({
    searchPath: '/usr/local/bin:/usr/bin:/bin',
    agentSocket: undefined,
    color: true,
    debug: false,
  })
  expect(readEnvironment({ NO_COLOR: '1', LIFEBOAT_DEBUG: '1' })).toMatchObject({ color: false, debug: true })
})
