import {
  all,
  broken,
  check,
  type Exchange,
  hasStatus,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { activeIn, introspect } from './introspection.ts'
import {
  type Attempt,
  by,
  type Credentials,
  codeOf,
  decided,
  endpointOf,
  type Form,
  postForm,
  refused,
  tokenOf,
  toldBy,
} from './machine.ts'
import { requests } from './requests.ts'

/** An attempt to revoke a token, and what the server says of the token before and after; undefined without introspection. */
interface Revocation extends Attempt {
  was?: boolean
  is?: boolean
  state?: Exchange
}

interface Revocations {
  unauthenticated: Revocation[]
  foreign?: Revocation
  own: Revocation
  again: Attempt
  hinted?: Revocation
  unknownHint?: Revocation
  garbage: Attempt
  noToken: Attempt
}

const revocations = probe('revocation of tokens', { requires: ['revocation', 'client'], deadline: 90_000 }, async (context) => {
  const { way, after, plain, unknownParameter, encoded } = await context.use(requests)
  const url = endpointOf(context, 'revocation_endpoint')
  const [client, second] = context.access().clients
  const as = by(context, way, client!)
  const none: Credentials = { headers: [], form: [] }
  const wrong = { clientId: client!.clientId, clientSecret: context.conceal('assay-wrong-secret-0123456789abcdef', 'WRONG_SECRET') }
  const send = async (what: string, form: Form, { headers, form: more }: Credentials): Promise<Attempt> => ({
    what,
    exchange: await postForm(context, url, [...form, ...more], headers),
  })
  const stateOf = (token: string) =>
    context.facts.facilities.introspection === true ? introspect(context, token, as) : Promise.resolve(undefined)
  const revoke = async (what: string, token: string, by: Credentials, more: Form = []): Promise<Revocation> => {
    const before = await stateOf(token)
    const sent = await send(what, [['token', token], ...more], by)
    const state = await stateOf(token)
    return { ...sent, ...(before && state && { was: activeIn(before), is: activeIn(state), state }) }
  }
  const first = tokenOf(after.exchange)
  if (first === undefined) throw new Error('the client got no token to revoke')
  const [third, fourth] = [unknownParameter, encoded, plain].flatMap((answer) => (answer && tokenOf(answer.exchange)) ?? [])
  const evidence: Revocations = {
    unauthenticated: [
      await revoke('without credentials', first, none),
      await revoke('with a client id and no secret', first, { headers: [], form: [['client_id', client!.clientId]] }),
      await revoke('with a wrong secret', first, by(context, way, wrong)),
    ],
    ...(second && { foreign: await revoke('by another client', first, by(context, way, second)) }),
    own: await revoke('by its client', first, as),
    again: await send('of a token that is revoked', [['token', first]], as),
    ...(third && { hinted: await revoke('under a wrong hint', third, as, [['token_type_hint', 'refresh_token']]) }),
    ...(fourth && { unknownHint: await revoke('under a hint nobody knows', fourth, as, [['token_type_hint', 'assay']]) }),
    garbage: await send('of a token nobody issued', [['token', 'assay-unknown-token']], as),
    noToken: await send('of no token', [], as),
  }
  return evidence
})

const unsupported = notApplicable('the server does not revoke access tokens, and says so')

/** Judges what the server does for a client that may; servers may leave access tokens out (RFC 7009 §2.2.1). */
const supported = ({ own }: Revocations, judge: () => Judgement): Judgement =>
  codeOf(own.exchange) === 'unsupported_token_type' ? unsupported : decided(own.exchange, judge)

const unseen = notTestable('whether a token is revoked cannot be seen: the client is not told of its own tokens')

/** The token was good, and is not any more. */
function gone(revocation: Revocation | undefined): Judgement {
  if (revocation === undefined) return inconclusive('no token was left to be revoked')
  const { what, exchange, was, is, state } = revocation
  if (was !== true || is === undefined) return unseen
  return decided(exchange, () =>
    holdsIf(!is, `leaves a token active after its revocation ${what}`, {
      expected: '"active": false',
      actual: toldBy(state!),
      exchange,
    }),
  )
}

/** Somebody who may not revoke a token did not. */
function spared({ what, exchange, was, is }: Revocation): Judgement {
  return decided(exchange, () => {
    if (was === true && is === false)
      return broken(`lets a token be revoked ${what}`, { expected: 'a token that stays active', actual: toldBy(exchange), exchange })
    if (statusOf(exchange)! >= 400 || is === true) return holds
    return unseen
  })
}

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7009',
    page: '2.1',
    revisions: '2025-03-26..',
    requires: ['revocation', 'client'],
    weakness: ['CWE-613', 'API2:2023'],
    threat: 'stale-token',
  },
  [
    check('revocation/authentication', {
      title: 'Whoever revokes tokens authenticates',
      must: 'validate the credentials of a client with a secret before it revokes, and refuse the request otherwise',
      needs: { revocations },
      judge: ({ revocations }) =>
        supported(revocations, () =>
          all(revocations.unauthenticated.map((each) => spared(each).and(decided(each.exchange, () => refused(each))))),
        ),
      fix: 'Authenticate the client as at the token endpoint, and refuse with invalid_client.',
      weakness: ['CWE-306', 'API2:2023'],
      threat: 'client-takeover',
    }),

    check('revocation/foreign-token', {
      requires: 'second client',
      title: 'A client revokes its own tokens only',
      must: 'verify that a token was issued to the client that has it revoked',
      needs: { revocations },
      judge: ({ revocations }) => supported(revocations, () => spared(revocations.foreign!)),
      fix: 'Compare the client of the token with the one that authenticated.',
      weakness: ['CWE-639', 'API1:2023'],
      threat: 'client-takeover',
    }),

    check('revocation/foreign-refusal', {
      requires: 'second client',
      title: 'Who may not revoke a token is told so',
      must: 'refuse to revoke the token of another client, and inform the client of the error',
      needs: { revocations },
      judge: ({ revocations }) =>
        supported(revocations, () => {
          const { exchange, was } = revocations.foreign!
          if (was === false && revocations.unauthenticated[0]!.was === true) return inconclusive('the token was revoked already', exchange)
          return decided(exchange, () => refused(revocations.foreign!))
        }),
      fix: 'Answer 400 with an error: a client that reads 200 believes that the token is gone.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('revocation/effective', {
      requires: 'introspection',
      title: 'A revoked token is inactive at once',
      must: 'invalidate a revoked token immediately',
      needs: { revocations },
      judge: ({ revocations }) => supported(revocations, () => gone(revocations.own)),
      fix: 'Remember revoked tokens until they expire, those that carry their own claims included.',
    }),

    check('revocation/hint', {
      requires: 'introspection',
      title: 'A wrong hint does not save a token',
      must: 'extend its search to all types of tokens when the hint leads nowhere',
      needs: { revocations },
      judge: ({ revocations }) => supported(revocations, () => gone(revocations.hinted)),
      fix: 'Take token_type_hint for where to look first, not for where to look.',
    }),

    check('revocation/token-missing', {
      title: 'A request without a token is refused',
      must: 'require the parameter token, and answer invalid_request without it',
      needs: { revocations },
      judge: ({ revocations: { noToken } }) =>
        decided(noToken.exchange, () =>
          refused(noToken).and(
            holdsIf(codeOf(noToken.exchange) === 'invalid_request', 'refuses it under another code', {
              expected: 'error invalid_request',
              actual: toldBy(noToken.exchange),
              exchange: noToken.exchange,
            }),
          ),
        ),
      fix: 'Answer 400 with invalid_request.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('revocation/response', {
      page: '2.2',
      title: 'A revocation is answered with 200',
      must: 'answer 200 when the token has been revoked',
      needs: { revocations },
      judge: ({ revocations }) => supported(revocations, () => hasStatus(revocations.own.exchange, 200)),
      fix: 'Answer 200; the body is ignored.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('revocation/invalid-token', {
      page: '2.2',
      title: 'An invalid token is answered with 200',
      must: 'answer 200 when the token is invalid, for then there is nothing left to do',
      needs: { revocations },
      judge: ({ revocations }) =>
        supported(revocations, () =>
          all([revocations.garbage, revocations.again].map(({ exchange }) => decided(exchange, () => hasStatus(exchange, 200)))),
        ),
      fix: 'Answer 200 to tokens that are unknown, expired or revoked already.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('revocation/unknown-hint', {
      page: '2.2',
      title: 'A hint nobody knows is ignored',
      must: 'ignore an invalid hint, which does not influence the response',
      needs: { revocations },
      judge: ({ revocations }) =>
        supported(revocations, () => {
          const { unknownHint } = revocations
          if (unknownHint === undefined) return inconclusive('no token was left to be revoked')
          return decided(unknownHint.exchange, () => hasStatus(unknownHint.exchange, 200)).and(
            unknownHint.is === true ? gone(unknownHint) : holds,
          )
        }),
      fix: 'Look the token up as if there were no hint.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),
  ],
)
