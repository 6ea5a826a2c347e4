import {
  all,
  answered,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  type OutOfBandHit,
  probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { authorizationUrl } from '../authority/authorization-request.ts'
import { read } from '../authority/documents.ts'
import { formBody } from '../forms.ts'
import { encodeJwt } from '../tokens/jwt.ts'
import { application, clientIn, controlledHttp, eachTried, type Json, listOf, registering } from './desk.ts'

interface Fetched {
  what: string
  url: string
  answer: Exchange
  hits: OutOfBandHit[]
}

/** Milliseconds after which a server that fetches what it was told has begun to. */
const patience = 700

/** What is shown to people, and not for the server to read. */
const shown = ['logo_uri', 'client_uri', 'policy_uri', 'tos_uri']

/** What a server may have a reason to read: on the public web, not beside itself. */
const readable = ['jwks_uri', 'sector_identifier_uri', 'initiate_login_uri']

const withMember = (name: string, url: string): Json => ({
  ...application,
  [name]: url,
  ...(name === 'jwks_uri' ? { token_endpoint_auth_method: 'private_key_jwt' } : {}),
})

const links = registering(
  'registrations whose links lead to the harness',
  async (desk, context) => {
    const listener = context.instruments.listener!
    const control = await desk.register(application)
    const made = await Promise.all(
      [...shown, ...readable].map(async (what) => {
        const end = await listener.url()
        const url = what === 'logo_uri' || what === 'jwks_uri' ? await listener.url({ redirect: end }) : end
        return { what, url, end, answer: await desk.register(withMember(what, url)) }
      }),
    )
    await context.pause(patience)
    return {
      control,
      fetched: await Promise.all(
        made.map(
          async ({ what, url, end, answer }): Promise<Fetched> => ({
            what,
            url,
            answer,
            hits: [...(await listener.hits(url)), ...(url === end ? [] : await listener.hits(end))],
          }),
        ),
      ),
    }
  },
  { requires: 'out-of-band listener' },
)

const assertion = (clientId: string, audience: string, id: string): string =>
  encodeJwt({
    header: { alg: 'ES256', kid: 'assay' },
    claims: { iss: clientId, sub: clientId, aud: audience, jti: id, iat: now(), exp: now() + 60 },
    signature: Buffer.alloc(64, 1).toString('base64url'),
  })

const now = () => Math.floor(Date.now() / 1_000)

const keyFetch = registering(
  'a client that authenticates with keys at the harness',
  async (desk, context) => {
    const listener = context.instruments.listener!
    const url = await listener.url()
    const control = await desk.register(application)
    const answer = await desk.register(withMember('jwks_uri', url))
    const client = clientIn(answer)
    if (client === undefined) return { control, answer, asked: null, url, hits: [] }
    const endpoint = String(context.facts.metadata!.token_endpoint)
    const fields = {
      grant_type: 'authorization_code',
      code: 'assay',
      redirect_uri: listOf(application.redirect_uris)![0]!,
      client_id: client.clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion(client.clientId, endpoint, `assay-${client.clientId}`),
    }
    const registered = (await listener.hits(url)).length
    const asked = await context.request({
      method: 'POST',
      url: endpoint,
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: formBody(context, fields),
      authorize: false,
    })
    await context.pause(patience)
    return { control, answer, asked, url, hits: (await listener.hits(url)).slice(registered) }
  },
  { requires: 'out-of-band listener' },
)

/** Addresses at which clouds tell machines their credentials, and other spellings of this machine. */
const inner = [
  'https://169.254.169.254/latest/meta-data/iam',
  'https://[::ffff:169.254.169.254]/latest',
  'https://2852039166/latest',
  'https://localhost/jwks.json',
  'http://metadata.google.internal/computeMetadata/v1/',
]

const addresses = registering('registrations whose keys are inside the network', async (desk) => {
  const before = await desk.register(application)
  const tried = await Promise.all(inner.map(async (url) => ({ url, answer: await desk.register(withMember('jwks_uri', url)) })))
  return { controls: [before, await desk.register(application)], tried }
})

const clientDocument = probe(
  'an authorization request whose client is a document at the harness',
  { requires: ['authorization code', 'out-of-band listener'] },
  async (context) => {
    const listener = context.instruments.listener!
    const clientId = await listener.url()
    const asked = await read(context, authorizationUrl(context, clientId, 'http://127.0.0.1:8787/callback'))
    await context.pause(patience)
    return { clientId, asked, hits: await listener.hits(clientId) }
  },
)

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'registration',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-918', 'API7:2023'],
    threat: 'forged-request',
  },
  [
    check('registration/fetched-links', {
      requires: 'out-of-band listener',
      title: 'A registration sends the server nowhere',
      policy: 'not fetch what a stranger’s registration names, from addresses of its own network or for no need',
      needs: { links },
      judge: ({ links: { control, fetched } }) => controlledHttp([control], () => all(fetched.map(unfetched))),
      fix: 'Fetch nothing at registration. Later, fetch keys from public https addresses only, resolved and checked at each step.',
    }),

    check('registration/fetched-keys', {
      requires: 'out-of-band listener',
      title: 'Keys are not fetched from inside the network',
      policy: 'fetch the keys of a client from the public web only',
      needs: { keyFetch },
      judge: ({ keyFetch: { control, answer, asked, url, hits } }) =>
        controlledHttp([control], () => {
          if (asked === null) return answered(answer, () => holds)
          if (!isInner(url)) return notApplicable('the harness is reached on the public web, from where keys may be fetched')
          return holdsIf(hits.length === 0, 'fetches the keys of a stranger’s client from an address of its own network', {
            expected: 'no request',
            actual: `${hits[0]?.verb} ${hits[0]?.path}`,
            exchange: asked,
          })
        }),
      fix: 'Resolve the host of jwks_uri, refuse private addresses, connect to the address that was checked, and follow no redirect.',
    }),

    check('registration/inner-addresses', {
      title: 'Keys inside the network are not registered',
      policy: 'refuse jwks_uri that lead to this machine, to its network or to the metadata service of its cloud',
      needs: { addresses },
      judge: ({ addresses }) =>
        eachTried(addresses, ({ url, answer }) =>
          holdsIf(clientIn(answer)?.said.jwks_uri !== url, 'registers keys at an address of its own network', {
            expected: 'HTTP 400',
            actual: `${url}: ${summaryOf(answer)}`,
            exchange: answer,
          }),
        ),
      fix: 'Refuse addresses that are not on the public web when the client registers.',
    }),

    check('registration/document-address', {
      spec: 'cimd',
      page: '3',
      revisions: '2025-11-25..',
      requires: ['authorization code', 'out-of-band listener'],
      title: 'A client that is a document is fetched with TLS only',
      must: 'take a URL for a client_id only when its scheme is https',
      needs: { clientDocument },
      judge: ({ clientDocument: { asked, clientId, hits } }, { metadata }) => {
        if (metadata!.client_id_metadata_document_supported !== true) return notApplicable('clients that are documents are not supported')
        if (URL.parse(clientId)?.protocol === 'https:') return notApplicable('the harness is reached with TLS')
        return answered(asked, () =>
          holdsIf(hits.length === 0, 'fetches the document of a client without TLS', {
            expected: 'no request',
            actual: `${hits[0]?.verb} ${hits[0]?.path}`,
            exchange: asked,
          }),
        )
      },
      fix: 'Refuse a client_id that is a URL without https, a path, or with a fragment or user, before anything is fetched.',
      weakness: ['CWE-319', 'CWE-918', 'API7:2023'],
    }),
  ],
)

function unfetched({ what, url, answer, hits }: Fetched): Judgement {
  return answered(answer, () =>
    hits.length === 0 || (!isInner(url) && readable.includes(what))
      ? holds
      : broken(`fetches the ${what} of a registration`, {
          expected: 'no request',
          actual: hits.map(({ verb, path }) => `${verb} ${path}`).join(', '),
          exchange: answer,
        }),
  )
}

/** Whether an address is one of this machine or its network. */
export const isInner = (url: string): boolean =>
  /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[(::1|f[cd]|fe80))/.test(new URL(url).hostname)
