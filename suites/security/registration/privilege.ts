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
  notApplicable,
  type ProbeContext,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { decodeJwt } from '../tokens/jwt.ts'
import { application, clientIn, controlledHttp, type Desk, eachTried, listOf, machine, registering, wordsOf } from './desk.ts'
import { askAs, resourceOf } from './token-request.ts'

const asStranger = (desk: Desk): void => {
  if (!desk.open) throw new Unfit('not-applicable', 'registration is not open to strangers')
}

const both = { grant_types: ['authorization_code', 'client_credentials'], response_types: ['code'] }

const ambitious = registering(
  'strangers who want privileged scopes',
  async (desk, context) => {
    asStranger(desk)
    const scope = context.access().privilegedScope!
    const attempts = {
      'asks for it': { ...application, scope },
      'asks for it beside another': { ...application, scope: [context.access().scope, scope].filter(Boolean).join(' ') },
      'names no scope': application,
      'acts for itself': { ...application, ...both },
    }
    const tried = await Promise.all(
      Object.entries(attempts).map(async ([what, metadata]) => {
        const answer = await desk.register(metadata)
        const client = clientIn(answer)
        const mayAsk = client?.secret !== undefined && listOf(client.said.grant_types)?.includes('client_credentials')
        const token = mayAsk ? await askAs(context, client, { grant_type: 'client_credentials', scope, ...resourceOf(context) }) : null
        return { what, answer, token }
      }),
    )
    return { scope, control: await desk.register(application), tried }
  },
  { requires: 'privileged scope' },
)

const widened = registering(
  'an update that asks for privileged scopes',
  async (desk, context) => {
    asStranger(desk)
    const scope = context.access().privilegedScope!
    const client = await desk.client()
    const control = await desk.manage(client, 'PUT', { metadata: { ...application, client_id: client.clientId } })
    const update = await desk.manage(client, 'PUT', { metadata: { ...application, client_id: client.clientId, scope } })
    return { scope, control, update }
  },
  { requires: 'privileged scope' },
)

const selfish = registering('strangers who register for other grants', async (desk, context) => {
  asStranger(desk)
  const control = await desk.register(application)
  const ask = async (grants: string[], responses: string[]) => {
    const answer = await desk.register({ ...application, grant_types: grants, response_types: responses })
    const client = clientIn(answer)
    const token =
      client?.secret === undefined ? null : await askAs(context, client, { grant_type: 'client_credentials', ...resourceOf(context) })
    return { answer, token }
  }
  return {
    control,
    machines: [await ask(['client_credentials'], []), await ask(both.grant_types, both.response_types)],
    implicit: (await ask(['authorization_code', 'implicit'], ['code', 'token'])).answer,
    password: (await ask(['authorization_code', 'password'], ['code'])).answer,
  }
})

const keyless = registering('registrations with wrong initial access tokens', async (desk, context) => {
  if (!desk.closed) throw new Unfit('not-applicable', 'registration is open to strangers')
  const before = await desk.register(application)
  const { initialAccessToken } = context.access()
  const cut = context.conceal(context.reveal(initialAccessToken!).slice(0, -2), 'INITIAL_ACCESS_TOKEN_CUT')
  const wrong: Record<string, string | null> = { 'no token': null, 'a token nobody issued': 'assay', 'a token that is cut short': cut }
  const own = clientIn(before)?.token
  if (own !== undefined) wrong['the token of another client'] = own
  const tried = await Promise.all(
    Object.entries(wrong).map(async ([what, token]) => ({ what, answer: await desk.register(application, { token }) })),
  )
  return { controls: [before, await desk.register(application)], tried }
})

/** Members by which servers have taken the tenant of a client. */
const tenantMembers = ['tenant', 'tenant_id', 'organization', 'org_id', 'realm']

const tenants = registering(
  'a registration that claims a tenant',
  async (desk, context) => {
    const { initialAccessToken, clients, users } = context.access()
    const names = [...new Set([...clients, ...users].flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant])))]
    if (names.length === 0) throw new Unfit('not-testable', 'no tenant is known: see `authority.clients` of the target')
    const tried = await Promise.all(
      names.slice(0, 2).map(async (tenant) => {
        const claims = Object.fromEntries(tenantMembers.map((name) => [name, tenant]))
        const answer = await desk.register({ ...machine, ...claims }, { token: initialAccessToken! })
        const client = clientIn(answer)
        const token =
          client === undefined ? null : await askAs(context, client, { grant_type: 'client_credentials', ...resourceOf(context) })
        return { tenant, answer, claimed: tenantIn(context, token) }
      }),
    )
    const control = await desk.register(machine, { token: initialAccessToken! })
    const client = clientIn(control)
    const token = client === undefined ? null : await askAs(context, client, { grant_type: 'client_credentials', ...resourceOf(context) })
    return { control, own: tenantIn(context, token), tried }
  },
  { requires: ['initial access token', 'authority'] },
)

function tenantIn(context: ProbeContext, token: Exchange | null): string | null {
  const name = token === null ? undefined : bodyOf(token)?.access_token
  const claims = typeof name === 'string' ? decodeJwt(context.reveal(name))?.claims : undefined
  const found = tenantMembers.map((member) => claims?.[member]).find((value) => typeof value === 'string')
  return (found as string | undefined) ?? null
}

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'registration',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-266', 'API5:2023', 'MCP02:2025'],
    threat: 'rogue-registration',
  },
  [
    check('registration/privileged-scope', {
      requires: 'privileged scope',
      title: 'A stranger gets no privileged scope',
      policy: 'register strangers without privileged scopes, and issue them no token that has one',
      needs: { ambitious },
      judge: ({ ambitious: { scope, control, tried } }) => controlledHttp([control], () => all(tried.map((each) => modest(scope, each)))),
      fix: 'Give clients that register themselves a list of harmless scopes, whether or not they name some.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('registration/widened-scope', {
      requires: 'privileged scope',
      title: 'An update gives a stranger no privileged scope',
      policy: 'hold updates of a client to the same scopes as its registration',
      needs: { widened },
      judge: ({ widened: { scope, control, update } }) =>
        controlledHttp([control], () => modest(scope, { what: 'updates itself', answer: update })),
      fix: 'Apply the policy for new clients to updates as well.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('registration/machine-grant', {
      title: 'A stranger gets no token for itself',
      policy: 'give strangers no client credentials grant, by which nobody is asked',
      needs: { selfish },
      judge: ({ selfish: { control, machines } }) =>
        controlledHttp([control], () =>
          all(
            machines.map(({ answer, token }) =>
              answered(answer, () => {
                const granted = listOf(clientIn(answer)?.said.grant_types)?.includes('client_credentials')
                const issued = token !== null && statusOf(token) === 200
                return holdsIf(!granted && !issued, 'lets a stranger act without anybody’s consent', {
                  expected: 'HTTP 400, or no such grant',
                  actual: summaryOf(issued ? token : answer),
                  exchange: issued ? token : answer,
                })
              }),
            ),
          ),
        ),
      fix: 'Offer the client credentials grant to clients that come with an initial access token, or are registered by hand.',
    }),

    check('registration/legacy-grants', {
      title: 'A stranger gets no grant that is given up',
      policy: 'register strangers for neither the implicit grant nor that of passwords',
      needs: { selfish },
      judge: ({ selfish: { control, implicit, password } }) =>
        controlledHttp([control], () => without(implicit, 'implicit').and(without(password, 'password'))),
      fix: 'Refuse these grants, which OAuth 2.1 has dropped.',
      weakness: ['CWE-1188', 'API5:2023'],
    }),

    check('registration/initial-token', {
      spec: 'rfc7591',
      page: '3.2.2',
      title: 'Where registration is closed, wrong tokens do not open it',
      must: 'refuse a registration without a valid initial access token where it asks for one',
      needs: { keyless },
      judge: ({ keyless }) =>
        eachTried(keyless, ({ what, answer }) =>
          holdsIf(statusOf(answer)! >= 400 && statusOf(answer)! < 500, `does not refuse a registration with ${what}`, {
            expected: 'HTTP 401',
            actual: summaryOf(answer),
            exchange: answer,
          }),
        ),
      fix: 'Look the initial access token up before anything else, and refuse what is not found.',
      weakness: ['CWE-306', 'API2:2023', 'API5:2023'],
    }),

    check('registration/tenant', {
      requires: ['initial access token', 'authority'],
      title: 'A client does not choose its tenant',
      policy: 'derive the tenant of a client from who registers it, not from what it says',
      needs: { tenants },
      judge: ({ tenants: { control, own, tried } }) =>
        controlledHttp([control], () => {
          if (own === null && tried.every(({ claimed }) => claimed === null))
            return notApplicable('tokens of registered clients name no tenant')
          const crossed = tried.find(({ tenant, claimed }) => claimed === tenant && claimed !== own)
          return crossed === undefined
            ? holds
            : broken('puts a client into the tenant it claims', {
                expected: own ?? 'no tenant',
                actual: crossed.claimed,
                exchange: crossed.answer,
              })
        }),
      fix: 'Take the tenant from the initial access token or the administrator, and drop it from the metadata.',
      weakness: ['CWE-639', 'CWE-290', 'API1:2023', 'MCP07:2025'],
      threat: 'tenant-spoofing',
    }),
  ],
)

function modest(scope: string, { what, answer, token }: { what: string; answer: Exchange; token?: Exchange | null }): Judgement {
  return answered(answer, () => {
    const registered = wordsOf(clientIn(answer)?.said.scope).includes(scope)
    if (registered)
      return broken(`registers a privileged scope for a stranger who ${what}`, {
        expected: `no ${scope}`,
        actual: summaryOf(answer),
        exchange: answer,
      })
    if (token === undefined || token === null || statusOf(token) !== 200) return holds
    const granted = wordsOf(bodyOf(token)?.scope)
    return granted.includes(scope)
      ? broken(`issues a privileged token to a stranger who ${what}`, {
          expected: `no ${scope}`,
          actual: summaryOf(token),
          exchange: token,
        })
      : holds
  })
}

const without = (answer: Exchange, grant: string): Judgement =>
  answered(answer, () => {
    if (statusOf(answer)! >= 500) return inconclusive(`the server fails: ${summaryOf(answer)}`, answer)
    const granted = listOf(clientIn(answer)?.said.grant_types)?.includes(grant) ?? false
    return holdsIf(!granted, `registers a stranger for the ${grant} grant`, {
      expected: `no ${grant}`,
      actual: summaryOf(answer),
      exchange: answer,
    })
  })
