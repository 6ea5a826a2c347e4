import { check, controlled, type Exchange, inconclusive, probe, section, statusOf, summaryOf, Unfit } from '../../../src/model/index.ts'
import { agentMetadata, credentialsIn, manage, membersOf, readAuthority, register } from '../flow/agent.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { refusedInTime, tokenInUse, untilRefused, window } from './ending.ts'

const revoked = probe(
  'a token that is revoked while it is in use',
  { over: 'http', requires: ['authorization', 'client', 'newest revision'], waits: true, deadline: 30_000 },
  async (context) => {
    const { token_endpoint: asking, revocation_endpoint: url } = await readAuthority(context)
    if (typeof url !== 'string') throw new Unfit('not-applicable', 'the authorization server of the agents revokes no tokens')
    const { clientId, clientSecret } = context.access().clients[0]!
    const { name, open } = await tokenInUse(context, String(asking), { id: clientId, secret: clientSecret })
    const before = await open(false)
    const revocation = await context.request({
      url,
      authorize: false,
      headers: [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Authorization', basicCredentials(context, clientId, clientSecret)],
      ],
      body: formBody(context, { token: name, token_type_hint: 'access_token' }),
    })
    return { before, revocation, after: await untilRefused(context, () => open(true)) }
  },
)

const deleted = probe(
  'a token whose client is deleted while it is in use',
  { over: 'http', requires: ['authorization', 'authority', 'newest revision'], waits: true, deadline: 30_000 },
  async (context) => {
    const { token_endpoint: asking, registration_endpoint: registering } = await readAuthority(context)
    if (typeof registering !== 'string') throw new Unfit('not-applicable', 'the authorization server of the agents offers no registration')
    const registration = await register(context, registering, agentMetadata(context.access()))
    const remove = () => manage(context, registration, 'DELETE')
    const credentials = credentialsIn(registration)
    if (credentials === undefined || membersOf(registration).registration_client_uri === undefined) {
      await remove()
      throw new Unfit('not-testable', `no agent that can be deleted again is registered: ${summaryOf(registration)}`)
    }
    let removal: Exchange | undefined
    try {
      const { open } = await tokenInUse(context, String(asking), credentials)
      const before = await open(false)
      removal = await remove()
      return { before, removal: removal!, after: await untilRefused(context, () => open(true)) }
    } finally {
      if (removal === undefined) await remove()
    }
  },
)

export default section(
  {
    spec: 'policy',
    page: 'tokens',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'newest revision'],
    threat: 'stale-credential',
    weakness: ['CWE-613', 'API2:2023', 'MCP07:2025'],
  },
  [
    check('tokens/revoked', {
      requires: 'client',
      title: 'A revoked token is refused soon',
      policy: `refuse a token within ${window / 1_000} seconds of its revocation`,
      needs: { revoked },
      judge: ({ revoked: { before, revocation, after } }) =>
        controlled([before], () =>
          statusOf(revocation) === 200
            ? refusedInTime('that was revoked', after)
            : inconclusive(`the token could not be revoked: ${summaryOf(revocation)}`, revocation),
        ),
      fix: 'Ask the issuer whether a token is still active (RFC 7662), and keep its answer for seconds only; or give tokens a life of minutes.',
    }),

    check('tokens/deleted-client', {
      requires: 'authority',
      title: 'The token of a deleted client is refused soon',
      policy: `refuse the tokens of a client within ${window / 1_000} seconds of its deletion`,
      needs: { deleted },
      judge: ({ deleted: { before, removal, after } }) =>
        controlled([before], () =>
          statusOf(removal) === 204
            ? refusedInTime('whose client was deleted', after)
            : inconclusive(`the client could not be deleted: ${summaryOf(removal)}`, removal),
        ),
      fix: 'Have the authorization server invalidate the tokens of a client with it (RFC 7592 §2.3), and ask it whether a token is still active.',
    }),
  ],
)
