import {
  answered,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  type ProbeContext,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { authorizationUrl } from '../authority/authorization-request.ts'
import { textOf } from '../html.ts'
import { signIn } from '../sign-in.ts'
import { application, type Client, clientIn, type Json, registering } from './desk.ts'

/** A name that would be a script on a page that does not escape it. */
const scripted = 'Assay "><img src=assay onerror=alert(1)>'
const unescaped = '<img src=assay'

/** A name people trust. */
const borrowed = 'Claude'

/** A name of this machine that no page has another reason to show. */
export function unusedHost(context: ProbeContext): string {
  const { issuer, resource = '' } = context.access()
  return `${issuer} ${resource}`.includes('127.0.0.1') ? 'localhost' : '127.0.0.1'
}

/** Signs somebody in to a client, up to the page that asks for consent. */
async function visit(context: ProbeContext, client: Client, redirectUri: string) {
  const { scope, resource, users } = context.access()
  const url = authorizationUrl(context, client.clientId, redirectUri, { scope: scope ?? '', resource: resource ?? '' })
  const user = users.find(({ tenant }) => tenant === client.said.tenant) ?? users[0]!
  const { exchanges, login, consent, redirect } = await signIn(context, url, user, { consent: 'look' })
  return { exchanges, login: login ?? null, consent: consent ?? null, redirect: redirect ?? null }
}

const visiting = (name: string, metadata: Json) =>
  registering(
    name,
    async (desk, context) => {
      const host = unusedHost(context)
      const redirectUri = `http://${host}:8787/callback`
      const answer = await desk.register({ ...metadata, redirect_uris: [redirectUri] })
      const client = clientIn(answer)
      return { host, answer, visit: client === undefined ? null : await visit(context, client, redirectUri) }
    },
    { requires: ['authorization code', 'user', 'authority'] },
  )

const scripts = visiting('the pages for a client whose name is a script', { ...application, client_name: scripted })

const impostor = visiting('the pages for a client under a name people trust', { ...application, client_name: borrowed })

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc6749',
    page: '10.14',
    revisions: '2025-03-26..',
    requires: ['registration', 'authorization code', 'user'],
    weakness: ['CWE-79', 'API8:2023'],
    threat: 'browser-attack',
  },
  [
    check('registration/name-escaped', {
      title: 'The name of a client is text on every page',
      must: 'sanitize what a client says of itself before it shows it',
      needs: { scripts },
      judge: ({ scripts: { answer, visit } }) => {
        if (visit === null) return answered(answer, () => holds)
        const pages = visit.exchanges.filter((exchange) => mediaTypeOf(exchange) === 'text/html')
        if (pages.length === 0) return inconclusive(`no page was shown: ${summaryOf(visit.exchanges[0] ?? answer)}`)
        const open = pages.find((page) => page.response!.body.includes(unescaped))
        return open === undefined
          ? holds
          : broken('shows the name of a client as it is, scripts included', { expected: '&lt;img …', actual: around(open), exchange: open })
      },
      fix: 'Escape everything a client says of itself, and send a Content-Security-Policy that allows no inline scripts.',
    }),

    check('registration/redirect-shown', {
      spec: 'policy',
      page: 'registration',
      title: 'People see where they are sent',
      policy: 'show the host of the redirect URI when it asks for consent to a client that registered itself',
      needs: { impostor },
      judge: ({ impostor: { host, answer, visit } }) => {
        if (visit === null) return answered(answer, () => inconclusive(`the client is not registered: ${summaryOf(answer)}`, answer))
        if (visit.consent === null) return unasked(visit)
        return holdsIf(textOf(visit.consent).includes(host), 'asks for consent without showing where people are sent', {
          expected: `${host} on the page`,
          actual: textOf(visit.consent).slice(0, 400),
          exchange: visit.consent,
        })
      },
      fix: 'Show the host of the redirect URI beside the name, which anybody can choose, and warn of clients nobody has verified.',
      weakness: ['CWE-451', 'CWE-290', 'API8:2023', 'MCP07:2025'],
      threat: 'client-takeover',
    }),
  ],
)

const unasked = ({ exchanges, login, redirect }: { exchanges: Exchange[]; login: Exchange | null; redirect: string | null }): Judgement =>
  redirect !== null
    ? notApplicable('nobody is asked for consent')
    : inconclusive(`the ${login === null ? 'login' : 'consent'} page is not found: ${summaryOf(exchanges.at(-1)!)}`, exchanges.at(-1))

function around(page: Exchange): string {
  const { body } = page.response!
  const at = body.indexOf(unescaped)
  return body.slice(Math.max(0, at - 60), at + 60)
}
