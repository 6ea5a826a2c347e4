import { expect, test } from 'vitest'
import { bearerOf, parseChallenges } from './challenge.ts'

test.each<[string, unknown]>([
  ['Bearer', [{ scheme: 'bearer', parameters: {} }]],
  [
    'Bearer realm="a, b" , scope="x y",error=invalid_token',
    [{ scheme: 'bearer', parameters: { realm: 'a, b', scope: 'x y', error: 'invalid_token' } }],
  ],
  ['Bearer a="say \\"b\\""', [{ scheme: 'bearer', parameters: { a: 'say "b"' } }]],
  [
    'Negotiate YWI=, bearer a=b',
    [
      { scheme: 'negotiate', parameters: {}, token68: 'YWI=' },
      { scheme: 'bearer', parameters: { a: 'b' } },
    ],
  ],
  [
    'Basic realm="x", DPoP algs="ES256", Bearer',
    [
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'dpop', parameters: { algs: 'ES256' } },
      { scheme: 'bearer', parameters: {} },
    ],
  ],
  ['Bearer a = b', [{ scheme: 'bearer', parameters: { a: 'b' } }]],
])('%s is read', (field, challenges) => {
  expect(parseChallenges(field)).toEqual(challenges)
})

test.each([
  '',
  ' ',
  '="x"',
  'Bearer a="b',
  'Bearer a="b" c="d"',
  'Bearer resource_metadata=https://x/y, scope="a"',
  'Bearer a=b, a=c',
  'realm="x"',
])('%s does not fit', (field) => {
  expect(parseChallenges(field)).toBeUndefined()
})

test('the Bearer challenge is found among others', () => {
  expect(bearerOf('Basic realm="x", Bearer scope="a"')?.parameters).toEqual({ scope: 'a' })
  expect(bearerOf('Basic realm="x"')).toBeUndefined()
  expect(bearerOf(undefined)).toBeUndefined()
})
