import {
  all,
  answered,
  check,
  controlled,
  type Exchange,
  headerOf,
  holdsIf,
  type Judgement,
  notApplicable,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { challengeFor, parseChallenges } from '../challenge.ts'
import { type Attempt, turnedAway } from './attempts.ts'
import { type Proofs, proofs } from './proofs.ts'

/** The attempts are refused, while a whole proof opens the door. */
const refuses = (pick: (proofs: Proofs) => readonly Attempt[]) => ({
  needs: { proofs },
  judge: ({ proofs }: { proofs: Proofs }): Judgement => shut(proofs, pick(proofs)),
})

const shut = ({ before, after }: Proofs, tried: readonly Attempt[]): Judgement =>
  controlled([before, after], () => all(tried.map(turnedAway)))

/** For times: a target that gives nonces may go by these alone. */
const refusesByTime = (pick: (proofs: Proofs) => readonly Attempt[]) => ({
  needs: { proofs },
  judge: ({ proofs }: { proofs: Proofs }): Judgement =>
    proofs.nonce
      ? notApplicable('the target gives nonces, by which it may tell how old a proof is')
      : controlled([proofs.before, proofs.after], () => all(pick(proofs).map(turnedAway))),
})

const served = (exchange: Exchange, otherwise: string): Judgement =>
  answered(exchange, () =>
    holdsIf(resultOf(exchange) !== undefined, otherwise, { expected: 'a result', actual: summaryOf(exchange), exchange }),
  )

export default section(
  {
    threat: 'token-theft',
    weakness: ['CWE-294', 'CWE-345', 'API2:2023'],
    spec: 'rfc9449',
    page: '4.3',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'forging issuer', 'newest revision'],
  },
  [
    check('tokens/proof-required', {
      ...refuses(({ missing }) => missing),
      page: '7.1',
      title: 'A token that is bound to a key needs a proof of it',
      must: 'check that a proof was received with a token that is bound to a key',
      fix: 'Refuse a token with cnf.jkt when there is no DPoP field, or no signed JWT in it.',
    }),

    check('tokens/proof-repeated', {
      ...refuses(({ repeated }) => repeated),
      title: 'There is one proof at most',
      must: 'ensure that there is not more than one DPoP field',
      fix: 'Count the DPoP fields, and refuse a request with several.',
      weakness: ['CWE-436', 'CWE-345', 'API2:2023'],
    }),

    check('tokens/proof-claims', {
      ...refuses(({ claims }) => claims),
      title: 'A proof that lacks a claim is refused',
      must: 'ensure that a proof has the claims jti, htm, htu and iat',
      fix: 'Require each of the four claims before it is compared with anything.',
    }),

    check('tokens/proof-type', {
      ...refuses(({ type }) => type),
      title: 'A proof says that it is one',
      must: 'ensure that the typ of a proof is dpop+jwt',
      fix: 'Compare typ with dpop+jwt: other tokens that a client signs are no proofs.',
      weakness: ['CWE-287', 'CWE-345', 'API2:2023'],
    }),

    check('tokens/proof-algorithm', {
      ...refuses(({ algorithm }) => algorithm),
      title: 'A proof is signed by an asymmetric algorithm',
      must: 'ensure that the alg of a proof is an asymmetric algorithm, and not none',
      fix: 'Accept the algorithms that are named beforehand, and none that takes a secret or no key at all.',
      weakness: ['CWE-347', 'CWE-327', 'API2:2023'],
    }),

    check('tokens/proof-signature', {
      ...refuses(({ signature }) => signature),
      title: 'The signature of a proof is verified',
      must: 'ensure that the signature of a proof verifies with the public key in its header',
      fix: 'Verify the signature with the key in jwk, before any claim is believed.',
      weakness: ['CWE-347', 'API2:2023'],
    }),

    check('tokens/proof-private-key', {
      ...refuses(({ privateKey }) => privateKey),
      title: 'A proof that gives its private key away is refused',
      must: 'ensure that the jwk of a proof holds no private key',
      fix: 'Refuse a jwk with d or any other private member.',
      weakness: ['CWE-522', 'API2:2023'],
    }),

    check('tokens/proof-method', {
      ...refuses(({ method }) => method),
      title: 'A proof for another method is refused',
      must: 'ensure that htm is the method of the request',
      fix: 'Compare htm with the method of the request.',
    }),

    check('tokens/proof-address', {
      ...refuses(({ address }) => address),
      title: 'A proof for another address is refused',
      must: 'ensure that htu is the address of the request, host and path included',
      fix: 'Compare htu with the address as clients know it; behind a proxy that is the configured one.',
    }),

    check('tokens/proof-query', {
      policy: 'accept a proof whose htu leaves out the query of the request',
      title: 'A proof need not name the query',
      needs: { proofs },
      judge: ({ proofs: { before, query, after } }) =>
        resultOf(query.plain) === undefined
          ? notApplicable('the target serves nobody at an address with a query it does not know')
          : controlled([before, after], () => served(query.shown, 'refuses a proof that leaves out the query')),
      fix: 'Cut query and fragment off before the comparison of htu.',
      threat: 'misread-answer',
      weakness: ['CWE-436', 'API8:2023'],
    }),

    check('tokens/proof-spelling', {
      should: 'normalise addresses before htu is compared',
      title: 'An address in capitals is the same address',
      needs: { proofs },
      judge: ({ proofs: { before, spelling, after } }) =>
        controlled([before, after], () => served(spelling, 'refuses a proof for its address in capitals')),
      fix: 'Normalise scheme, host and port of both addresses (RFC 3986 §6.2.2 and §6.2.3) before the comparison of htu.',
      threat: 'misread-answer',
      weakness: ['CWE-436', 'API8:2023'],
    }),

    check('tokens/proof-token', {
      ...refuses(({ token }) => token),
      title: 'A proof for another token is refused',
      must: 'ensure that ath is the hash of the token',
      fix: 'Compare ath with the base64url of the SHA-256 of the token, and require it.',
    }),

    check('tokens/proof-key', {
      ...refuses(({ key }) => key),
      page: '7.1',
      title: 'A proof of another key is refused',
      must: 'check that the key of the proof is the one the token is bound to',
      fix: 'Compare the thumbprint of jwk (RFC 7638) with cnf.jkt of the token.',
    }),

    check('tokens/proof-age', {
      ...refusesByTime(({ age }) => age),
      page: '11.1',
      title: 'A proof is good for a limited time',
      must: 'accept a proof for a limited time after it was made, and so neither a year later nor a year before',
      fix: 'Compare iat with the clock, in both directions.',
    }),

    check('tokens/proof-window', {
      ...refusesByTime(({ window }) => window),
      page: '11.1',
      title: 'A proof is good for minutes at most',
      policy: 'refuse a proof that was made an hour ago or will be in an hour',
      fix: 'Allow for minutes between iat and the clock; synchronise the clocks instead of widening it.',
    }),

    check('tokens/proof-replayed', {
      page: '11.1',
      title: 'A proof is good for one request',
      policy: 'refuse a proof that was used before',
      needs: { proofs },
      judge: ({ proofs: { before, replayed, after } }) => controlled([before, replayed.first, after], () => turnedAway(replayed.second)),
      fix: 'Keep jti, or a hash of it, as long as the proof would be accepted; share it between replicas, or give nonces.',
    }),

    check('tokens/bound-as-bearer', {
      ...refuses(({ asBearer }) => asBearer),
      page: '7.2',
      title: 'A token that is bound to a key is no bearer token',
      must: 'reject a token that is bound to a key when it is received as a bearer token',
      fix: 'Look for cnf.jkt under the Bearer scheme as well, and refuse such a token, with or without a proof.',
    }),

    check('tokens/proof-challenge', {
      page: '7.1',
      title: 'The challenge tells what is wrong with a proof',
      should: 'name the error and the accepted algorithms in the DPoP challenge that answers a wrong proof',
      needs: { proofs },
      judge: ({ proofs: { before, method, after } }) =>
        controlled([before, after], () => all(method.map(({ opening }) => answered(opening, challenged)))),
      fix: 'Send `WWW-Authenticate: DPoP error="invalid_dpop_proof", algs="…"` with the 401.',
      threat: 'misread-answer',
      weakness: 'API8:2023',
    }),
  ],
)

const challenged = (exchange: Exchange): Judgement => {
  if (statusOf(exchange) !== 401) return notApplicable(`the target answers ${statusOf(exchange)}, not 401`)
  const field = headerOf(exchange, 'www-authenticate') ?? ''
  if (parseChallenges(field) === undefined) return notApplicable('the target sends no challenge that can be read')
  const { error, algs } = challengeFor(exchange, 'dpop')?.parameters ?? {}
  return holdsIf(error !== undefined && algs !== undefined, 'does not tell what is wrong with a proof', {
    expected: 'DPoP error="…", algs="…"',
    actual: field,
    exchange,
  })
}
