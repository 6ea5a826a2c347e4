import {
  all,
  check,
  each,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type PageVisit,
  section,
  type UnitFacts,
  type VisitedPage,
  type VisitOptions,
} from '../../../src/model/index.ts'
import { type App, asPerson, type Flow } from '../authorization-code/flow.ts'

const name = 'Assay <script>assayRan = true</script><img src="assay" onerror="assayRan = true">'
const looked = '({ ran: globalThis.assayRan === true, shown: document.body.innerText.includes("Assay") })'

/** Opens the authorization request of a client in the browser, as the person of the flow. */
function visit({ context, address }: Flow, app: App, options: VisitOptions = {}): Promise<PageVisit> {
  const { username, password } = app.user
  const person = { username: context.reveal(username), password: context.reveal(password) }
  return context.instruments.browser!.open(address(app), { person, redirectUri: app.redirectUri, ...options })
}

const visits = asPerson(
  'the pages of a sign-in, seen by a browser',
  async (flow) => {
    const app = await flow.app({ client_name: name })
    return visit(flow, app, { inFrame: true, evaluate: looked })
  },
  { requires: 'browser' },
)

/** What a script could carry away is enough to be the person, or is not. */
const thefts = asPerson(
  'the cookies a script can read',
  async (flow) => {
    const app = await flow.app()
    const profile = `assay-${app.clientId}`
    const first = await visit(flow, app, { profile })
    const again = await visit(flow, app, { profile, person: undefined })
    const stolen = await visit(flow, app, { profile, person: undefined, asCarriedAway: true })
    return { first, again, stolen }
  },
  { requires: 'browser' },
)

/** The server took whoever came for the person: it asked for no password. */
const isKnown = ({ pages, arrived }: PageVisit): boolean =>
  !pages.some(({ asks }) => asks === 'sign-in') &&
  (pages.some(({ asks }) => asks === 'consent') || (arrived?.names.includes('code') ?? false))

const arrived = (visit: PageVisit, judge: () => Judgement): Judgement =>
  visit.arrived?.names.includes('code')
    ? judge()
    : inconclusive(`signing in brings no code: ${visit.stuck ?? visit.arrived?.error ?? 'the visit ended before'}`)

const asking = ({ pages }: PageVisit): VisitedPage[] => pages.filter(({ asks }) => asks !== 'other')

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'browser',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user', 'browser'],
    weakness: ['CWE-1021', 'API8:2023'],
    threat: 'browser-attack',
  },
  [
    check('browser/clickjacking', {
      spec: 'oauth-2.1',
      page: '7.10',
      title: 'A browser shows its pages in no frame',
      must: 'prevent clickjacking of the pages on which people sign in and consent',
      needs: { visits },
      judge: ({ visits }) =>
        arrived(visits, () =>
          each(asking(visits), 'nobody is asked to sign in or to consent', ({ asks, inFrame, url }) =>
            holdsIf(inFrame === 'refused' || inFrame === 'other', `lets its ${asks} page be used in a frame of another origin`, {
              expected: 'a frame that stays empty',
              actual: `the frame shows ${url}, which asks for ${inFrame}`,
            }),
          ),
        ),
      fix: "Send `Content-Security-Policy: frame-ancestors 'none'` with every page, those of errors included.",
    }),

    check('browser/consent-script', {
      title: 'The name of a client runs no script',
      policy: 'show the name of a client as text, whatever it is made of',
      requires: 'registration',
      needs: { visits },
      judge: ({ visits }) =>
        arrived(visits, () => {
          const values = visits.pages.flatMap(({ value }) => (value ? [value as { ran: boolean; shown: boolean }] : []))
          const ran = holdsIf(!values.some(({ ran }) => ran), 'runs the script in the name of a client', {
            expected: 'the name as text',
            actual: 'a script that has run',
          })
          return values.some(({ ran, shown }) => ran || shown) ? ran : notApplicable('no page shows the name of the client')
        }),
      fix: 'Escape what clients say of themselves by the rules of HTML, and forbid inline scripts by Content-Security-Policy.',
      weakness: ['CWE-79', 'API8:2023'],
    }),

    check('browser/cookie-flags', {
      title: 'Scripts cannot carry a sign-in away, nor networks read it',
      policy: 'keep the cookies by which a person is known from scripts, and from connections without TLS',
      needs: { thefts },
      judge: ({ thefts: { first, again, stolen } }, facts) =>
        arrived(first, () => {
          if (!isKnown(again)) return notApplicable('the server keeps nobody signed in')
          const kept = holdsIf(!isKnown(stolen), 'knows the person by cookies that a script can read', {
            expected: 'HttpOnly',
            actual: readable(first),
          })
          return all([kept, overTls(first, facts)])
        }),
      fix: 'Set HttpOnly and Secure on the cookies of a session.',
      weakness: ['CWE-1004', 'CWE-614', 'API8:2023'],
      threat: 'session-hijack',
    }),
  ],
)

const readable = ({ cookies }: PageVisit): string[] => cookies.filter(({ httpOnly }) => !httpOnly).map((cookie) => cookie.name)

function overTls({ cookies }: PageVisit, { url }: UnitFacts): Judgement {
  const open = cookies.filter(({ secure }) => !secure).map((cookie) => cookie.name)
  return holdsIf(!url.startsWith('https:') || open.length === 0, 'lets cookies be sent without TLS', { expected: 'Secure', actual: open })
}
