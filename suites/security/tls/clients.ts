import {
  all,
  check,
  controlled,
  type Exchange,
  holdsIf,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { fieldsOf, isServed } from '../exposure/bare.ts'
import { opened } from './channel.ts'

const mutual = { over: 'http', requires: ['tls', 'client certificates'] } as const

interface Shown {
  what: string
  exchange: Exchange
}

/** The same request with other certificates than the right one, which goes before and after. */
const strangers = probe('client certificates nobody should trust', mutual, async (context) => {
  const { opening } = await context.connect({ hold: true })
  const before = await opened(context, opening, {})
  const shown = [
    ['without a client certificate', null],
    ['with a client certificate that vouches for itself', 'self-signed'],
    ['with a client certificate of another authority', 'another authority'],
  ] as const
  const tried = await Promise.all(
    shown.map(async ([what, client]): Promise<Shown> => ({ what, exchange: await opened(context, opening, { client }) })),
  )
  return { before, tried, after: await opened(context, opening, {}) }
})

const withdrawn = probe(
  'client certificates that must be refused',
  { over: 'http', requires: ['tls', 'client certificates', 'certificates to refuse'] },
  async (context) => {
    const { opening } = await context.connect({ hold: true })
    const before = await opened(context, opening, {})
    const tried = await Promise.all(
      context.certificates.refused.map(
        async (client): Promise<Shown> => ({
          what: `with the client certificate "${client}"`,
          exchange: await opened(context, opening, { client }),
        }),
      ),
    )
    return { before, tried, after: await opened(context, opening, {}) }
  },
)

/** Fields in which proxies tell what client certificate they have seen. */
const claims = (subject: string): [string, string][] => [
  ['X-Client-Cert', subject],
  ['X-SSL-Client-Cert', subject],
  ['X-SSL-Client-Verify', 'SUCCESS'],
  ['X-SSL-Client-S-DN', subject],
  ['SSL-Client-Verify', 'SUCCESS'],
  ['SSL-Client-Subject-DN', subject],
  ['X-Client-DN', subject],
  ['X-Forwarded-Client-Cert', `Subject="${subject}"`],
  ['Client-Cert', ':QXNzYXk=:'],
  ['X-Amzn-Mtls-Clientcert-Subject', subject],
  ['X-ARR-ClientCert', 'QXNzYXk='],
]

/** The token of one tenant with the certificate of another, without and with fields that claim the right one. */
const crossed = probe(
  'the client certificate of another tenant',
  { over: 'http', requires: [...mutual.requires, 'authorization'] },
  async (context) => {
    const own = context.identities.find(({ name }) => name === context.facts.identity)
    const other = context.certificates.clients.find(({ tenant }) => tenant !== undefined && tenant !== own?.tenant)
    const right = context.certificates.clients.find(({ tenant }) => tenant === own?.tenant)
    if (other === undefined || right === undefined)
      throw new Unfit('not-testable', 'needs client certificates of two tenants: see `tls.clients` of the target')
    const { opening } = await context.connect({ hold: true })
    const before = await opened(context, opening, {})
    const bare = await opened(context, opening, { client: other.name })
    const subject = `CN=${own?.name}-agent,OU=${own?.tenant}`
    const claimed = await context.request({
      method: 'POST',
      headers: [...fieldsOf(opening), ...claims(subject)],
      body: opening.request.body,
      tls: { client: other.name },
    })
    return { before, bare, claimed, after: await opened(context, opening, {}) }
  },
)

const spoofed = probe('fields that claim a client certificate', { over: 'http', requires: ['tls', 'authorization'] }, async (context) => {
  const { opening } = await context.connect({ hold: true })
  const subject = `CN=${context.facts.identity}-agent,OU=${context.identities[0]?.tenant ?? ''}`
  const ask = (raw: { authorize?: boolean; tls?: { client: null } }) =>
    context.request({
      method: 'POST',
      headers: [...fieldsOf(opening), ...claims(subject)],
      body: opening.request.body,
      deadline: 4_000,
      ...raw,
    })
  const before = await opened(context, opening, {})
  // Where a certificate is asked for, a field must not stand in for it.
  const bare = context.certificates.clients.length > 0 ? await opened(context, opening, { client: null }) : undefined
  const asked = bare !== undefined && !isServed(bare)
  const tried: Shown[] = [
    { what: 'without a token', exchange: await ask({ authorize: false }) },
    ...(asked ? [{ what: 'without a client certificate', exchange: await ask({ tls: { client: null } }) }] : []),
  ]
  return { before, tried, after: await opened(context, opening, {}) }
})

/** Refused in the handshake, or with an error. */
const turnedAway = ({ what, exchange }: Shown): Judgement =>
  holdsIf(!isServed(exchange) && (statusOf(exchange) ?? 400) >= 400, `serves a request ${what}`, {
    expected: 'no connection, or HTTP 4xx',
    actual: summaryOf(exchange),
    exchange,
  })

const noneServed = ({ before, tried, after }: { before: Exchange; tried: Shown[]; after: Exchange }): Judgement =>
  controlled([before, after], () => all(tried.map(turnedAway)))

export default section(
  {
    spec: 'policy',
    page: 'tls',
    revisions: 'all',
    over: 'http',
    requires: ['tls', 'newest revision'],
    threat: 'exposed-channel',
    weakness: ['CWE-295', 'API2:2023', 'API8:2023'],
  },
  [
    check('tls/client-certificate', {
      title: 'Nobody is let in without a certificate of the right authority',
      policy: 'refuse clients that show no certificate, one that vouches for itself, or one of another authority',
      requires: 'client certificates',
      needs: { strangers },
      judge: ({ strangers }) => noneServed(strangers),
      fix: 'Require a client certificate, and verify it up to your own authority.',
    }),

    check('tls/refused-certificate', {
      title: 'Expired and revoked certificates are refused',
      policy: 'refuse client certificates that have expired or were revoked',
      requires: ['client certificates', 'certificates to refuse'],
      needs: { withdrawn },
      judge: ({ withdrawn }) => noneServed(withdrawn),
      fix: 'Check the time and the revocation of client certificates in the handshake.',
      weakness: ['CWE-295', 'CWE-299', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('tls/certificate-owner', {
      title: 'Certificate and token belong together',
      policy: 'refuse the token of one tenant over a connection with the certificate of another',
      requires: ['client certificates', 'authorization'],
      needs: { crossed },
      judge: ({ crossed: { before, bare, after } }) =>
        noneServed({ before, tried: [{ what: 'with the client certificate of another tenant', exchange: bare }], after }),
      fix: 'Compare the tenant of the certificate with that of the token, or bind tokens to certificates (RFC 8705).',
      weakness: ['CWE-295', 'CWE-290', 'API2:2023'],
      threat: 'tenant-spoofing',
    }),

    check('tls/forwarded-certificate', {
      title: 'No field stands in for a client certificate',
      policy: 'believe no field of a client that says what certificate it has shown',
      requires: 'authorization',
      needs: { spoofed },
      judge: ({ spoofed }) => noneServed(spoofed),
      fix: 'Strip such fields where TLS ends, and set them there alone.',
      weakness: ['CWE-290', 'CWE-348', 'API2:2023', 'API8:2023'],
      threat: 'request-confusion',
    }),

    check('tls/forwarded-tenant', {
      title: 'No field changes whose certificate was shown',
      policy: 'go by the certificate that was shown, not by a field that names another',
      requires: ['client certificates', 'authorization'],
      needs: { crossed },
      judge: ({ crossed: { before, bare, claimed, after } }) =>
        isServed(bare)
          ? notApplicable('certificate and token need not belong together: see tls/certificate-owner')
          : noneServed({
              before,
              tried: [{ what: 'with fields that name another client certificate than was shown', exchange: claimed }],
              after,
            }),
      fix: 'Strip such fields where TLS ends, and set them there alone.',
      weakness: ['CWE-290', 'CWE-348', 'API2:2023', 'API8:2023'],
      threat: 'tenant-spoofing',
    }),
  ],
)
