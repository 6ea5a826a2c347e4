import {
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { type Answer, asPerson, claimsOf, endOf, type Flow, tokensIn } from './flow.ts'
import { grantedScope } from './refresh.ts'
import { bringsNoToken } from './verdicts.ts'

const unknown = 'https://assay-resource.example/mcp'
const withFragment = (resource: string): string => `${resource}#assay`

/** What a request for a token of some resource came to. */
interface Aimed {
  resource: string
  answer: Answer
  exchange: Exchange | null
  /** Whom the token is for; nothing where it cannot be read. */
  audience: string[] | null
}

const aims = asPerson(
  'codes for resources, known and unknown',
  async (flow) => {
    const resource = flow.context.access().resource!
    const app = await flow.app()
    const browser = flow.browser()
    const aim = async (asked: string, redeemedFor = asked): Promise<Aimed> => {
      const answer = await flow.authorize(app, { resource: asked }, { browser })
      const exchange = answer.code === undefined ? null : await flow.redeem(app, answer, { resource: redeemedFor })
      return { resource: redeemedFor, answer, exchange, audience: audienceOf(flow, exchange) }
    }
    return {
      control: await aim(resource),
      unknown: await aim(unknown),
      fragment: await aim(withFragment(resource)),
      switched: await aim(resource, unknown),
    }
  },
  { requires: 'resource' },
)

function audienceOf({ context }: Flow, exchange: Exchange | null): string[] | null {
  const token = exchange === null ? undefined : tokensIn(exchange)?.access_token
  return token === undefined ? null : (claimsOf(context, token)?.audience ?? null)
}

const privileges = asPerson(
  'a code for a privileged scope',
  async (flow) => {
    const { scope = '', privilegedScope } = flow.context.access()
    const app = await flow.app()
    const control = (await flow.grant(app)).exchange
    const answer = await flow.authorize(app, { scope: `${scope} ${privilegedScope}`.trim() })
    const exchange = answer.code === undefined ? null : await flow.redeem(app, answer)
    return {
      registered: flow.context.facts.facilities.registration === true,
      control,
      answer,
      exchange,
      granted: exchange && grantedScope(flow.context, exchange),
      privilegedScope: privilegedScope!,
    }
  },
  { requires: 'privileged scope' },
)

const passwords = asPerson('a password at the token endpoint', async (flow) => {
  const app = await flow.app()
  const control = (await flow.grant(app)).exchange
  const { username, password } = app.user
  const { scope } = flow.context.access()
  const form = { grant_type: 'password', username, password, ...(scope && { scope }), code: null, code_verifier: null, redirect_uri: null }
  return { control, exchange: await flow.redeem(app, { verifier: '', redirectUri: '', parameters: {}, last: control }, form) }
})

/** No token is for this very resource, whether the request was refused or the resource ignored. */
const issuesNothingFor = (
  { control, ...aims }: { control: Aimed } & Record<'unknown' | 'fragment' | 'switched', Aimed>,
  which: 'unknown' | 'fragment' | 'switched',
  what: string,
): Judgement => {
  if (control.exchange === null || tokensIn(control.exchange) === undefined)
    return inconclusive(`the known resource brings no token: ${endOf(control.answer)}`, control.exchange ?? control.answer.last)
  const { exchange, audience, resource } = aims[which]
  if (exchange === null) return holds
  if (tokensIn(exchange) === undefined) return bringsNoToken(exchange, what)
  if (audience === null) return notTestable('the token is opaque: nobody here can tell whom it is for')
  return holdsIf(!audience.includes(resource), what, { expected: 'invalid_target', actual: audience, exchange })
}

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc8707',
    page: '2',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-863', 'API2:2023', 'MCP07:2025'],
    threat: 'misdirected-token',
  },
  [
    check('authorization-code/resource-audience', {
      revisions: '2025-06-18..',
      title: 'A token is for the resource it was asked for',
      should: 'restrict the audience of a token to the resource of the request',
      needs: { aims },
      judge: ({ aims: { control } }) => {
        const { exchange, audience, resource, answer } = control
        if (exchange === null || tokensIn(exchange) === undefined)
          return inconclusive(
            `the known resource brings no token: ${exchange ? summaryOf(exchange) : endOf(answer)}`,
            exchange ?? answer.last,
          )
        if (audience === null) return notTestable('the token is opaque: nobody here can tell whom it is for')
        return holdsIf(audience.includes(resource), 'issues a token for somebody else than the resource of the request', {
          expected: resource,
          actual: audience.length > 0 ? audience : 'no aud',
          exchange,
        })
      },
      fix: 'Take aud from the resource parameter; where that is not supported, map the audience of the MCP endpoint to its scopes.',
    }),

    check('authorization-code/resource-unknown', {
      page: '2.1',
      title: 'Nobody gets a token for an unknown resource',
      policy: 'issue no token for a resource it does not know',
      needs: { aims },
      judge: ({ aims }) => issuesNothingFor(aims, 'unknown', 'issues a token for a resource nobody has set up'),
      fix: 'Answer invalid_target for resources that are not on a list.',
    }),

    check('authorization-code/resource-fragment', {
      title: 'A resource has no fragment',
      policy: 'issue no token for a resource with a fragment',
      needs: { aims },
      judge: ({ aims }) => issuesNothingFor(aims, 'fragment', 'issues a token for a resource with a fragment'),
      fix: 'Answer invalid_target for a resource that is no absolute URI or has a fragment.',
      weakness: ['CWE-20', 'API2:2023'],
    }),

    check('authorization-code/resource-switched', {
      page: '2.2',
      title: 'A code is for the resource it was asked for',
      policy: 'issue no token for another resource than the authorization request named',
      needs: { aims },
      judge: ({ aims }) => issuesNothingFor(aims, 'switched', 'redeems a code for a resource nobody has granted'),
      fix: 'Keep the resources with the code, and answer invalid_target for any other.',
    }),

    check('authorization-code/privileged-scope', {
      spec: 'policy',
      page: 'authorization-code',
      title: 'A self-registered client gets no privileged scope',
      policy: 'grant no privileged scope to a client that has registered itself',
      requires: 'registration',
      needs: { privileges },
      judge: ({ privileges: { control, answer, exchange, granted, privilegedScope } }) => {
        if (tokensIn(control) === undefined) return inconclusive('a good code brings no token', control)
        if (exchange === null) return holds
        if (tokensIn(exchange) === undefined) return bringsNoToken(exchange, '')
        if (granted === null) return inconclusive('the response does not say which scope it grants', exchange)
        return holdsIf(!granted.includes(privilegedScope), 'grants a privileged scope to a client that has registered itself', {
          expected: `a scope without ${privilegedScope}`,
          actual: `${granted.join(' ')}, after ${endOf(answer)}`,
          exchange,
        })
      },
      fix: 'Limit the scopes of registered clients, and leave the rest to an administrator.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('authorization-code/password-grant', {
      spec: 'rfc9700',
      page: '2.4',
      title: 'No token is given for a password',
      must: 'not offer the resource owner password credentials grant',
      needs: { passwords },
      judge: ({ passwords: { control, exchange } }) =>
        tokensIn(control) === undefined
          ? notApplicable('a good code brings no token either')
          : bringsNoToken(exchange, 'gives a client a token for the password of a person'),
      fix: 'Turn the grant off: people type their password on pages of the authorization server, nowhere else.',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'credential-guessing',
    }),
  ],
)
