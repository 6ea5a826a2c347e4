import {
  all,
  answered,
  broken,
  check,
  type Exchange,
  type Facility,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  type OutOfBandAnswer,
  type OutOfBandHit,
  type Probe,
  type ProbeOptions,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { type Answer, type App, asGuest, type Change, endOf, type Flow, tokensIn } from '../authorization-code/flow.ts'
import { bringsNoCode, bringsNoToken, staysAway } from '../authorization-code/verdicts.ts'
import { textOf } from '../html.ts'
import type { SignInOptions } from '../sign-in.ts'
import type { Json } from './desk.ts'
import { unusedHost } from './pages.ts'
import { isInner } from './requests.ts'

/** What came of an authorization request, and how often the document of its client was fetched until then. */
interface Tried {
  what: string
  answer: Answer
  fetched: number
}

interface Trials {
  controls: Tried[]
  tried: Tried[]
}

/** Makes what is published for a client of the document that would be right for it; of its URL another one is made where it is asked for in another spelling. */
interface Variant {
  publish?: (document: Json) => OutOfBandAnswer
  spell?: (url: string) => string
}

/** Publishes clients for one probe, and asks for authorization in their name; the person stays signed in. */
interface Publisher {
  readonly flow: Flow
  publish(variant?: Variant): Promise<App>
  authorize(what: string, app: App, change?: Change, options?: SignInOptions): Promise<Tried>
}

/** Milliseconds after which a server that fetches what it was told has begun to. */
const patience = 700

/** More than a hundred times what is recommended. */
const tooLarge = 4 * 1024 * 1024

const json = (document: unknown): OutOfBandAnswer => ({ body: JSON.stringify(document) })

/** A client without a secret, with the redirect URI that is most likely to be allowed: one beside its document. */
const documentOf = (clientId: string, redirectUri: string): Json => ({
  client_id: clientId,
  client_name: 'Assay',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
})

const requires: Facility[] = ['client documents']

const good = asGuest('a client that is a document', async (flow) => ({ control: await control(publisherOf(flow)) }), { requires })

/** A probe that publishes clients; where not even a good one is let in, none is. */
const publishing = <E>(name: string, run: (publisher: Publisher) => Promise<E>, options: ProbeOptions = {}): Probe<E> =>
  asGuest(
    name,
    async (flow) => {
      const lack = lackOf((await flow.context.use(good)).control)
      if (lack !== undefined) throw new Unfit(lack.kind, lack.reason)
      return run(publisherOf(flow))
    },
    { ...options, requires: [...requires, ...[options.requires ?? []].flat()] },
  )

function publisherOf(flow: Flow): Publisher {
  const { instruments, access } = flow.context
  const documents = instruments.documents!
  const browser = flow.browser()
  return {
    flow,
    publish: async ({ publish = json, spell = (url: string) => url } = {}) => {
      const url = await documents.url()
      if (!url.startsWith('https:'))
        throw new Unfit('not-testable', 'the origin of `instruments.documents` of the target is not an https one')
      const clientId = spell(url)
      const redirectUri = `${url}/callback`
      await documents.answer(clientId, publish(documentOf(clientId, redirectUri)))
      return { clientId, way: 'none', redirectUri, user: access().users[0]! }
    },
    authorize: async (what, app, change, options) => {
      const answer = await flow.authorize(app, change, { browser, ...options })
      return { what, answer, fetched: (await documents.hits(app.clientId)).length }
    },
  }
}

const control = async ({ publish, authorize }: Publisher): Promise<Tried> => authorize('is right', await publish())

/** Authorization requests of clients that differ in nothing but their documents, between two whose documents are right. */
const publications = (name: string, variants: Record<string, Variant>) =>
  publishing(name, async (publisher): Promise<Trials> => {
    const before = await control(publisher)
    const tried: Tried[] = []
    for (const [what, variant] of Object.entries(variants)) tried.push(await publisher.authorize(what, await publisher.publish(variant)))
    return { controls: [before, await control(publisher)], tried }
  })

const altered = (change: (document: Json) => Json): Variant => ({ publish: (document) => json({ ...document, ...change(document) }) })

const without = (name: string): Variant => altered(() => ({ [name]: undefined }))

const text = (body: (document: Json) => string): Variant => ({ publish: (document) => ({ body: body(document) }) })

const identities = publications('documents of other clients', {
  'names another client': altered(({ client_id: id }) => ({ client_id: `${id}/assay` })),
  'names no client': without('client_id'),
  'spells its own address in capitals': altered(({ client_id: id }) => ({ client_id: String(id).replace(/^https:/, 'HTTPS:') })),
  'ends its own address in a slash': altered(({ client_id: id }) => ({ client_id: `${id}/` })),
})

const spellings = publications('documents at addresses that are no client identifiers', {
  'has no path': { spell: (url) => new URL(url).origin },
  'has a fragment': { spell: (url) => `${url}#assay` },
  'names a user': { spell: (url) => url.replace('://', '://assay@') },
  'has dot segments': { spell: (url) => url.replace(/(\/[^/]+)$/, '/assay/..$1') },
})

const forms = publications('documents that are none', {
  'is no JSON': text(() => 'assay'),
  'is cut off': text((document) => JSON.stringify(document).slice(0, -1)),
  'is a list': text((document) => JSON.stringify([document])),
  'has no redirect_uris': without('redirect_uris'),
})

const nameless = publications('a document without a name', { 'has no client_name': without('client_name') })

const strange = publications('a document with a member nobody knows', {
  'has a member nobody knows': altered(() => ({ assay_unknown_member: { assay: true } })),
})

const large = publications('a document of four megabytes', {
  'is of four megabytes': text((document) => JSON.stringify(document).padEnd(tooLarge)),
})

const redirects = publishing('redirect URIs that are not in the document', async (publisher): Promise<Trials> => {
  const before = await control(publisher)
  const app = await publisher.publish()
  const uris = {
    'goes on after the one in the document': `${app.redirectUri}/assay`,
    'has another query than the one in the document': `${app.redirectUri}?assay=1`,
    'is on another host than the one in the document': 'https://assay-redirect.example/callback',
  }
  const tried: Tried[] = []
  for (const [what, uri] of Object.entries(uris)) tried.push(await publisher.authorize(what, app, { redirect_uri: uri }))
  return { controls: [before, await control(publisher)], tried }
})

/** What came of codes that were redeemed with another secret, and with the one in the document; nothing where there was no code. */
interface Proving {
  way: string
  answer: Answer
  wrong: Exchange | null
  right: Exchange | null
}

/** What everybody can read in the document. */
const secret = 'assay-secret-that-everybody-can-read'

const secrets = publishing('documents with a secret', async (publisher) => {
  const { publish, authorize, flow } = publisher
  const before = await control(publisher)
  const tried: Proving[] = []
  for (const way of ['client_secret_basic', 'client_secret_post']) {
    const app = { ...(await publish(altered(() => ({ token_endpoint_auth_method: way, client_secret: secret })))), way }
    const { answer } = await authorize(way, app)
    const redeem = async (given: string) => {
      if (answer.code === undefined) return null
      const { answer: another } = await authorize(way, app)
      return another.code === undefined ? null : flow.redeem({ ...app, secret: given }, another)
    }
    tried.push({ way, answer, wrong: await redeem(`${secret}-not`), right: await redeem(secret) })
  }
  return { controls: [before, await control(publisher)], tried }
})

const methods = publications('documents whose clients share a secret', {
  ...Object.fromEntries(
    ['client_secret_basic', 'client_secret_post', 'client_secret_jwt'].map((way) => [
      `has ${way}`,
      altered(() => ({ token_endpoint_auth_method: way })),
    ]),
  ),
  'has a client_secret': altered(() => ({ client_secret: secret })),
  'has a client_secret_expires_at': altered(() => ({ client_secret_expires_at: 0 })),
})

/** What stands where a document should, until it is put right. */
const damages: Record<string, Variant> = {
  'an error': { publish: () => ({ status: 500 }) },
  'a document of another client': altered(() => ({ client_id: 'https://assay-client.example/other' })),
}

const mended = publishing('documents that are put right after they were fetched', async (publisher) => {
  const { publish, authorize, flow } = publisher
  const before = await control(publisher)
  const tried: { first: Tried; second: Tried }[] = []
  for (const [what, damage] of Object.entries(damages)) {
    const app = await publish(damage)
    const first = await authorize(what, app)
    await flow.context.instruments.documents!.answer(app.clientId, json(documentOf(app.clientId, app.redirectUri)))
    tried.push({ first, second: await authorize(what, app) })
  }
  return { controls: [before, await control(publisher)], tried }
})

const redirected = publishing('a document at the end of a redirect', async (publisher) => {
  const { publish, authorize, flow } = publisher
  const documents = flow.context.instruments.documents!
  const before = await control(publisher)
  const end = await documents.url()
  const app = await publish({ publish: () => ({ status: 302, headers: { location: end } }) })
  await documents.answer(end, json(documentOf(app.clientId, app.redirectUri)))
  const { answer } = await authorize('redirects', app)
  return { controls: [before, await control(publisher)], answer, hits: await documents.hits(end) }
})

interface Led {
  what: string
  inner: string
  answer: Answer
  hits: OutOfBandHit[]
}

/** What in a document leads on, to an address of the harness. */
const leads: Record<string, (inner: string) => Variant> = {
  redirect: (inner) => ({ publish: () => ({ status: 302, headers: { location: inner } }) }),
  logo_uri: (inner) => altered(() => ({ logo_uri: inner })),
  jwks_uri: (inner) => altered(() => ({ jwks_uri: inner, token_endpoint_auth_method: 'private_key_jwt' })),
}

const inward = publishing(
  'documents that lead into the network of the server',
  async (publisher) => {
    const { publish, authorize, flow } = publisher
    const listener = flow.context.instruments.listener!
    const before = await control(publisher)
    const led: Omit<Led, 'hits'>[] = []
    for (const [what, variant] of Object.entries(leads)) {
      const inner = await listener.url()
      led.push({ inner, ...(await authorize(what, await publish(variant(inner)))) })
    }
    await flow.context.pause(patience)
    const tried: Led[] = await Promise.all(led.map(async (one) => ({ ...one, hits: await listener.hits(one.inner) })))
    return { controls: [before, await control(publisher)], tried }
  },
  { requires: 'out-of-band listener' },
)

const pages = publishing('the pages for a client that is a document', async (publisher) => {
  const { publish, authorize, flow } = publisher
  const before = await control(publisher)
  const host = unusedHost(flow.context)
  const redirectUri = `http://${host}:8917/callback`
  const app = { ...(await publish(altered(() => ({ redirect_uris: [redirectUri], application_type: 'native' })))), redirectUri }
  const visit = await authorize('redirects to this machine', app, {}, { browser: flow.browser(), consent: 'look' })
  return { controls: [before], host, clientHost: new URL(app.clientId).hostname, visit }
})

export default section(
  {
    of: 'authorization-server',
    spec: 'mcp',
    page: 'basic/authorization#implementation-requirements',
    movedTo: 'basic/authorization/client-registration#implementation-requirements',
    revisions: '2025-11-25..',
    requires: ['authorization code', 'user', 'client documents'],
    weakness: ['CWE-345', 'API2:2023', 'MCP07:2025'],
    threat: 'client-takeover',
  },
  [
    check('registration/document-fetched', {
      title: 'A client that is a document is looked up there',
      should: 'fetch the document when a client_id is a URL',
      needs: { good },
      judge: ({ good: { control } }) =>
        control.answer.code !== undefined && control.fetched === 0
          ? broken('lets a client in whose document it has not fetched', {
              expected: `a request to ${control.answer.redirectUri.replace(/\/callback$/, '')}`,
              actual: endOf(control.answer),
              exchange: control.answer.last,
            })
          : published([control], () => holds),
      fix: 'Fetch the document before anything in the request is believed, or leave client_id_metadata_document_supported out of the metadata.',
      covers: 'auth.as.cimd',
    }),

    check('registration/document-identity', {
      title: 'A document speaks for the client at its own address only',
      must: 'take a document only when its client_id is the URL it was fetched from, character by character',
      needs: { identities },
      judge: ({ identities }) => refused(identities),
      fix: 'Compare client_id in the document with the client_id of the request as texts, before anything else of it is used.',
      covers: 'auth.as.cimd.validate-id',
      weakness: ['CWE-290', 'CWE-345', 'API2:2023', 'MCP07:2025'],
    }),

    check('registration/document-redirect', {
      title: 'Redirects of a client that is a document go where the document says',
      must: 'validate the redirect URI of a request against those in the document',
      needs: { redirects },
      judge: ({ redirects }) =>
        published(redirects.controls, () =>
          all(
            redirects.tried.map(({ what, answer }) => {
              const wrong = `redirects to an address that ${what}`
              return staysAway(answer, wrong).and(bringsNoCode(answer, wrong))
            }),
          ),
        ),
      fix: 'Compare the redirect URI with redirect_uris of the document character by character; show an error page for any other.',
      covers: 'auth.as.cimd.validate-redirect',
      weakness: ['CWE-601', 'API8:2023', 'MCP07:2025'],
      threat: 'code-interception',
    }),

    check('registration/document-form', {
      title: 'A document that cannot be read names no client',
      must: 'take a document only when it is valid JSON and has redirect_uris',
      needs: { forms },
      judge: ({ forms }) => refused(forms),
      fix: 'Parse the document strictly, and refuse whatever is no JSON object with redirect_uris.',
      covers: 'auth.as.cimd.validate-doc',
      weakness: ['CWE-20', 'API8:2023'],
      threat: 'rogue-registration',
    }),

    check('registration/document-name', {
      title: 'A document has a name to show',
      must: 'take a document only when it has a client_name',
      needs: { nameless },
      judge: ({ nameless }) => refused(nameless),
      fix: 'Refuse documents without client_name: MCP requires it, and people are asked to consent to it.',
      covers: 'auth.as.cimd.validate-doc',
      weakness: ['CWE-20', 'CWE-451', 'API8:2023'],
    }),

    check('registration/document-redirect-shown', {
      page: 'basic/authorization#localhost-redirect-uri-risks',
      movedTo: 'basic/authorization/security-considerations#localhost-redirect-uri-risks',
      title: 'People see where a client that is a document sends them',
      must: 'show the host of the redirect URI during authorization',
      needs: { pages },
      judge: ({ pages: { controls, visit, host } }) => published(controls, () => shows(visit, host, 'where people are sent')),
      fix: 'Show the host of the redirect URI on the page that asks for consent: anybody can name the document of somebody else.',
      weakness: ['CWE-451', 'CWE-290', 'API8:2023', 'MCP07:2025'],
    }),

    check('registration/document-url', {
      spec: 'cimd',
      page: '3',
      title: 'Not every address of a document is a client_id',
      must: 'take no URL for a client_id that has no path, or that has a fragment, a user or dot segments',
      needs: { spellings },
      judge: ({ spellings }) => refused(spellings, 'takes a client_id that'),
      fix: 'Look at the client_id as it is written, before a parser has normalised it.',
      weakness: ['CWE-178', 'CWE-436', 'API2:2023'],
    }),

    check('registration/document-members', {
      spec: 'cimd',
      page: '4.1',
      title: 'A document may say more than the server knows',
      may: 'be given documents with additional properties; they are taken',
      needs: { strange },
      judge: ({ strange }) => published(strange.controls, () => all(strange.tried.map(letsIn))),
      fix: 'Ignore members nobody knows: one document is read by many servers.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('registration/document-secret', {
      spec: 'cimd',
      page: '4.1',
      title: 'No client proves itself by a secret everybody can read',
      must: 'not use a client_secret that stands in a document',
      needs: { secrets },
      judge: ({ secrets: { controls, tried } }) => published(controls, () => all(tried.map(provesNothing))),
      fix: 'Refuse documents with client_secret; clients that prove themselves do so with keys (private_key_jwt).',
      weakness: ['CWE-522', 'CWE-287', 'API2:2023', 'MCP01:2025'],
    }),

    check('registration/document-method', {
      spec: 'policy',
      page: 'registration',
      title: 'Documents of clients that would share a secret are refused',
      policy: 'refuse documents with a secret, or with a way to authenticate by one',
      needs: { methods },
      judge: ({ methods }) => refused(methods),
      fix: 'Refuse documents with client_secret, client_secret_expires_at or a token_endpoint_auth_method that takes a secret.',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'rogue-registration',
    }),

    check('registration/document-errors', {
      spec: 'cimd',
      page: '4.4',
      title: 'A document that was wrong once is fetched again',
      must: 'cache neither error responses nor documents that are invalid',
      needs: { mended },
      judge: ({ mended: { controls, tried } }) => published(controls, () => all(tried.map(fetchedAgain))),
      fix: 'Cache documents that were found valid, and nothing else.',
      weakness: ['CWE-525', 'API8:2023'],
      threat: 'exhaustion',
    }),

    check('registration/document-host-shown', {
      spec: 'cimd',
      page: '6.4',
      title: 'People see whose document they consent to',
      should: 'show the host of the client_id where people are asked',
      needs: { pages },
      judge: ({ pages: { controls, visit, clientHost } }) =>
        published(controls, () => shows(visit, clientHost, 'whose document the client is')),
      fix: 'Show the host of the client_id beside the name, which anybody can choose.',
      weakness: ['CWE-451', 'CWE-290', 'API8:2023', 'MCP07:2025'],
    }),

    check('registration/document-network', {
      spec: 'cimd',
      page: '6.5',
      requires: 'out-of-band listener',
      title: 'No document leads into the network of the server',
      should: 'fetch nothing from private or loopback addresses, whatever a document or its address leads to',
      needs: { inward },
      judge: ({ inward: { controls, tried } }) => published(controls, () => all(tried.map(staysOutside))),
      fix: 'Resolve each address before it is asked, refuse private ones, connect to the address that was checked, and follow no redirect.',
      covers: 'auth.as.cimd.ssrf',
      weakness: ['CWE-918', 'API7:2023'],
      threat: 'forged-request',
    }),

    check('registration/document-size', {
      spec: 'cimd',
      page: '6.6',
      title: 'A document has a largest size',
      should: 'limit the size of the documents it fetches',
      needs: { large },
      judge: ({ large }) => refused(large),
      fix: 'Stop reading after 5 kilobytes, whatever Content-Length says.',
      weakness: ['CWE-770', 'API4:2023'],
      threat: 'exhaustion',
    }),

    check('registration/document-moved', {
      spec: 'policy',
      page: 'registration',
      title: 'A document is taken from its own address only',
      policy: 'not follow a redirect from the address of a client',
      needs: { redirected },
      judge: ({ redirected: { controls, answer, hits } }) =>
        published(controls, () =>
          holdsIf(hits.length === 0, 'follows a redirect from the address of a client', {
            expected: 'no request',
            actual: `${hits[0]?.verb} ${hits[0]?.path}`,
            exchange: answer.last,
          }),
        ),
      fix: 'Take nothing but a 200 for a document, as later drafts demand: whoever can redirect from a host could be a client of it.',
      weakness: ['CWE-601', 'CWE-918', 'API7:2023'],
      threat: 'forged-request',
    }),
  ],
)

/** Why nothing can be said: a server may trust some hosts only, or not reach the harness. */
function lackOf({ answer, fetched }: Tried): { kind: 'not-testable' | 'inconclusive'; reason: string } | undefined {
  if (fetched === 0)
    return {
      kind: 'not-testable',
      reason: `no document of the harness is fetched: the server does not reach \`instruments.documents\`, or trusts other hosts only; ${endOf(answer)}`,
    }
  if (answer.code !== undefined) return undefined
  return {
    kind: 'inconclusive',
    reason: `the control, a client whose document is right, gets no code, as a policy of the server may have it; ${endOf(answer)}`,
  }
}

/** Says something only when clients whose documents are right are let in. */
function published(controls: readonly Tried[], judge: () => Judgement): Judgement {
  const [lack] = controls.flatMap((control) => lackOf(control) ?? [])
  if (lack === undefined) return judge()
  return lack.kind === 'not-testable' ? notTestable(lack.reason) : inconclusive(lack.reason)
}

const refused = ({ controls, tried }: Trials, wrong = 'takes a document that'): Judgement =>
  published(controls, () => all(tried.map(({ what, answer }) => bringsNoCode(answer, `${wrong} ${what}`))))

function letsIn({ what, answer }: Tried): Judgement {
  if (answer.code !== undefined) return holds
  return decided(answer, (last) => broken(`refuses a document that ${what}`, { expected: 'a code', actual: endOf(answer), exchange: last }))
}

function fetchedAgain({ first, second }: { first: Tried; second: Tried }): Judgement {
  if (first.fetched === 0) return inconclusive(`${first.what} was not fetched: ${endOf(first.answer)}`, first.answer.last)
  if (second.answer.code !== undefined || second.fetched > first.fetched) return holds
  return decided(second.answer, (last) =>
    broken(`keeps ${first.what} in place of a document that is put right`, {
      expected: 'another request for the document',
      actual: endOf(second.answer),
      exchange: last,
    }),
  )
}

/** Judges the end of an authorization request that was not put off. */
const decided = (answer: Answer, judge: (last: Exchange) => Judgement): Judgement =>
  answered(answer.last, (last) => {
    const status = statusOf(last)!
    return status === 429 || status >= 500 ? inconclusive(`nothing is decided: ${endOf(answer)}`, last) : judge(last)
  })

function provesNothing({ way, answer, wrong, right }: Proving): Judgement {
  if (wrong === null || right === null) return decided(answer, () => holds)
  if (tokensIn(right) === undefined) return bringsNoToken(right, '')
  if (tokensIn(wrong) !== undefined) return holds
  return [400, 401].includes(statusOf(wrong) ?? 0)
    ? broken(`authenticates a client by the secret in its document, with ${way}`, {
        expected: 'a document that is refused, or a secret that counts for nothing',
        actual: 'tokens for the secret, and none for another',
        exchange: right,
      })
    : inconclusive(`nothing is decided with another secret: ${summaryOf(wrong)}`, wrong)
}

function staysOutside({ what, inner, answer, hits }: Led): Judgement {
  if (!isInner(inner)) return notApplicable('the harness is reached on the public web')
  return answered(answer.last, (last) =>
    holdsIf(hits.length === 0, `fetches an address of its own network, to which a document leads by its ${what}`, {
      expected: 'no request',
      actual: `${hits[0]?.verb} ${hits[0]?.path}`,
      exchange: last,
    }),
  )
}

function shows({ answer }: Tried, host: string, what: string): Judgement {
  const { login, consent } = answer
  if (consent === undefined)
    return answer.code === undefined
      ? inconclusive(`the consent page is not found: ${summaryOf(answer.last)}`, answer.last)
      : notApplicable('nobody is asked for consent')
  const read = [login, consent].flatMap((page) => (page ? [textOf(page)] : []))
  return holdsIf(
    read.some((page) => page.includes(host)),
    `asks for consent without showing ${what}`,
    { expected: `${host} on the page`, actual: textOf(consent).slice(0, 400), exchange: consent },
  )
}
