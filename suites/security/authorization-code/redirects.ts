import {
  all,
  check,
  type Exchange,
  each,
  headerOf,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  notTestable,
  section,
} from '../../../src/model/index.ts'
import { unescaped } from '../html.ts'
import { type Answer, asPerson, endOf, type Flow } from './flow.ts'
import { bringsNoCode, controlledByTokens, staysAway } from './verdicts.ts'

/** An address nobody has registered. */
const evil = 'https://assay-redirect.example/callback'

/** Authorization requests of a person who is signed in already, so that nothing but the redirect URI decides. */
const asking = (name: string, urisOf: (registered: string) => Record<string, string>) =>
  asPerson(name, async (flow) => {
    const app = await flow.app()
    const browser = flow.browser()
    const before = (await flow.grant(app, { browser })).exchange
    const tried: { what: string; answer: Answer }[] = []
    for (const [what, uri] of Object.entries(urisOf(app.redirectUri)))
      tried.push({ what, answer: await flow.authorize(app, { redirect_uri: uri }, { browser }) })
    const after = (await flow.grant(app, { browser })).exchange
    return { before, tried, after }
  })

const near = asking('redirect URIs that resemble the registered one', (uri) => ({
  'goes on': `${uri}/assay`,
  'goes on without a slash': `${uri}assay`,
  'ends in a slash': `${uri}/`,
  'climbs out of its path': `${uri}/../assay`,
  'climbs in percent-encoding': `${uri}/%2e%2e/assay`,
  'has another query': `${uri}?assay=1`,
  'is in other letters': uri.replace(/[^/]+$/, (last) => last.toUpperCase()),
}))

const foreign = asking('redirect URIs on another host', (uri) => {
  const { host, pathname, protocol } = new URL(uri)
  return {
    'is on another host': evil,
    'is on a host that begins like the registered one': `${protocol}//${host.split(':')[0]}.assay-redirect.example${pathname}`,
    'names the registered host as a user': `${protocol}//${host}@assay-redirect.example${pathname}`,
    'names the registered host in its path': `https://assay-redirect.example/${host}${pathname}`,
    'holds a backslash before the registered host': `https://assay-redirect.example\\@${host}${pathname}`,
  }
})

const strangers = asPerson('an authorization request of an unknown client', async (flow) => {
  const app = await flow.app()
  const before = (await flow.grant(app)).exchange
  const unknown = await flow.authorize({ ...app, clientId: 'assay-unknown-client' }, { redirect_uri: evil })
  return { before, unknown }
})

const doubled = asPerson('authorization requests with two redirect URIs', async (flow) => {
  const app = await flow.app()
  const browser = flow.browser()
  const before = (await flow.grant(app, { browser })).exchange
  const uris = [
    [app.redirectUri, evil],
    [evil, app.redirectUri],
  ]
  const tried: Answer[] = []
  for (const redirect_uri of uris) tried.push(await flow.authorize(app, { redirect_uri }, { browser }))
  return { before, tried }
})

const portless = 'http://127.0.0.1/callback'
const ported = 'http://127.0.0.1:53219/callback'

const loopback = asPerson('a redirect URI on a port of the moment', async (flow) => {
  const app = await appWith(flow, portless)
  return app && { answer: await flow.authorize(app, { redirect_uri: ported }) }
})

const webUri = 'https://assay-client.example/callback'
const otherPort = 'https://assay-client.example:8443/callback'

const web = asPerson('a web redirect URI on another port', async (flow) => {
  const app = await appWith(flow, webUri, 'web')
  if (app === null) return null
  const browser = flow.browser()
  const control = await flow.authorize(app, {}, { browser })
  return { control, answer: await flow.authorize(app, { redirect_uri: otherPort }, { browser }) }
})

/** A client with this redirect URI; nothing where the server will not have it, as is its right. */
async function appWith({ context, app }: Flow, uri: string, application_type = 'native') {
  if (context.facts.facilities.registration !== true) return null
  return await app({ redirect_uris: [uri], application_type }).catch(() => null)
}

const mark = 'assay-form-post'
const hostile = `"><script>${mark}</script>`

const formPosts = asPerson('an authorization response by form post', async (flow) => {
  const app = await flow.app()
  const { page } = await flow.browser().open(flow.address(app, { response_mode: 'form_post', prompt: 'none', state: hostile }))
  return { page }
})

const leadsNowhereElse =
  (what: (variant: string) => string) =>
  ({ before, tried, after }: { before: Exchange; tried: { what: string; answer: Answer }[]; after: Exchange }): Judgement =>
    controlledByTokens([before, after], () => all(tried.map(({ what: variant, answer }) => staysAway(answer, what(variant)))))

const registrationsLack = notTestable('the server registers no client with the redirect URI this takes')

export default section(
  {
    of: 'authorization-server',
    spec: 'mcp',
    page: 'basic/authorization#open-redirection',
    movedTo: 'basic/authorization/security-considerations#open-redirection',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-601', 'API8:2023', 'MCP07:2025'],
    threat: 'code-interception',
  },
  [
    check('authorization-code/redirect-exact', {
      revisions: '2025-06-18..',
      title: 'Redirect URIs are compared as a whole',
      must: 'validate redirect URIs against the registered ones exactly',
      needs: { near },
      judge: ({ near }) => leadsNowhereElse((variant) => `redirects to an address that ${variant}`)(near),
      fix: 'Compare the redirect URI with the registered ones character by character, before anything is decoded or normalised.',
    }),

    check('authorization-code/redirect-host', {
      revisions: '2025-06-18..',
      title: 'No redirect leads to another host',
      must: 'validate redirect URIs against the registered ones exactly, whatever a parser takes for their host',
      needs: { foreign },
      judge: ({ foreign }) => leadsNowhereElse((variant) => `redirects to an address that ${variant}`)(foreign),
      fix: 'Compare texts, not parts of URLs; show an error page for what is not registered.',
    }),

    check('authorization-code/redirect-unknown-client', {
      spec: 'rfc6749',
      page: '4.1.2.1',
      title: 'An unknown client is answered with a page',
      must: 'not redirect to the address in the request of a client that is not known',
      needs: { strangers },
      judge: ({ strangers: { before, unknown } }) =>
        controlledByTokens([before], () => staysAway(unknown, 'redirects for a client it does not know', evil)),
      fix: 'Show an error page when client_id or redirect_uri is wrong; errors are sent to registered addresses only.',
    }),

    check('authorization-code/redirect-repeated', {
      spec: 'policy',
      page: 'authorization-code',
      title: 'Two redirect URIs in one request are refused',
      policy: 'not redirect to the unregistered one of two redirect URIs in a request',
      needs: { doubled },
      judge: ({ doubled: { before, tried } }) =>
        controlledByTokens([before], () =>
          each(tried, 'nothing was tried', (answer) => staysAway(answer, 'redirects to the unregistered one of two addresses', evil)),
        ),
      fix: 'Refuse requests that name a parameter twice (RFC 6749, section 3.1), instead of checking one value and using the other.',
      weakness: ['CWE-235', 'CWE-601', 'API8:2023'],
    }),

    check('authorization-code/redirect-loopback-port', {
      spec: 'rfc8252',
      page: '7.3',
      title: 'A native application may listen on any port',
      must: 'allow any port in a loopback redirect URI at the time of the request',
      needs: { loopback },
      judge: ({ loopback }) => {
        if (loopback === null) return registrationsLack
        const { answer } = loopback
        return holdsIf(answer.code !== undefined, 'refuses a port that is not registered', {
          expected: `a redirect to ${ported}`,
          actual: endOf(answer),
          exchange: answer.last,
        })
      },
      fix: 'Leave the port out when a registered http redirect URI on 127.0.0.1 or [::1] is compared.',
      weakness: ['API8:2023'],
    }),

    check('authorization-code/redirect-port', {
      revisions: '2025-06-18..',
      title: 'The port counts everywhere else',
      must: 'validate redirect URIs exactly, the port included where the host is not this machine',
      needs: { web },
      judge: ({ web }) => {
        if (web === null) return registrationsLack
        if (web.control.code === undefined)
          return inconclusive(`the registered address brings no code: ${endOf(web.control)}`, web.control.last)
        const what = 'redirects to another port than the registered one'
        return staysAway(web.answer, what).and(bringsNoCode(web.answer, what))
      },
      fix: 'Make the exception for ports on loopback addresses only.',
    }),

    check('authorization-code/form-post', {
      spec: 'policy',
      page: 'authorization-code',
      title: 'A response by form post runs no script of the request',
      policy: 'escape what it repeats from the request in a response by form post',
      needs: { formPosts },
      judge: ({ formPosts: { page } }) => {
        const body = page.response?.body ?? ''
        if (mediaTypeOf(page) !== 'text/html' || !unescaped(body).includes(mark))
          return notApplicable('the server answers by no form post that repeats the state')
        return holdsIf(!body.includes(`<script>${mark}`), 'puts the state into a page as it stands', {
          expected: 'the state with its angle brackets escaped',
          actual: headerOf(page, 'content-security-policy') ?? 'no Content-Security-Policy either',
          exchange: page,
        })
      },
      fix: 'Escape every value by the rules of HTML attributes; send a Content-Security-Policy besides.',
      weakness: ['CWE-79', 'API8:2023'],
      threat: 'browser-attack',
    }),
  ],
)
