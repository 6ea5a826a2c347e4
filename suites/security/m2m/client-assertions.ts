import { all, broken, check, type Exchange, holds, holdsIf, type Judgement, section } from '../../../src/model/index.ts'
import { type Assertions, assertions } from './assertions.ts'
import { type Attempt, between, codeOf, decided, everyRefused, tokenOf, toldBy } from './machine.ts'

type Part = Exclude<keyof Assertions, 'before' | 'after' | 'issued'>

const refuses = (...parts: Part[]) => ({
  needs: { assertions },
  judge: ({ assertions }: { assertions: Assertions }): Judgement =>
    between([assertions.before, assertions.after], () => everyRefused(parts.flatMap((part) => assertions[part]))),
})

const wrong = ({ audience, expired, endless, early, issuer, subject, signature, unsigned }: Assertions): Attempt[] => [
  ...audience,
  ...expired,
  ...endless,
  ...early,
  ...issuer,
  ...subject,
  ...signature,
  ...unsigned,
]

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7523',
    page: '3',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-287', 'API2:2023', 'MCP07:2025'],
    threat: 'client-takeover',
  },
  [
    check('m2m/assertion', {
      spec: 'rfc8414',
      page: '2',
      title: 'A client that signs gets tokens',
      must: 'give tokens to a client that authenticates by private_key_jwt, when the metadata offers it',
      needs: { assertions },
      judge: ({ assertions: { before } }) =>
        decided(before, () =>
          holdsIf(tokenOf(before) !== undefined, 'gives no token to a client that is registered for private_key_jwt', {
            expected: 'HTTP 200 with a token',
            actual: toldBy(before),
            exchange: before,
          }),
        ),
      fix: 'Verify assertions with the keys the client is registered with, and accept the issuer as their audience.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('m2m/assertion-issuer', {
      ...refuses('issuer'),
      title: 'An assertion names its client as the issuer',
      must: 'require iss, and compare it with the client exactly',
      fix: 'Refuse an assertion whose iss is not the id of the client.',
    }),

    check('m2m/assertion-subject', {
      ...refuses('subject'),
      title: 'An assertion speaks for the client that signed it',
      must: 'require sub to be the id of the client whose key signed the assertion',
      fix: 'Look the client up by sub, and verify with the keys of that client alone.',
    }),

    check('m2m/assertion-audience', {
      ...refuses('audience'),
      title: 'An assertion for another server is refused',
      must: 'reject an assertion that does not name this server as its audience',
      fix: 'Compare aud with the issuer and the token endpoint exactly.',
      threat: 'misdirected-token',
    }),

    check('m2m/assertion-expired', {
      ...refuses('expired'),
      title: 'An expired assertion is refused',
      must: 'reject an assertion whose time has passed',
      fix: 'Compare exp with the clock.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('m2m/assertion-endless', {
      ...refuses('endless'),
      title: 'An assertion without an end is refused',
      must: 'require exp, and so reject an assertion without it',
      fix: 'Require exp.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('m2m/assertion-early', {
      ...refuses('early'),
      title: 'An assertion is not accepted before its time',
      must: 'accept no assertion before the time in nbf',
      fix: 'Compare nbf with the clock.',
      weakness: ['CWE-345', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('m2m/assertion-replay', {
      ...refuses('replayed'),
      title: 'An assertion is used once',
      policy: 'refuse an assertion whose jti it has seen before',
      fix: 'Remember the jti of each assertion until it expires.',
      weakness: ['CWE-294', 'API2:2023'],
    }),

    check('m2m/assertion-signature', {
      ...refuses('signature'),
      title: 'An assertion under a wrong signature is refused',
      must: 'reject assertions with an invalid signature',
      fix: 'Verify the signature with the registered keys, each with the algorithm it is for.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('m2m/assertion-unsigned', {
      ...refuses('unsigned'),
      title: 'An assertion without a signature is refused',
      must: 'require assertions to be signed',
      fix: 'Accept a fixed list of algorithms, and never none.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('m2m/assertion-error', {
      page: '3.2',
      title: 'A wrong assertion is called invalid_client',
      must: 'answer invalid_client to an assertion that is not valid',
      needs: { assertions },
      judge: ({ assertions }) =>
        between([assertions.before, assertions.after], () =>
          all(
            wrong(assertions)
              .filter(({ exchange }) => tokenOf(exchange) === undefined)
              .map(({ what, exchange }) => decided(exchange, () => named(what, exchange))),
          ),
        ),
      fix: 'Answer invalid_client, whatever is wrong with the assertion.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),
  ],
)

const named = (what: string, exchange: Exchange): Judgement =>
  codeOf(exchange) === 'invalid_client'
    ? holds
    : broken(`does not call an assertion ${what} invalid_client`, {
        expected: 'error invalid_client',
        actual: toldBy(exchange),
        exchange,
      })
