import {
  all,
  bodyOf,
  broken,
  check,
  type Exchange,
  hasStatus,
  holds,
  holdsIf,
  mediaTypeOf,
  notApplicable,
  notTestable,
  type ProbeContext,
  probe,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { formBody } from '../forms.ts'
import { decodeJwt, encodeJwt } from '../tokens/jwt.ts'
import {
  type Attempt,
  by,
  type Credentials,
  decided,
  endpointOf,
  type Form,
  postForm,
  refused,
  scopesOf,
  type TokenAnswer,
  tokenOf,
  toldBy,
  words,
} from './machine.ts'
import { ownClients } from './registered.ts'
import { requests } from './requests.ts'

/** What is told about one token, to its client and to others. */
interface Introspections {
  about: TokenAnswer
  own: Exchange
  hinted: Exchange
  unknown: Attempt[]
  altered: Attempt[]
  anonymous: Attempt[]
  /** By the same client with a wrong secret, in the Authorization field. */
  wrongSecret: Exchange
  byGet: Exchange
  /** By a client of another tenant. */
  foreign?: Exchange
}

/** Asks about a token as somebody. */
export const introspect = (context: ProbeContext, token: string, { headers, form }: Credentials, more: Form = []): Promise<Exchange> =>
  postForm(context, endpointOf(context, 'introspection_endpoint'), [['token', token], ...more, ...form], headers)

/** Whether a token is active, as far as the answer says so. */
export function activeIn(exchange: Exchange): boolean | undefined {
  const active = statusOf(exchange) === 200 ? bodyOf(exchange)?.active : undefined
  return typeof active === 'boolean' ? active : undefined
}

const introspections = probe('introspection of tokens', { requires: ['introspection', 'client'], deadline: 90_000 }, async (context) => {
  const { before: about, way } = await context.use(requests)
  const [client, second] = context.access().clients
  const own = by(context, way, client!)
  const token = tokenOf(about.exchange)!
  const ask = async (what: string, value: string, as: Credentials): Promise<Attempt> => ({
    what,
    exchange: await introspect(context, value, as),
  })
  const wrong = { clientId: client!.clientId, clientSecret: context.conceal('assay-wrong-secret-0123456789abcdef', 'WRONG_SECRET') }
  const url = endpointOf(context, 'introspection_endpoint')
  const query = formBody(context, [['token', token], ...own.form])
  const foreign = second !== undefined && second.tenant !== client!.tenant
  const evidence: Introspections = {
    about,
    own: await introspect(context, token, own),
    hinted: await introspect(context, token, own, [['token_type_hint', 'refresh_token']]),
    unknown: [await ask('nobody issued', 'assay-unknown-token', own), await ask('that looks like a JWT', 'YQ.YQ.YQ', own)],
    altered: await Promise.all(alteredOf(context, token).map(([what, value]) => ask(what, value, own))),
    anonymous: [
      await ask('without credentials', token, { headers: [], form: [] }),
      await ask('with a client id and no secret', token, { headers: [], form: [['client_id', client!.clientId]] }),
      await ask('with a wrong secret', token, by(context, way, wrong)),
    ],
    wrongSecret: await introspect(context, token, by(context, 'basic', wrong)),
    byGet: await context.request({
      method: 'GET',
      url: `${url}${url.includes('?') ? '&' : '?'}${query}`,
      headers: own.headers,
      authorize: false,
    }),
    ...(foreign ? { foreign: await introspect(context, token, by(context, way, second)) } : {}),
  }
  return evidence
})

function alteredOf({ reveal, conceal }: ProbeContext, token: string): [string, string][] {
  const jwt = decodeJwt(reveal(token))
  if (jwt === undefined) return [['that goes on', conceal(`${reveal(token)}x`, 'TOKEN_FORGED')]]
  const bytes = Buffer.from(jwt.signature, 'base64url')
  const flipped = Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))).toString('base64url')
  return [
    ['under another signature', conceal(encodeJwt({ ...jwt, signature: flipped }), 'TOKEN_FORGED')],
    ['changed after signing', conceal(encodeJwt({ ...jwt, claims: { ...jwt.claims, exp: Number(jwt.claims.exp) + 60 } }), 'TOKEN_FORGED')],
    ['without its signature', conceal(encodeJwt({ ...jwt, signature: '' }), 'TOKEN_FORGED')],
  ]
}

const kept = notTestable('the client is not told of its own token: give one under `authority.clients` of the target that may introspect')

const inactive = ({ what, exchange }: Attempt) =>
  decided(exchange, () =>
    holdsIf(activeIn(exchange) === false, `does not call a token ${what} inactive`, {
      expected: 'HTTP 200 and "active": false',
      actual: toldBy(exchange),
      exchange,
    }),
  )

/** Nobody who has not authenticated learns anything. */
const silent = ({ what, exchange }: Attempt) =>
  decided(exchange, () =>
    activeIn(exchange) === undefined
      ? refused({ what, exchange })
      : broken(`answers somebody ${what}`, { expected: 'HTTP 401', actual: toldBy(exchange), exchange }),
  )

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7662',
    page: '2.2',
    revisions: '2025-03-26..',
    requires: ['introspection', 'client'],
    weakness: ['CWE-200', 'API3:2023'],
    threat: 'stale-token',
  },
  [
    check('introspection/authentication', {
      page: '2.1',
      title: 'Whoever asks about tokens authenticates',
      must: 'require authorization of those who introspect tokens',
      needs: { introspections },
      judge: ({ introspections: { anonymous } }) => all(anonymous.map(silent)),
      fix: 'Authenticate the caller of the introspection endpoint before the token is looked at.',
      weakness: ['CWE-306', 'API2:2023'],
      threat: 'token-theft',
    }),

    check('introspection/public-client', {
      page: '4',
      requires: 'registration',
      title: 'A client without credentials does not introspect',
      must: 'require authentication of those who introspect, for which a client id alone is not enough',
      needs: { ownClients },
      judge: ({ ownClients: { open } }) => {
        const exchange = open?.introspection
        if (exchange === undefined) return notTestable('no client without credentials could be registered')
        return silent({ what: 'with the id of a client without credentials', exchange })
      },
      fix: 'Refuse clients that are registered without a secret or key.',
      weakness: ['CWE-306', 'API2:2023'],
      threat: 'token-theft',
    }),

    check('introspection/authentication-status', {
      page: '2.3',
      title: 'Wrong credentials are answered with 401',
      must: 'answer 401 when the credentials of the client that introspects are invalid',
      needs: { introspections },
      judge: ({ introspections: { wrongSecret } }) => decided(wrongSecret, () => hasStatus(wrongSecret, 401)),
      fix: 'Answer 401 with invalid_client, so that a failed introspection is not taken for an inactive token.',
      weakness: ['CWE-287', 'API2:2023'],
      threat: 'misread-answer',
    }),

    check('introspection/response', {
      title: 'The answer says whether the token is active',
      must: 'answer in JSON with a Boolean member active',
      needs: { introspections },
      judge: ({ introspections: { own } }) =>
        decided(own, (status) => {
          if (status === 401 || status === 403) return kept
          return holdsIf(
            activeIn(own) !== undefined && mediaTypeOf(own) === 'application/json',
            'does not say whether the token is active',
            {
              expected: 'application/json with "active": true or false',
              actual: toldBy(own),
              exchange: own,
            },
          )
        }),
      fix: 'Answer 200 with application/json, and true or false as JSON values under active.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('introspection/description', {
      title: 'What is told about a token is true',
      must: 'describe the token that was asked about: its client, scopes, audience and times',
      needs: { introspections },
      judge: ({ introspections: { own, about } }) => {
        if (activeIn(own) !== true) return kept
        const told = bodyOf(own)!
        const members = ['client_id', 'sub', 'exp', 'iat', 'iss', 'jti'].filter(
          (name) => told[name] !== undefined && about.claims?.[name] !== undefined,
        )
        const wrong = members.filter((name) => told[name] !== about.claims![name])
        const granted = scopesOf(about)
        const more = granted === undefined ? [] : words(told.scope).filter((scope) => !granted.includes(scope))
        if (members.length === 0 && granted === undefined) return notApplicable('there is nothing to compare the answer with')
        return holdsIf(wrong.length === 0 && more.length === 0, 'tells other things of a token than are true', {
          expected: Object.fromEntries([...members.map((name) => [name, about.claims![name]]), ['scope', granted?.join(' ')]]),
          actual: Object.fromEntries([...members, 'scope'].map((name) => [name, told[name]])),
          exchange: own,
        })
      },
      fix: 'Take the members from the record of the token itself.',
      weakness: ['CWE-863', 'API5:2023'],
      threat: 'scope-bypass',
    }),

    check('introspection/unknown-token', {
      title: 'A token nobody issued is inactive',
      must: 'answer that a token it does not know is not active',
      needs: { introspections },
      judge: ({ introspections: { own, unknown } }) => (activeIn(own) === undefined ? kept : all(unknown.map(inactive))),
      fix: 'Answer 200 with `{"active": false}` and nothing else to whatever is no valid token.',
      threat: 'forged-token',
    }),

    check('introspection/altered-token', {
      page: '4',
      title: 'A token changed after it was issued is inactive',
      must: 'validate the signature of a signed token, and answer that an altered one is not active',
      needs: { introspections },
      judge: ({ introspections: { own, altered } }) => (activeIn(own) !== true ? kept : all(altered.map(inactive))),
      fix: 'Verify the signature before the token is looked up by its id.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('introspection/hint', {
      page: '2.1',
      title: 'A wrong hint does not hide a token',
      must: 'extend its search to all types of tokens when the hint leads nowhere',
      needs: { introspections },
      judge: ({ introspections: { own, hinted } }) => {
        if (activeIn(own) !== true) return kept
        return decided(hinted, () =>
          holdsIf(activeIn(hinted) === true, 'does not find an access token under the hint refresh_token', {
            expected: '"active": true',
            actual: toldBy(hinted),
            exchange: hinted,
          }),
        )
      },
      fix: 'Take token_type_hint for where to look first, not for where to look.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('introspection/inactive-detail', {
      title: 'Nothing more is told of an inactive token',
      should: 'include no further information about an inactive token',
      needs: { introspections },
      judge: ({ introspections: { unknown, altered, foreign } }) => {
        const found = [...unknown, ...altered].map(({ exchange }) => exchange).concat(foreign ?? [])
        const answers = found.filter((exchange) => activeIn(exchange) === false)
        if (answers.length === 0) return notApplicable('no token was called inactive')
        return all(
          answers.map((exchange) =>
            holdsIf(Object.keys(bodyOf(exchange)!).length === 1, 'tells more of an inactive token than that it is inactive', {
              expected: '{"active": false}',
              actual: bodyOf(exchange),
              exchange,
            }),
          ),
        )
      },
      fix: 'Answer `{"active": false}`, and write the reason to the log.',
    }),

    check('introspection/foreign-token', {
      requires: 'second client',
      title: 'A client of another tenant is told nothing',
      policy: 'tell the client of one tenant nothing of a token of another',
      needs: { introspections },
      judge: ({ introspections: { own, foreign } }) => {
        if (foreign === undefined) return notTestable('needs clients of two tenants: see `authority.clients[].tenant` of the target')
        if (activeIn(own) !== true) return kept
        return decided(foreign, () =>
          holdsIf(activeIn(foreign) !== true, 'tells a client of another tenant what a token is good for', {
            expected: '{"active": false}',
            actual: bodyOf(foreign),
            exchange: foreign,
          }),
        )
      },
      fix: 'Answer a caller only about tokens that were issued to it, or for it as the audience.',
      weakness: ['CWE-668', 'API1:2023'],
      threat: 'tenant-crossing',
    }),

    check('introspection/get', {
      page: '4',
      title: 'Tokens to be looked at do not travel in URLs',
      policy: 'take tokens for introspection by POST only',
      needs: { introspections },
      judge: ({ introspections: { byGet } }) =>
        decided(byGet, () =>
          activeIn(byGet) === undefined
            ? holds
            : broken('answers a token in the query', { expected: 'HTTP 405', actual: toldBy(byGet), exchange: byGet }),
        ),
      fix: 'Answer GET with 405: URLs end up in logs.',
      weakness: ['CWE-598', 'API2:2023'],
      threat: 'token-theft',
    }),
  ],
)
