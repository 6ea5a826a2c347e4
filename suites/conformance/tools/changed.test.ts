import { expect, test } from 'vitest'
import { rivalOf } from './changed.ts'

test('the own name of another server’s tool follows from how the gateway prefixes', () => {
  expect(rivalOf('scripted___scripted_read', 'scripted_read', ['files___read_file', 'scripted___scripted_read'])).toBe('read_file')
  expect(rivalOf('s/scripted_read', 'scripted_read', ['files/read/all', 's/scripted_read'])).toBe('read/all')
})

test('without a prefix it is the name as listed', () => {
  expect(rivalOf('scripted_read', 'scripted_read', ['scripted', 'scripted_read', 'search'])).toBe('search')
})

test('nothing is guessed when there is no other server', () => {
  expect(rivalOf('a___scripted_read', 'scripted_read', ['a___scripted', 'a___scripted_read'])).toBeUndefined()
})
