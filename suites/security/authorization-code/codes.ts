import { all, check, type Exchange, each, holdsIf, inconclusive, notApplicable, notTestable, section } from '../../../src/model/index.ts'
import { asPerson, type Grant, tokensIn } from './flow.ts'
import { challenges } from './pkce.ts'
import { bringsNoToken, controlledByTokens, noRefreshToken } from './verdicts.ts'

const replays = asPerson('a code used twice', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const { answer, exchange: before, tokens } = await flow.grant(app, { browser })
  const again = await flow.redeem(app, answer)
  const refreshed = tokens.refresh_token === undefined ? null : await flow.refresh(app, tokens.refresh_token)
  const after = (await flow.grant(app, { browser })).exchange
  return { before, again, refreshed, after }
})

const races = asPerson('a code used by several at once', async (flow) => {
  const app = await flow.app()
  const answer = await flow.authorize(app)
  if (answer.code === undefined) return null
  return await Promise.all(Array.from({ length: 6 }, () => flow.redeem(app, answer)))
})

const borrowed = asPerson('a code in the hands of another client', async (flow) => {
  const [app, other] = [await flow.app(), await flow.app()]
  const browser = flow.browser()
  const before = (await flow.grant(app, { browser })).exchange
  const stolen = await flow.redeem(other, await flow.authorize(app, {}, { browser }))
  const after = (await flow.grant(app, { browser })).exchange
  return { before, stolen, after }
})

const elsewhere = 'http://127.0.0.1:8917/assay-elsewhere'

const redirected = asPerson('a code with another redirect URI', async (flow) => {
  const app = await flow.app({ redirect_uris: ['http://127.0.0.1:8917/callback', elsewhere] })
  const browser = flow.browser()
  const before = (await flow.grant(app, { browser })).exchange
  const other = await flow.redeem(app, await flow.authorize(app, {}, { browser }), { redirect_uri: elsewhere })
  const after = (await flow.grant(app, { browser })).exchange
  return { before, other, after }
})

/** What a confidential client gets, and what somebody gets who only knows its name. */
const confidential = asPerson('codes and refresh tokens without the secret of their client', async (flow) => {
  const app = await flow.app({ token_endpoint_auth_method: 'client_secret_basic' })
  if (app.secret === undefined) return null
  const browser = flow.browser()
  const bare = { client_id: app.clientId, client_secret: null }
  const wrong = { client_id: app.clientId, client_secret: 'assay-wrong-secret' }
  const before = await flow.grant(app, { browser })
  const codes: Exchange[] = []
  for (const change of [bare, wrong]) codes.push(await flow.redeem(app, await flow.authorize(app, {}, { browser }), change))
  const token = before.tokens.refresh_token
  const refresh = token === undefined ? null : await flow.refresh(app, token, bare)
  const control = token === undefined ? null : await flow.refresh(app, token)
  const after = (await flow.grant(app, { browser })).exchange
  return { before: before.exchange, codes, refresh, control, after }
})

/** How long a code is, and how many characters it is written in: what that allows for at most. */
interface Shape {
  length: number
  alphabet: number
}

const shapes = asPerson('several codes', async (flow): Promise<{ shapes: Shape[]; different: number; shared: number }> => {
  const app = await flow.app()
  const browser = flow.browser()
  const grants: Grant[] = []
  for (let turn = 0; turn < 3; turn += 1) grants.push(await flow.grant(app, { browser }))
  const codes = grants.map(({ answer }) => flow.context.reveal(answer.code!))
  return { shapes: codes.map(shapeOf), different: new Set(codes).size, shared: sharedStart(codes) }
})

const alphabets: readonly [RegExp, number][] = [
  [/^\d+$/, 10],
  [/^[\da-f-]+$/i, 16],
  [/^[a-z\d]+$/, 36],
]

const shapeOf = (code: string): Shape => ({ length: code.length, alphabet: alphabets.find(([form]) => form.test(code))?.[1] ?? 64 })

/** Characters all codes begin with: those are no secret. */
function sharedStart([first = '', ...others]: string[]): number {
  let length = 0
  while (length < first.length && others.every((other) => other[length] === first[length])) length += 1
  return length
}

const bitsOf = ({ length, alphabet }: Shape, shared: number): number => Math.floor((length - shared) * Math.log2(alphabet))

const noConfidential = notTestable('the server registers no client with a secret')

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc6749',
    page: '4.1.3',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-287', 'API2:2023'],
    threat: 'code-interception',
  },
  [
    check('authorization-code/code-replay', {
      page: '4.1.2',
      title: 'A code is good once',
      must: 'deny a code that was used before',
      needs: { replays },
      judge: ({ replays: { before, again, after } }) =>
        controlledByTokens([before, after], () => bringsNoToken(again, 'redeems a code a second time')),
      fix: 'Mark a code as used in the same step in which it is looked up.',
      weakness: ['CWE-294', 'API2:2023'],
    }),

    check('authorization-code/code-replay-revokes', {
      page: '4.1.2',
      title: 'A code used twice ends the tokens it brought',
      should: 'revoke the tokens issued for a code that is used a second time',
      needs: { replays },
      judge: ({ replays: { before, again, refreshed, after } }) =>
        controlledByTokens([before, after], () => {
          if (tokensIn(again) !== undefined) return notApplicable('the server does not notice that the code was used before')
          return refreshed === null ? noRefreshToken : bringsNoToken(refreshed, 'lets the tokens of a code live that was used twice')
        }),
      fix: 'Keep the grant with the code, and end it with all its tokens when the code comes back.',
      weakness: ['CWE-294', 'API2:2023'],
    }),

    check('authorization-code/code-race', {
      page: '4.1.2',
      title: 'A code is good once also for those who use it at once',
      must: 'never let a code be used more than once, however close together the requests arrive',
      needs: { races },
      judge: ({ races }) => {
        const good = (races ?? []).filter((exchange) => tokensIn(exchange) !== undefined)
        if (races === null || good.length === 0) return inconclusive('none of the requests brings a token', races?.[0])
        return holdsIf(good.length === 1, 'redeems a code several times when the requests arrive together', {
          expected: 'tokens once',
          actual: `tokens ${good.length} times in ${races.length} requests`,
          exchange: good[1],
        })
      },
      fix: 'Look a code up and mark it as used in one atomic step of the store.',
      weakness: ['CWE-362', 'CWE-294', 'API2:2023'],
    }),

    check('authorization-code/code-client', {
      title: 'A code is for the client it was issued to',
      must: 'ensure that the code was issued to the client that presents it',
      needs: { borrowed },
      judge: ({ borrowed: { before, stolen, after } }) =>
        controlledByTokens([before, after], () => bringsNoToken(stolen, 'redeems a code for another client')),
      fix: 'Keep the client with the code, and compare it with the client that authenticates or, for a public one, with client_id.',
      weakness: ['CWE-287', 'CWE-639', 'API2:2023', 'API1:2023'],
    }),

    check('authorization-code/code-redirect', {
      title: 'A code is for the redirect URI it was sent to',
      must: 'ensure that the redirect URI of the token request is that of the authorization request, unless PKCE stands in for it',
      needs: { redirected, challenges },
      judge: ({ redirected: { before, other, after }, challenges: { without } }) =>
        controlledByTokens([before, after], () =>
          tokensIn(other) !== undefined && without.code === undefined
            ? notApplicable('the server ignores the redirect URI and requires PKCE in its place (OAuth 2.1, section 10.2)')
            : bringsNoToken(other, 'redeems a code with another redirect URI'),
        ),
      fix: 'Keep the redirect URI with the code and compare the two as texts, or require PKCE of every client.',
      weakness: ['CWE-601', 'API2:2023'],
    }),

    check('authorization-code/code-authentication', {
      title: 'A code of a confidential client needs its secret',
      must: 'require client authentication of confidential clients',
      needs: { confidential },
      judge: ({ confidential }) => {
        if (confidential === null) return noConfidential
        const { before, codes, after } = confidential
        return controlledByTokens([before, after], () =>
          all(codes.map((each) => bringsNoToken(each, 'redeems a code without the secret of its client'))),
        )
      },
      fix: 'Authenticate a client that has a secret on every token request; client_id alone is for public clients.',
      weakness: ['CWE-306', 'CWE-287', 'API2:2023'],
      threat: 'client-takeover',
    }),

    check('authorization-code/refresh-authentication', {
      page: '6',
      title: 'A refresh token of a confidential client needs its secret',
      must: 'require client authentication of confidential clients when they refresh',
      needs: { confidential },
      judge: ({ confidential }) => {
        if (confidential === null) return noConfidential
        const { refresh, control } = confidential
        if (refresh === null || control === null) return noRefreshToken
        const judged = bringsNoToken(refresh, 'refreshes without the secret of the client')
        return judged.kind === 'broken' ? judged : controlledByTokens([control], () => judged)
      },
      fix: 'Authenticate a client that has a secret before its refresh token is looked at.',
      weakness: ['CWE-306', 'CWE-287', 'API2:2023'],
      threat: 'refresh-theft',
    }),

    check('authorization-code/code-guessing', {
      page: '10.10',
      title: 'A code cannot be guessed',
      must: 'make codes so that one is guessed with a probability of at most 2^-128',
      needs: { shapes },
      judge: ({ shapes: { shapes, different, shared } }) =>
        holdsIf(different === shapes.length, 'issues the same code twice', {
          actual: `${different} different codes of ${shapes.length}`,
        }).and(
          each(shapes, 'no code was issued', (shape) =>
            holdsIf(bitsOf(shape, shared) >= 128, 'issues codes that are too short to hold 128 bits', {
              expected: 'at least 128 bits',
              actual: `${shape.length} characters of ${shape.alphabet}, ${shared} of them always the same: at most ${bitsOf(shape, shared)} bits`,
            }),
          ),
        ),
      fix: 'Take 32 bytes from a cryptographic source of randomness for every code.',
      weakness: ['CWE-331', 'API2:2023'],
      threat: 'credential-guessing',
    }),
  ],
)
