import {
  all,
  answered,
  bodyOf,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  type Needs,
  notApplicable,
  type Probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { authorizationUrl, isHonoured } from '../authority/authorization-request.ts'
import { read } from '../authority/documents.ts'
import { application, clientIn, controlledHttp, eachTried, listOf, registering } from './desk.ts'

interface Attempts {
  controls: Exchange[]
  tried: { uri: string; answer: Exchange }[]
}

/** Registers each redirect URI with a client of its own, between two registrations that are right. */
const registrations = (name: string, uris: readonly string[]): Probe<Attempts> =>
  registering(name, async (desk) => {
    const before = await desk.register(application)
    const tried = await Promise.all(
      uris.map(async (uri) => ({ uri, answer: await desk.register({ ...application, redirect_uris: [uri] }) })),
    )
    return { controls: [before, await desk.register(application)], tried }
  })

const fragments = registrations('redirect URIs with a fragment', [
  'http://127.0.0.1:8787/callback#assay',
  'https://client.assay.example/callback#',
])
const dangerous = registrations('redirect URIs that are code or files', [
  'javascript:alert(1)//callback',
  'data:text/html,assay',
  'file:///tmp/assay',
  'vbscript:assay',
  'blob:https://client.assay.example/assay',
])
const plain = registrations('redirect URIs without TLS', [
  'http://client.assay.example/callback',
  'http://127.0.0.1.assay.example/callback',
])
const relative = registrations('redirect URIs that are not absolute', ['/callback', 'callback', '//client.assay.example/callback'])
const privately = registrations('redirect URIs of a scheme of their own', ['assay:/callback', 'com.example.assay://callback'])
const users = registrations('redirect URIs that name a user', [
  'http://127.0.0.1:8787@client.assay.example/callback',
  'https://127.0.0.1@client.assay.example/callback',
  'https://user:password@client.assay.example/callback',
])
const spellings = registrations('redirect URIs that are read in two ways', [
  'https://client.assay.example\\@127.0.0.1/callback',
  'https://client.assay.example/callback\r\nSet-Cookie: assay=1',
  'https://client.assay.example/call\u0000back',
  'https://client.аssay.example/callback',
  'http://2130706433/callback',
])

const missing = registering('clients without a redirect URI', async (desk) => {
  const { redirect_uris: _, ...without } = application
  const before = await desk.register(application)
  const tried = [await desk.register({ ...application, redirect_uris: [] }), await desk.register(without)]
  return { controls: [before, await desk.register(application)], tried }
})

interface Wildcard {
  uri: string
  answer: Exchange
  /** An authorization request with what the pattern would stand for, if it were registered. */
  used?: { redirectUri: string; exchange: Exchange; control: Exchange }
}

const patterns: Record<string, string> = {
  'http://127.0.0.1:8787/*': 'http://127.0.0.1:8787/assay/elsewhere',
  'https://*.assay.example/callback': 'https://elsewhere.assay.example/callback',
  'https://client.assay.example/callback*': 'https://client.assay.example/callback/assay',
  '*': 'https://elsewhere.assay.example/assay',
}

const wildcards = registering(
  'redirect URIs with a wildcard, and their use',
  async (desk, context) => {
    const ask = (clientId: string, uri: string) =>
      read(context, authorizationUrl(context, clientId, uri, { prompt: 'none', scope: 'openid' }))
    const [own] = listOf(application.redirect_uris)!
    return Promise.all(
      Object.entries(patterns).map(async ([uri, redirectUri]): Promise<Wildcard> => {
        const answer = await desk.register({ ...application, redirect_uris: [own, uri] })
        const client = clientIn(answer)
        if (client === undefined || !keeps(answer, uri)) return { uri, answer }
        const control = await ask(client.clientId, own!)
        return { uri, answer, used: { redirectUri, control, exchange: await ask(client.clientId, redirectUri) } }
      }),
    )
  },
  { requires: 'authorization code' },
)

/** Whether the client was registered with this redirect URI; a server may also drop it. */
const keeps = (answer: Exchange, uri: string): boolean => {
  const kept = listOf(clientIn(answer)?.said.redirect_uris)
  return clientIn(answer) !== undefined && (kept === undefined || kept.includes(uri))
}

const refuses = <N extends Needs>(attempts: Probe<Attempts>, what: string) => ({
  needs: { attempts } as unknown as N,
  judge: (evidence: any): Judgement =>
    eachTried(evidence.attempts as Attempts, ({ uri, answer }) =>
      holdsIf(!keeps(answer, uri), `registers ${what}`, {
        expected: 'HTTP 400, invalid_redirect_uri',
        actual: `${uri.slice(0, 80)} in ${summaryOf(answer)}`,
        exchange: answer,
      }),
    ),
})

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7591',
    page: '5',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-601', 'API8:2023'],
    threat: 'rogue-registration',
  },
  [
    check('registration/redirect-required', {
      requires: 'authorization code',
      title: 'Clients that use redirects register where to',
      must: 'require clients of the authorization code grant to register their redirect URIs',
      needs: { missing },
      judge: ({ missing: { controls, tried } }) => controlledHttp(controls, () => all(tried.map(withoutRedirect))),
      fix: 'Refuse a client of the authorization code grant without redirect_uris, with 400 and invalid_redirect_uri.',
    }),

    check('registration/redirect-scheme', {
      ...refuses(dangerous, 'a redirect URI that a browser would run or read from a disk'),
      title: 'Redirect URIs are addresses, not code',
      must: 'register only redirect URIs of web sites with TLS, of this machine, or of one application alone',
      fix: 'Allow https, and http for this machine; refuse every other scheme you do not know to belong to one application.',
      weakness: ['CWE-601', 'CWE-79', 'API8:2023'],
    }),

    check('registration/redirect-fragment', {
      ...refuses(fragments, 'a redirect URI with a fragment'),
      spec: 'rfc6749',
      page: '3.1.2',
      title: 'Redirect URIs have no fragment',
      must: 'not register a redirect URI with a fragment',
      fix: 'Refuse redirect URIs that hold a number sign.',
    }),

    check('registration/redirect-absolute', {
      ...refuses(relative, 'a redirect URI that is not absolute'),
      spec: 'rfc6749',
      page: '3.1.2',
      title: 'Redirect URIs are absolute',
      must: 'not register a redirect URI that is not absolute',
      fix: 'Refuse redirect URIs without a scheme and a host.',
    }),

    check('registration/redirect-without-tls', {
      ...refuses(plain, 'a redirect URI of another machine without TLS'),
      spec: 'mcp',
      page: 'basic/authorization#communication-security',
      movedTo: 'basic/authorization/security-considerations#communication-security',
      title: 'Redirect URIs use TLS, or stay on this machine',
      must: 'register only redirect URIs that use HTTPS or lead to localhost',
      fix: 'Refuse http for every host but localhost, 127.0.0.1 and [::1].',
      weakness: ['CWE-319', 'CWE-601', 'API8:2023', 'MCP07:2025'],
      threat: 'code-interception',
    }),

    check('registration/redirect-private-scheme', {
      ...refuses(privately, 'a redirect URI of a scheme that any application can claim'),
      spec: 'policy',
      page: 'registration',
      title: 'Strangers register no schemes of their own',
      policy: 'not let strangers register redirect URIs of schemes that another application can claim as well',
      fix: 'Ask applications for https addresses they own, or for addresses of this machine.',
      threat: 'code-interception',
    }),

    check('registration/redirect-user', {
      ...refuses(users, 'a redirect URI that hides its host behind a user'),
      spec: 'policy',
      page: 'registration',
      title: 'Redirect URIs name no user',
      policy: 'not register a redirect URI with a user, behind which its host hides',
      fix: 'Refuse redirect URIs with an at sign before the host.',
      weakness: ['CWE-601', 'CWE-451', 'API8:2023'],
    }),

    check('registration/redirect-spelling', {
      ...refuses(spellings, 'a redirect URI that two parsers read differently'),
      spec: 'policy',
      page: 'registration',
      title: 'Redirect URIs are read in one way only',
      policy: 'not register a redirect URI with control characters, backslashes, letters beyond ASCII, or an address written as a number',
      fix: 'Take a redirect URI only when it is printable ASCII and a parser gives back the host as it was written.',
      weakness: ['CWE-601', 'CWE-20', 'API8:2023'],
    }),

    check('registration/redirect-wildcard', {
      spec: 'mcp',
      page: 'basic/authorization#open-redirection',
      movedTo: 'basic/authorization/security-considerations#open-redirection',
      requires: 'authorization code',
      title: 'A registered redirect URI stands for itself alone',
      must: 'compare redirect URIs exactly with those registered, not by patterns that strangers register',
      needs: { wildcards },
      judge: ({ wildcards }) => all(wildcards.map(unused)),
      fix: 'Compare redirect URIs character by character, and refuse to register wildcards.',
      weakness: ['CWE-601', 'API8:2023', 'MCP07:2025'],
      threat: 'code-interception',
    }),

    check('registration/redirect-error', {
      page: '3.2.2',
      title: 'A wrong redirect URI is answered as such',
      should: 'answer 400 with invalid_redirect_uri to a redirect URI it does not register',
      needs: { fragments, dangerous, plain },
      judge: ({ fragments, dangerous, plain }) =>
        controlledHttp(fragments.controls, () =>
          all([...fragments.tried, ...dangerous.tried, ...plain.tried].map(({ answer }) => named(answer))),
        ),
      fix: 'Answer `400 {"error":"invalid_redirect_uri"}`, so that the developer knows what to mend.',
      weakness: ['CWE-20', 'API8:2023'],
    }),
  ],
)

function withoutRedirect(answer: Exchange): Judgement {
  return answered(answer, () => {
    const said = clientIn(answer)?.said
    const grants = listOf(said?.grant_types) ?? ['authorization_code']
    const usable = said !== undefined && (listOf(said.redirect_uris) ?? []).length === 0 && grants.includes('authorization_code')
    return holdsIf(!usable, 'registers a client of the authorization code grant without a redirect URI', {
      expected: 'HTTP 400, invalid_redirect_uri',
      actual: summaryOf(answer),
      exchange: answer,
    })
  })
}

function unused({ uri, answer, used }: Wildcard): Judgement {
  if (used === undefined) return answered(answer, () => holds)
  const [own] = listOf(application.redirect_uris)!
  if (!isHonoured(used.control, own!))
    return inconclusive(`the redirect URI itself is not answered with a redirect: ${summaryOf(used.control)}`)
  return answered(used.exchange, () =>
    isHonoured(used.exchange, used.redirectUri)
      ? broken('redirects to whatever a registered pattern stands for', {
          expected: 'no redirect',
          actual: `${used.redirectUri} for ${uri}: ${summaryOf(used.exchange)}`,
          exchange: used.exchange,
        })
      : holds,
  )
}

function named(answer: Exchange): Judgement {
  return answered(answer, () => {
    const status = statusOf(answer)!
    if (status < 400 || status === 401 || status === 403)
      return notApplicable('the redirect URI is registered, or refused for another reason')
    return holdsIf(status === 400 && bodyOf(answer)?.error === 'invalid_redirect_uri', 'does not say that the redirect URI is wrong', {
      expected: 'HTTP 400, invalid_redirect_uri',
      actual: summaryOf(answer),
      exchange: answer,
    })
  })
}
