import {
  all,
  check,
  controlled,
  type Exchange,
  hasStatus,
  holdsIf,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  section,
  Unfit,
} from '../../../src/model/index.ts'
import { challengeFor } from '../challenge.ts'
import { fieldsOf, isServed } from '../exposure/bare.ts'
import { memberOfMetadata } from '../metadata/document.ts'
import { type Attempt, turnedAway } from '../tokens/attempts.ts'

/** How a target claims that it compares certificates with what tokens are bound to (RFC 9728 §2). */
const claim = 'tls_client_certificate_bound_access_tokens'

/** Other certificates that are tried. */
const most = 4

interface Bound {
  before: Exchange
  /** Over each connection, a token that is bound to nothing, and the one that is bound to another certificate. */
  tried: { what: string; plain: Exchange; shown: Exchange }[]
  after: Exchange
}

const bound = probe(
  'a token that is bound to a client certificate',
  { over: 'http', requires: ['tls', 'client certificates', 'authorization', 'forging issuer'] },
  async (context): Promise<Bound> => {
    if ((await memberOfMetadata(context, claim)) !== true)
      throw new Unfit(
        'not-applicable',
        `the target does not claim to take tokens bound to certificates: its metadata does not say ${claim}`,
      )
    const { identities, facts, certificates, instruments, conceal } = context
    const tenant = identities.find(({ name }) => name === facts.identity)?.tenant
    const right = certificates.clients.find((each) => each.tenant === tenant) ?? certificates.clients[0]!
    const others = certificates.clients.filter(({ thumbprint }) => thumbprint !== right.thumbprint).slice(0, most)
    const issuer = instruments.issuer!
    const unbound = await issuer.mint()
    const token = await issuer.mint({ claims: { cnf: { 'x5t#S256': right.thumbprint } } })
    const { opening } = await context.connect({ token: unbound, hold: true })
    const open = (client: string | null, shown: string) =>
      context.request({
        method: 'POST',
        authorize: false,
        headers: [...fieldsOf(opening), ['Authorization', `Bearer ${conceal(shown, 'TOKEN_BOUND')}`]],
        body: opening.request.body,
        tls: { client },
        deadline: 4_000,
      })
    const over = async (what: string, client: string | null) => ({
      what: `that is bound to another client certificate, ${what}`,
      plain: await open(client, unbound),
      shown: await open(client, token),
    })
    const before = await open(right.name, token)
    const tried = await Promise.all([
      ...others.map(({ name }) => over(`with the client certificate "${name}"`, name)),
      over('without a client certificate', null),
    ])
    return { before, tried, after: await open(right.name, token) }
  },
)

/** Where a token that is bound to nothing is refused as well, it is not for what the other is bound to. */
const judged = ({ before, tried, after }: Bound, judge: (attempt: Attempt) => Judgement): Judgement =>
  controlled([before, after], () => {
    const telling = tried.filter(({ plain }) => isServed(plain))
    if (telling.length === 0)
      return notTestable('needs a second client certificate that the target accepts from the same tenant: see `tls.clients` of the target')
    return all(telling.map(({ what, shown }) => judge({ what, opening: shown })))
  })

export default section(
  {
    spec: 'rfc8705',
    page: '3',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['tls', 'client certificates', 'authorization', 'forging issuer', 'newest revision'],
    threat: 'token-theft',
    weakness: ['CWE-294', 'CWE-295', 'API2:2023'],
  },
  [
    check('tls/bound-token', {
      title: 'A token is good with its own certificate only',
      must: 'verify that the client certificate is the one the token is bound to',
      needs: { bound },
      judge: ({ bound }) => judged(bound, turnedAway),
      fix: 'Compare the SHA-256 of the certificate that was shown with cnf.x5t#S256 of the token.',
    }),

    check('tls/bound-token-error', {
      title: 'A token with another certificate is answered with invalid_token',
      must: 'reject a token that is bound to another client certificate with 401 and the error invalid_token',
      needs: { bound },
      judge: ({ bound }) =>
        judged(bound, ({ opening }) => {
          if (isServed(opening)) return notApplicable('the target accepts the token: see tls/bound-token')
          const error = challengeFor(opening, 'bearer')?.parameters.error
          return hasStatus(opening, 401).and(
            holdsIf(error === 'invalid_token', 'does not say that the token is the matter', {
              expected: 'Bearer error="invalid_token"',
              actual: opening.response?.headers['www-authenticate'] ?? 'no WWW-Authenticate',
              exchange: opening,
            }),
          )
        }),
      fix: 'Answer 401 with `WWW-Authenticate: Bearer error="invalid_token"`.',
      threat: 'misread-answer',
      weakness: 'API8:2023',
    }),
  ],
)
