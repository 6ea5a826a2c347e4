import { check, controlled, inconclusive, probe, section, statusOf, summaryOf, Unfit } from '../../../src/model/index.ts'
import { askForToken, membersOf, readAuthority } from '../flow/agent.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { turnedAway } from './attempts.ts'

/** Milliseconds in which a revocation must have reached the target. */
const window = 10_000
const step = 250

const revoked = probe(
  'a token that is revoked while it is in use',
  { over: 'http', requires: ['authorization', 'client', 'newest revision'], waits: true, deadline: 30_000 },
  async (context) => {
    const { token_endpoint: asking, revocation_endpoint: url } = await readAuthority(context)
    if (typeof url !== 'string') throw new Unfit('not-applicable', 'the authorization server of the agents revokes no tokens')
    const { clientId, clientSecret } = context.access().clients[0]!
    const given = await askForToken(context, String(asking), { id: clientId, secret: clientSecret })
    const name = membersOf(given).access_token
    if (typeof name !== 'string') throw new Unfit('inconclusive', `no token is given: ${summaryOf(given)}`)
    const token = context.reveal(name)
    const open = async (forged: boolean) => (await context.connect({ token, forged, hold: true })).opening
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
    const began = performance.now()
    let after = await open(true)
    while (statusOf(after) === 200 && performance.now() - began < window) {
      await context.pause(step)
      after = await open(true)
    }
    return { before, revocation, after }
  },
)

export default section(
  {
    spec: 'policy',
    page: 'tokens',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'client', 'newest revision'],
    threat: 'stale-credential',
    weakness: ['CWE-613', 'API2:2023', 'MCP07:2025'],
  },
  [
    check('tokens/revoked', {
      title: 'A revoked token is refused soon',
      policy: `refuse a token within ${window / 1_000} seconds of its revocation`,
      needs: { revoked },
      judge: ({ revoked: { before, revocation, after } }) =>
        controlled([before], () =>
          statusOf(revocation) === 200
            ? turnedAway({ what: 'that was revoked', opening: after })
            : inconclusive(`the token could not be revoked: ${summaryOf(revocation)}`, revocation),
        ),
      fix: 'Ask the issuer whether a token is still active (RFC 7662), and keep its answer for seconds only; or give tokens a life of minutes.',
    }),
  ],
)
