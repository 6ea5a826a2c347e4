import { expect, test } from 'vitest'
import type { Exchange } from '../model/index.ts'
import { TokenBudget } from './token-budget.ts'

const answer = (body: string) => async () => ({ response: { body } }) as Exchange
const ask = { url: 'https://issuer.example/token', body: 'grant_type=client_credentials' }
const token = answer('{"access_token":"$ACCESS_TOKEN_1"}')
const refusal = answer('{"error":"invalid_client"}')

test('gives out no more tokens than there are, also to those who ask at once', async () => {
  const budget = new TokenBudget(2)
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => budget.spend(ask, token)))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  await expect(budget.spend(ask, token)).rejects.toMatchObject({ kind: 'not-testable', message: expect.stringContaining('limits.tokens') })
})

test('a refusal costs nothing, and neither does what asks for no token', async () => {
  const budget = new TokenBudget(1)
  await budget.spend(ask, refusal)
  await budget.spend(ask, token)
  await budget.spend({ method: 'GET', url: 'https://issuer.example/.well-known/openid-configuration' }, token)
  await expect(budget.spend({ url: 'https://issuer.example/token?grant_type=client_credentials' }, token)).rejects.toThrow(
    'budget of 1 tokens',
  )
})
