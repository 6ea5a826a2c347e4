import {
  check,
  type Evidence,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  type Probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { asPerson, s256, tokensIn } from './flow.ts'
import { bringsNoCode, bringsNoToken, controlledByTokens, errorCode } from './verdicts.ts'

/** Authorization requests without a good code challenge, and what their codes are good for, between two good ones. */
export const challenges = asPerson('authorization requests without a good code challenge', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const none = { code_challenge: null, code_challenge_method: null }
  const before = (await flow.grant(app, { browser })).exchange
  const without = await flow.authorize(app, none, { browser })
  const downgraded = without.code === undefined ? null : await flow.redeem(app, without)
  const plain = await flow.authorize(
    app,
    { code_challenge: 'assay-plain-challenge'.repeat(3), code_challenge_method: 'plain' },
    { browser },
  )
  const unknown = await flow.authorize(app, { code_challenge_method: 'assay512' }, { browser })
  const after = (await flow.grant(app, { browser })).exchange
  return { public: app.secret === undefined, before, without, downgraded, plain, unknown, after }
})

const verifiers = asPerson('codes with wrong verifiers', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const short = 'assay-short-verifier'
  const codeFor = (change = {}) => flow.authorize(app, change, { browser })
  const before = (await flow.grant(app, { browser })).exchange
  const wrong = await flow.redeem(app, await codeFor(), { code_verifier: 'assay-wrong-verifier'.repeat(3) })
  const missing = await flow.redeem(app, await codeFor(), { code_verifier: null })
  const asked = await codeFor({ code_challenge: s256(short) })
  const brief = asked.code === undefined ? null : await flow.redeem(app, asked, { code_verifier: short })
  const after = (await flow.grant(app, { browser })).exchange
  return { before, wrong, missing, brief, after }
})

type Challenges = Omit<typeof challenges extends Probe<infer E> ? E : never, 'before' | 'after'>

const challenge = (judge: (answers: Challenges) => Judgement) => ({
  needs: { challenges },
  judge: ({ challenges: { before, after, ...answers } }: Evidence<{ challenges: typeof challenges }>): Judgement =>
    controlledByTokens([before, after], () => judge(answers)),
})

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7636',
    page: '4.6',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-287', 'API2:2023'],
    threat: 'code-interception',
  },
  [
    check('authorization-code/challenge-required', {
      ...challenge((answers) =>
        answers.public
          ? bringsNoCode(answers.without, 'issues a code without a code challenge')
          : notApplicable('the client is confidential: its codes are bound to its secret'),
      ),
      spec: 'oauth-2.1',
      page: '7.5.2',
      title: 'A public client must send a code challenge',
      must: 'enforce the use of code_challenge by public clients',
      fix: 'Require PKCE of every client; where that is a setting of the client, make it the default for registered ones.',
      weakness: ['CWE-345', 'CWE-287', 'API2:2023'],
    }),

    check('authorization-code/plain-challenge', {
      ...challenge(({ plain }) => bringsNoCode(plain, 'accepts a plain code challenge')),
      page: '7.2',
      title: 'A plain code challenge is refused',
      policy: 'refuse the code challenge method plain, which gives the verifier away to whoever sees the request',
      fix: 'Offer S256 alone.',
      weakness: ['CWE-757', 'API2:2023'],
    }),

    check('authorization-code/challenge-method', {
      ...challenge(({ unknown }) => bringsNoCode(unknown, 'issues a code for a challenge method it cannot verify')),
      page: '4.4.1',
      title: 'An unknown challenge method is refused',
      must: 'answer invalid_request where the requested transformation is not supported',
      fix: 'Compare code_challenge_method with the supported ones, and refuse the rest.',
      weakness: ['CWE-757', 'API2:2023'],
    }),

    check('authorization-code/verifier-downgrade', {
      spec: 'oauth-2.1',
      page: '4.1.3',
      title: 'A verifier without a challenge is refused',
      must: 'accept a code_verifier only where the authorization request had a code_challenge',
      needs: { challenges },
      judge: ({ challenges: { before, after, downgraded } }) =>
        controlledByTokens([before, after], () =>
          downgraded === null ? holds : bringsNoToken(downgraded, 'ignores the verifier of a code that was issued without a challenge'),
        ),
      fix: 'Refuse a token request whose code_verifier has no code_challenge to be compared with: the challenge was taken out on the way.',
      weakness: ['CWE-757', 'API2:2023'],
    }),

    check('authorization-code/verifier-wrong', {
      title: 'A code with a wrong verifier is refused',
      must: 'answer invalid_grant where the verifier does not match the challenge',
      needs: { verifiers },
      judge: ({ verifiers: { before, wrong, after } }) =>
        controlledByTokens([before, after], () =>
          bringsNoToken(wrong, 'redeems a code with a wrong verifier').and(
            holdsIf(tokensIn(wrong) !== undefined || errorCode(wrong) === 'invalid_grant', 'refuses a wrong verifier with another error', {
              expected: 'invalid_grant',
              actual: summaryOf(wrong),
              exchange: wrong,
            }),
          ),
        ),
      fix: 'Compare BASE64URL(SHA256(code_verifier)) with the challenge before anything is issued.',
    }),

    check('authorization-code/verifier-missing', {
      spec: 'oauth-2.1',
      page: '4.1.3',
      title: 'A code without its verifier is refused',
      must: 'require the code_verifier of a code that was issued for a code_challenge',
      needs: { verifiers },
      judge: ({ verifiers: { before, missing, after } }) =>
        controlledByTokens([before, after], () => bringsNoToken(missing, 'redeems a code without its verifier')),
      fix: 'Refuse the token request when the code has a challenge and the request no verifier.',
    }),

    check('authorization-code/verifier-length', {
      page: '4.1',
      title: 'A verifier that could be guessed is refused',
      policy: 'refuse a verifier of fewer than 43 characters',
      needs: { verifiers },
      judge: ({ verifiers: { before, brief, after } }) =>
        controlledByTokens([before, after], () =>
          brief === null ? holds : bringsNoToken(brief, 'redeems a code with a verifier of 20 characters'),
        ),
      fix: 'Check the length and the alphabet of code_verifier before it is hashed.',
      weakness: ['CWE-331', 'API2:2023'],
    }),
  ],
)
