import { expect, test } from 'vitest'
import { wordsAgain } from '../../../src/cli/again-words.ts'

test('what opens something has to be typed again, in the words that were typed, without a password', () => {
  expect(
    wordsAgain({
      ...{ simulate: 'cluster', login: 'mysql://admin:secret@any?tls=verify-full', password: 'prompt:' },
      ...{ backups: 'frankfurt', job: 'shop', key: ['a.asc', 'b.asc'], gpg: true, encryption: false },
    }).join(' '),
  ).toBe(
    '--simulate cluster --login mysql://admin@any?tls=verify-full --password prompt: --backups frankfurt --job shop --key a.asc --key b.asc --gpg --no-encryption',
  )
  expect(wordsAgain({ simulate: 'instance', encryption: true })).toEqual(['--simulate'])
  expect(wordsAgain({})).toEqual([])
})
