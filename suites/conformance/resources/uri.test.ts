import { expect, test } from 'vitest'
import { uriProblem } from './uri.ts'

test.each(['custom://motto', 'urn:isbn:0451450523', 'x+y.z-1:a?b=c#d', 'assay://a/%20b', 'db://[::1]/t'])('%s is allowed', (uri) => {
  expect(uriProblem(uri)).toBeUndefined()
})

test.each(['motto', '1db://x', 'my_db://x', 'custom://a b', 'custom://ä', 'custom://100%', 'custom://a#b#c', 'custom://{id}'])(
  '%s is not',
  (uri) => {
    expect(uriProblem(uri)).toBeTypeOf('string')
  },
)
