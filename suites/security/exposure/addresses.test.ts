import { expect, test } from 'vitest'
import { addressesIn } from './addresses.ts'

const outside = 'https://gateway.example/mcp'

test.each([
  ['connect ECONNREFUSED 10.20.30.40:5432', ['10.20.30.40:5432']],
  ['no route to orders.prod.svc.cluster.local', ['orders.prod.svc.cluster.local']],
  ['ip-10-0-3-7 does not answer', ['ip-10-0-3-7']],
  ['at 127.0.0.1:8080', ['127.0.0.1:8080']],
  ['version 1.10.2 of gateway.example', []],
  ['the address 8.8.8.8 is public', []],
])('finds what is internal in "%s"', (text, found) => {
  expect(addressesIn(text, outside)).toEqual(found)
})

test('the address of the target itself is known to whoever asked', () => {
  expect(addressesIn('at 10.0.0.1', 'http://10.0.0.1:8080/mcp')).toEqual([])
  expect(addressesIn('at http://127.0.0.1:9000/token', 'http://127.0.0.1:8080/mcp')).toEqual([])
})
