import {
  check,
  type Exchange,
  each,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type ProbeContext,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { formBody } from '../forms.ts'
import { formsIn } from '../html.ts'
import { type Browser, consentFields } from '../sign-in.ts'
import { type Answer, asPerson, endOf, goesTo, parametersOf } from './flow.ts'

const mostRequests = 12

/** A person signs in for the first time; everything that was asked and answered is kept. */
const visits = asPerson('the pages of a sign-in', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const answer = await flow.authorize(app, {}, { browser })
  return { answer, exchanges: [...browser.exchanges] }
})

/** The same person allows one client, and is then sent by another. */
const neighbours = asPerson('a second client of the same person', async (flow) => {
  const [app, other] = [await flow.app(), await flow.app({ client_name: 'Assay neighbour' })]
  const browser = flow.browser()
  const first = await flow.authorize(app, {}, { browser })
  const second = await flow.authorize(other, {}, { browser, consent: 'look' })
  return { first, second }
})

/** The consent page of one browser is sent from another, as a page of somebody else would have it sent. */
const forgeries = asPerson('a consent sent without the cookies of the person', async (flow) => {
  const app = await flow.app()
  const own = flow.browser()
  const { consent } = await flow.authorize(app, {}, { browser: own, consent: 'look' })
  const form = consent && formsIn(consent).find(({ method }) => method === 'POST')
  if (!consent || !form) return null
  const [action, body] = [new URL(form.action, consent.request.url).href, formBody(flow.context, consentFields(form, true))]
  const forged = await sent(flow.browser(), action, body, app.redirectUri)
  return { forged, control: await sent(own, action, body, app.redirectUri) }
})

async function sent(browser: Browser, action: string, body: string, redirectUri: string): Promise<{ code: boolean; last: Exchange }> {
  const { page, redirect } = await browser.open(action, body)
  return { code: redirect !== undefined && goesTo(redirect, redirectUri) && 'code' in parametersOf(redirect), last: page }
}

/** Cookies from before a sign-in, used by somebody else after it. */
const fixations = asPerson('the cookies of before a sign-in', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const answer = await flow.authorize(app, {}, { browser })
  const posted = browser.exchanges.find(({ request }) => request.method === 'POST')
  const cookies = posted?.request.headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1]
  const control = await flow.authorize(app, {}, { browser, consent: 'look' })
  if (cookies === undefined) return { answer, control, fixed: null }
  const old = browserWith(flow.context, cookies)
  return { answer, control, fixed: await flow.authorize(app, {}, { browser: old, consent: 'look' }) }
})

/** A browser that begins with these cookies, and takes every new one for all paths. */
function browserWith({ request }: ProbeContext, header: string): Browser {
  const jar = new Map(header.split('; ').map(pairOf))
  const exchanges: Exchange[] = []
  const open: Browser['open'] = async (url, form) => {
    const headers: [string, string][] = [['Cookie', [...jar].map((pair) => pair.join('=')).join('; ')]]
    if (form !== undefined) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
    const page = await request({ method: form === undefined ? 'GET' : 'POST', url, headers, body: form, authorize: false })
    exchanges.push(page)
    for (const { name, value } of cookiesOf([page])) jar.set(name, value)
    const location = headerOf(page, 'location')
    const next = URL.parse(location ?? '', url)
    if (location === undefined || next === null) return { page }
    return next.origin !== new URL(url).origin || exchanges.length > mostRequests ? { page, redirect: location } : open(next.href)
  }
  return { exchanges, open }
}

const pairOf = (pair: string): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]

/** Whether the person was taken for signed in: asked to consent, or sent on, and not asked for a password. */
const isKnown = ({ login, consent, code }: Answer): boolean => login === undefined && (consent !== undefined || code !== undefined)

interface Visit {
  answer: Answer
  exchanges: Exchange[]
}

/** The pages on which a person types a password or allows something. */
const pagesOf = ({ answer: { login, consent } }: Visit): Exchange[] => [login, consent].filter((page) => page !== undefined)

const ofPages = (judge: (page: Exchange) => Judgement) => ({
  needs: { visits },
  judge: ({ visits: visit }: { visits: Visit }): Judgement =>
    visit.answer.code === undefined
      ? inconclusive(`signing in brings no code: ${endOf(visit.answer)}`, visit.answer.last)
      : each(pagesOf(visit), 'nobody is asked to sign in or to consent', judge),
})

const nameOf = (page: Exchange): string =>
  formsIn(page).some(({ inputs }) => inputs.some(({ type }) => type === 'password')) ? 'sign-in page' : 'consent page'

/** The sources a directive of the Content-Security-Policy names, or undefined without the directive. */
const directiveOf = (page: Exchange, name: string): string[] | undefined =>
  (headerOf(page, 'content-security-policy') ?? '')
    .split(/[;,]/)
    .map((directive) => directive.trim().split(/\s+/))
    .find(([each]) => each?.toLowerCase() === name)
    ?.slice(1)

const cannotBeFramed = (page: Exchange): boolean => {
  const ancestors = directiveOf(page, 'frame-ancestors')
  // Browsers that know frame-ancestors do not look at the older field.
  if (ancestors !== undefined) return !ancestors.some((source) => source === '*' || /^https?:\/*$/.test(source))
  return /^(deny|sameorigin)$/i.test(headerOf(page, 'x-frame-options') ?? '')
}

interface Cookie {
  name: string
  value: string
  attributes: string[]
  exchange: Exchange
}

const cookiesOf = (exchanges: readonly Exchange[]): Cookie[] =>
  exchanges.flatMap((exchange) =>
    (headerOf(exchange, 'set-cookie')?.split('\n') ?? []).map((field) => {
      const [pair = '', ...attributes] = field.split(';').map((part) => part.trim())
      const [name, value] = pairOf(pair)
      return { name, value, attributes: attributes.map((each) => each.toLowerCase()), exchange }
    }),
  )

const isRemoval = ({ attributes }: Cookie): boolean =>
  attributes.some((each) => each === 'max-age=0' || (each.startsWith('expires=') && Date.parse(each.slice(8)) < Date.now()))

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'authorization-code',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-1021', 'API8:2023'],
    threat: 'browser-attack',
  },
  [
    check('authorization-code/page-framing', {
      ...ofPages((page) =>
        holdsIf(cannotBeFramed(page), `lets every site put its ${nameOf(page)} into a frame`, {
          expected: "frame-ancestors 'none' or X-Frame-Options: DENY",
          actual: headerOf(page, 'content-security-policy') ?? headerOf(page, 'x-frame-options') ?? 'neither field',
          exchange: page,
        }),
      ),
      spec: 'oauth-2.1',
      page: '7.10',
      title: 'Its pages cannot be put into frames',
      must: 'prevent clickjacking of the pages on which people sign in and consent',
      fix: "Send `Content-Security-Policy: frame-ancestors 'none'` with every page, and X-Frame-Options: DENY for old browsers.",
    }),

    check('authorization-code/page-cache', {
      ...ofPages((page) =>
        holdsIf(/\bno-store\b/i.test(headerOf(page, 'cache-control') ?? ''), `lets its ${nameOf(page)} be stored`, {
          expected: 'Cache-Control: no-store',
          actual: headerOf(page, 'cache-control') ?? 'no Cache-Control',
          exchange: page,
        }),
      ),
      title: 'Its pages are not stored',
      policy: 'send Cache-Control: no-store with the pages on which people sign in and consent',
      fix: 'Send `Cache-Control: no-store`: the pages hold what ties a form to one sign-in.',
      weakness: ['CWE-525', 'API8:2023'],
      threat: 'token-theft',
    }),

    check('authorization-code/page-referrer', {
      ...ofPages((page) =>
        holdsIf(
          /\b(no-referrer|same-origin|strict-origin|origin)(-when-cross-origin)?\b/i.test(headerOf(page, 'referrer-policy') ?? '') &&
            !/no-referrer-when-downgrade/i.test(headerOf(page, 'referrer-policy') ?? ''),
          `lets its ${nameOf(page)} tell its whole address to others`,
          { expected: 'Referrer-Policy: no-referrer', actual: headerOf(page, 'referrer-policy') ?? 'no Referrer-Policy', exchange: page },
        ),
      ),
      title: 'Its pages keep their address to themselves',
      policy: 'keep the address of its pages, which carries the request of the client, out of Referer',
      fix: 'Send `Referrer-Policy: no-referrer`.',
      weakness: ['CWE-200', 'API8:2023'],
      threat: 'token-theft',
    }),

    check('authorization-code/page-cookies', {
      title: 'The cookies of a sign-in are marked',
      policy: 'mark its cookies SameSite, and Secure where it is reached by TLS',
      needs: { visits },
      judge: ({ visits: { answer, exchanges } }, { url }) => {
        if (answer.code === undefined) return inconclusive(`signing in brings no code: ${endOf(answer)}`, answer.last)
        const secure = url.startsWith('https:')
        return each(
          cookiesOf(exchanges).filter((cookie) => !isRemoval(cookie)),
          'the server sets no cookies',
          ({ name, attributes, exchange }) => {
            const sameSite = attributes.find((each) => each.startsWith('samesite='))?.slice(9)
            const marked = sameSite !== undefined && (sameSite !== 'none' || attributes.includes('secure'))
            return holdsIf(marked && (!secure || attributes.includes('secure')), `sets the cookie ${name} without its marks`, {
              expected: secure ? 'Secure; SameSite=Lax' : 'SameSite=Lax',
              actual: attributes.join('; ') || 'no attributes',
              exchange,
            })
          },
        )
      },
      fix: 'Set SameSite=Lax (None only together with Secure) and Secure on every cookie.',
      weakness: ['CWE-614', 'CWE-1275', 'API8:2023'],
    }),

    check('authorization-code/redirect-status', {
      spec: 'rfc9700',
      page: '4.12',
      title: 'The password does not travel on with the redirect',
      must: 'not answer 307 to a request that may carry the credentials of a person',
      needs: { visits },
      judge: ({ visits: { answer, exchanges } }) => {
        if (answer.code === undefined) return inconclusive(`signing in brings no code: ${endOf(answer)}`, answer.last)
        return each(
          exchanges.filter(({ request }) => request.method === 'POST'),
          'nothing is sent by a form',
          (exchange) =>
            holdsIf(![307, 308].includes(statusOf(exchange) ?? 0), 'has the browser send the form on to where it redirects', {
              expected: 'HTTP 303',
              actual: `HTTP ${statusOf(exchange)}`,
              exchange,
            }),
        )
      },
      fix: 'Redirect with 303 after a form.',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'token-theft',
    }),

    check('authorization-code/consent-per-client', {
      title: 'People are asked for each client',
      policy: 'obtain the consent of the person for each client that has registered itself',
      requires: 'registration',
      needs: { neighbours },
      judge: ({ neighbours: { first, second } }) => {
        if (first.code === undefined) return inconclusive(`signing in brings no code: ${endOf(first)}`, first.last)
        return holdsIf(second.code === undefined || second.consent !== undefined, 'sends a code to a client nobody was asked about', {
          expected: 'a page that asks for consent',
          actual: endOf(second),
          exchange: second.last,
        })
      },
      fix: 'Keep the consent by person and client_id, and ask for every client that is not on the list.',
      weakness: ['CWE-441', 'CWE-862', 'API2:2023', 'MCP07:2025'],
      threat: 'client-takeover',
    }),

    check('authorization-code/consent-forgery', {
      title: 'Nobody else sends the consent of a person',
      policy: 'accept a consent from the browser that was asked for it, and from no other',
      needs: { forgeries },
      judge: ({ forgeries }) => {
        if (forgeries === null) return notApplicable('nobody is asked for consent on a page with a form')
        const { forged, control } = forgeries
        const judged = holdsIf(!forged.code, 'accepts a consent without the cookies of the person', {
          expected: 'an error page',
          actual: 'a redirect with a code',
          exchange: forged.last,
        })
        if (judged.kind === 'broken') return judged
        return control.code ? judged : inconclusive('the consent of the person brings no code either', control.last)
      },
      fix: 'Bind the form to the session by a token of its own, and refuse it when the two do not belong together.',
      weakness: ['CWE-352', 'API2:2023', 'MCP07:2025'],
    }),

    check('authorization-code/session-fixation', {
      title: 'The cookies of before a sign-in are worth nothing after it',
      policy: 'begin a new session when a person signs in',
      needs: { fixations },
      judge: ({ fixations: { answer, control, fixed } }) => {
        if (answer.code === undefined) return inconclusive(`signing in brings no code: ${endOf(answer)}`, answer.last)
        if (fixed === null) return holds
        if (!isKnown(control)) return notApplicable('the server keeps nobody signed in')
        return holdsIf(!isKnown(fixed), 'takes whoever knew the cookies of before the sign-in for the person', {
          expected: 'a page that asks for the password',
          actual: endOf(fixed),
          exchange: fixed.last,
        })
      },
      fix: 'Issue a new session cookie at the moment the password is right, and forget the old one.',
      weakness: ['CWE-384', 'API2:2023'],
      threat: 'session-hijack',
    }),
  ],
)
