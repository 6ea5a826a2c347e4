import {
  all,
  check,
  controlled,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { fieldsOf, isServed } from '../exposure/bare.ts'

/** The opening again, over a connection secured as it is said here. */
export function opened(
  context: ProbeContext,
  opening: Exchange,
  tls: NonNullable<Parameters<ProbeContext['request']>[0]['tls']>,
): Promise<Exchange> {
  return context.request({ method: 'POST', headers: fieldsOf(opening), body: opening.request.body, tls, deadline: 4_000 })
}

const legacy = 'DEFAULT:@SECLEVEL=0'

const handshakes = probe('handshakes with old versions and weak suites', { over: 'http', requires: 'tls' }, async (context) => {
  const { opening } = await context.connect({ hold: true })
  const open = (tls: Parameters<typeof opened>[2]) => opened(context, opening, tls)
  const before = await open({})
  const versions = await Promise.all((['TLSv1', 'TLSv1.1'] as const).map((version) => open({ version, ciphers: legacy })))
  const suites = await Promise.all(['eNULL:@SECLEVEL=0', 'aNULL:@SECLEVEL=0'].map((ciphers) => open({ version: 'TLSv1.2', ciphers })))
  return { before, versions, suites, after: await open({}) }
})

/** Our own library may not know what it should offer: then nothing was offered. */
const unoffered = /no protocols available|no cipher match|not sent/i

const refused = (exchange: Exchange, what: string): Judgement => {
  const { response, failure, tls } = exchange
  if (response === undefined && tls === undefined)
    return unoffered.test(failure?.message ?? '') ? inconclusive(`this machine cannot offer ${what}`, exchange) : holds
  return holdsIf(false, `agrees to ${what}`, {
    expected: 'no handshake',
    actual: tls === undefined ? summaryOf(exchange) : `${tls.version} with ${tls.cipher}`,
    exchange,
  })
}

const plainly = probe('the endpoint without TLS', { over: 'http', requires: 'tls' }, async ({ request, connect, facts }) => {
  const { opening } = await connect({ hold: true })
  const own = new URL(facts.url)
  const ports = own.port === '' ? ['80', '443'] : [own.port]
  // No token goes over such a connection.
  const ask = (port: string) =>
    request({
      url: `http://${own.hostname}:${port}${own.pathname}`,
      method: 'POST',
      authorize: false,
      headers: fieldsOf(opening),
      body: opening.request.body,
      deadline: 3_000,
    })
  return { opening, asked: await Promise.all(ports.map(ask)) }
})

const day = 86_400_000

/** Days a certificate must have left, so that somebody has the time to replace it. */
const margin = 7

export default section(
  {
    spec: 'rfc9325',
    page: '3.1.1',
    revisions: 'all',
    over: 'http',
    requires: ['tls', 'newest revision'],
    threat: 'exposed-channel',
    weakness: ['CWE-326', 'CWE-327', 'API8:2023'],
  },
  [
    check('tls/version', {
      title: 'TLS 1.0 and 1.1 are not spoken',
      must: 'not negotiate TLS 1.0 or TLS 1.1',
      needs: { handshakes },
      judge: ({ handshakes: { before, versions, after } }) =>
        controlled([before, after], () => all(versions.map((exchange) => refused(exchange, String(exchange.request.tls?.version))))),
      fix: 'Set the oldest version to TLS 1.2.',
    }),

    check('tls/cipher-suites', {
      page: '4.1',
      title: 'No suite without encryption or authentication is agreed to',
      must: 'not negotiate cipher suites with NULL encryption, nor those that offer less than 112 bits of security',
      needs: { handshakes },
      judge: ({ handshakes: { before, suites, after } }) =>
        controlled([before, after], () =>
          all(
            suites.map((exchange) =>
              refused(exchange, exchange.request.tls?.ciphers?.startsWith('eNULL') ? 'NULL encryption' : 'anonymous suites'),
            ),
          ),
        ),
      fix: 'Allow the suites with ephemeral keys and authenticated encryption alone.',
    }),

    check('tls/certificate', {
      spec: 'policy',
      page: 'tls',
      title: 'The certificate is good for days to come',
      policy: `show a certificate that is trusted, names the host, and is valid for another ${margin} days`,
      needs: { handshakes },
      judge: ({ handshakes: { before, after } }) =>
        controlled([before, after], () => {
          const { tls } = before
          if (tls === undefined) return inconclusive('nothing is known of the certificate', before)
          const left = Math.floor((Date.parse(tls.to) - Date.now()) / day)
          const detail = { expected: `trusted, and ${margin} days left`, actual: tls.problem ?? `until ${tls.to}`, exchange: before }
          return holdsIf(tls.problem === undefined, 'shows a certificate that is not trusted', detail).and(
            holdsIf(left >= margin, 'shows a certificate that soon ends', detail),
          )
        }),
      fix: 'Have certificates renewed by themselves, weeks before they end.',
      weakness: ['CWE-295', 'CWE-324', 'API8:2023'],
    }),

    check('tls/plain-http', {
      spec: 'oauth-2.1',
      page: '1.5',
      title: 'Nothing is served without TLS',
      must: 'use https for every endpoint, and so not answer requests of the protocol over plain HTTP',
      needs: { plainly },
      judge: ({ plainly: { opening, asked } }) =>
        controlled([opening], () =>
          all(
            asked.map((exchange) => {
              const status = statusOf(exchange)
              const challenged = status === 401 && exchange.response?.headers['www-authenticate'] !== undefined
              return holdsIf(!isServed(exchange) && !challenged, 'takes requests of the protocol over plain HTTP', {
                expected: 'no connection, a redirect to https, or HTTP 4xx without a challenge',
                actual: summaryOf(exchange),
                exchange,
              })
            }),
          ),
        ),
      fix: 'Close port 80, or have it redirect to https and do nothing else.',
      weakness: ['CWE-319', 'CWE-523', 'API8:2023'],
    }),

    check('tls/strict-transport', {
      page: '3.2',
      title: 'Clients are told to come over TLS only',
      should: 'use HSTS to say that it is reached over TLS only',
      needs: { handshakes },
      judge: ({ handshakes: { before, after } }, { url }) =>
        /^[\d.]+$|^\[/.test(new URL(url).hostname)
          ? notApplicable('HSTS is for names, and the target is reached by its address')
          : controlled([before, after], () => {
              const field = before.response!.headers['strict-transport-security']
              return holdsIf(/max-age="?[1-9]\d*/i.test(field ?? ''), 'does not say that it is reached over TLS only', {
                expected: 'Strict-Transport-Security: max-age=…',
                actual: field ?? 'no Strict-Transport-Security',
                exchange: before,
              })
            }),
      fix: 'Send Strict-Transport-Security with a max-age of months over TLS.',
      weakness: ['CWE-319', 'API8:2023'],
    }),
  ],
)
