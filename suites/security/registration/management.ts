import {
  all,
  answered,
  bodyOf,
  broken,
  check,
  type Exchange,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { authorizationUrl, verifier } from '../authority/authorization-request.ts'
import { bearerOf } from '../challenge.ts'
import { signIn } from '../sign-in.ts'
import { application, type Client, clientIn, controlledHttp, type Desk, type Json, listOf, outline, registering } from './desk.ts'
import { askAs } from './token-request.ts'

type Managed = Client & { place: string; token: string }

async function managed(desk: Desk, metadata?: Json): Promise<Managed> {
  const client = await desk.client(metadata)
  if (client.place === undefined || client.token === undefined)
    throw new Unfit('not-applicable', 'the server offers no management of clients (RFC 7592)')
  return client as Managed
}

const offered = registering('what a registration says of its management', async (desk) => ({ answer: await desk.register(application) }))

const contacts = ['assay@client.assay.example']

const life = registering('the life of a registered client', async (desk, context) => {
  const client = await managed(desk, { ...application, contacts })
  const read = await desk.manage(client, 'GET')
  const update = await desk.manage(client, 'PUT', {
    metadata: { ...application, client_id: client.clientId, client_name: 'Assay renamed' },
  })
  const reread = await desk.manage(client, 'GET')
  const current = clientIn(reread) ?? clientIn(update) ?? client
  const known = await askAs(context, { ...client, ...current }, { grant_type: 'authorization_code', code: 'assay' })
  const removed = await desk.manage(client, 'DELETE')
  const gone = await desk.manage(client, 'GET')
  const dead = await askAs(context, { ...client, ...current }, { grant_type: 'authorization_code', code: 'assay' })
  const token = { first: client.token, last: current.token ?? null }
  return { clientId: client.clientId, said: client.said, read, update, reread, known, removed, gone, dead, token }
})

const formerToken = registering('the token of a client after it was replaced', async (desk) => {
  const client = await managed(desk)
  const update = await desk.manage(client, 'PUT', { metadata: { ...application, client_id: client.clientId } })
  const next = clientIn(update)?.token
  const former = await desk.manage(client, 'GET', { token: client.token })
  return { update, replaced: next !== undefined && next !== client.token, former, after: await desk.manage(client, 'GET') }
})

const trespass = registering('the token of one client at another', async (desk) => {
  const [own, other] = [await managed(desk), await managed(desk, { ...application, client_name: 'Assay other' })]
  const before = await desk.manage(other, 'GET')
  const update = { ...application, client_id: other.clientId, client_name: 'Assay taken over' }
  const tried = {
    read: await desk.manage(other, 'GET', { token: own.token }),
    update: await desk.manage(other, 'PUT', { token: own.token, metadata: update }),
    delete: await desk.manage(other, 'DELETE', { token: own.token }),
  }
  return { before, tried, after: await desk.manage(other, 'GET'), own: await desk.manage(own, 'GET') }
})

const tokenless = registering('a client managed without its token', async (desk) => {
  const client = await managed(desk)
  const before = await desk.manage(client, 'GET')
  const metadata = { ...application, client_id: client.clientId, client_name: 'Assay taken over' }
  const attempts = [null, 'assay', clientIn(before)?.secret ?? 'assay-assay'].flatMap((token) =>
    (['GET', 'PUT', 'DELETE'] as const).map((method) => ({ token, method })),
  )
  const tried: Exchange[] = []
  for (const { token, method } of attempts)
    tried.push(await desk.manage(client, method, { token, ...(method === 'PUT' ? { metadata } : {}) }))
  return { before, tried, after: await desk.manage(client, 'GET') }
})

const strangers = registering('a client that does not exist', async (desk) => {
  const [own, other] = [await managed(desk), await managed(desk)]
  const control = await desk.manage(own, 'GET')
  const gone = { ...other, place: other.place.replace(other.clientId, `${other.clientId.slice(0, -4)}0000`) }
  if (gone.place === other.place) throw new Unfit('not-testable', 'the address of a client does not hold its id')
  const foreign = await desk.manage(other, 'GET', { token: own.token })
  return { control, foreign, unknown: await desk.manage(gone, 'GET', { token: own.token }) }
})

const chosenSecret = 'assay-chosen-secret-assay-chosen-secret'

const overwritten = registering('updates of what a client cannot choose', async (desk, context) => {
  const client = await managed(desk)
  const own = { ...application, client_id: client.clientId }
  const control = await desk.manage(client, 'PUT', { metadata: own })
  const renamed = await desk.manage(client, 'PUT', { metadata: { ...own, client_id: `${client.clientId}-assay` } })
  const afterId = await desk.manage(client, 'GET')
  const secret = context.conceal(chosenSecret, 'CHOSEN_SECRET')
  const chosen = await desk.manage(client, 'PUT', { metadata: { ...own, client_secret: secret } })
  const afterSecret = await desk.manage(client, 'GET')
  return { clientId: client.clientId, control, renamed, afterId, secret, chosen, afterSecret }
})

const badUpdates = registering('an update with a wrong redirect URI', async (desk) => {
  const client = await managed(desk)
  const own = { ...application, client_id: client.clientId }
  const before = await desk.manage(client, 'PUT', { metadata: own })
  const redirects = ['javascript:alert(1)//callback', 'http://client.assay.example/callback']
  const tried: { uri: string; answer: Exchange; fresh: Exchange }[] = []
  for (const uri of redirects)
    tried.push({
      uri,
      answer: await desk.manage(client, 'PUT', { metadata: { ...own, redirect_uris: [uri] } }),
      fresh: await desk.register({ ...application, redirect_uris: [uri] }),
    })
  return { before, tried }
})

const orphans = registering(
  'the access token of somebody whose client was deleted',
  async (desk, context) => {
    const userinfo = context.facts.metadata!.userinfo_endpoint
    if (typeof userinfo !== 'string' || URL.parse(userinfo)?.origin !== new URL(context.facts.url).origin)
      throw new Unfit('not-applicable', 'the server shows no endpoint of its own that takes access tokens')
    // Where that scope needs no registration a server may refuse it.
    const asked = await desk.register({ ...application, scope: 'openid' })
    const client = clientIn(asked) ?? (await managed(desk))
    const [redirectUri] = listOf(application.redirect_uris)!
    const url = authorizationUrl(context, client.clientId, redirectUri!, { scope: 'openid' })
    const { redirect, exchanges } = await signIn(context, url, context.access().users[0]!)
    const code = /[?&]code=([^&#]+)/.exec(redirect ?? '')?.[1]
    if (code === undefined) throw new Unfit('inconclusive', `nobody could sign in: ${summaryOf(exchanges.at(-1)!)}`)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri!, code_verifier: verifier }
    const granted = await askAs(context, client, fields)
    const token = bodyOf(granted)?.access_token
    if (typeof token !== 'string') throw new Unfit('inconclusive', `no token is issued: ${summaryOf(granted)}`)
    const use = () => context.request({ method: 'GET', url: userinfo, headers: [['Authorization', `Bearer ${token}`]], authorize: false })
    const control = await use()
    const removed = await desk.manage(client, 'DELETE')
    return { control, removed, after: await use() }
  },
  { requires: ['authorization code', 'user', 'authority'] },
)

const refused = (exchange: Exchange, what: string): Judgement =>
  answered(exchange, () => {
    const status = statusOf(exchange)!
    return holdsIf(status >= 400 && status < 500, what, { expected: 'HTTP 401', actual: summaryOf(exchange), exchange })
  })

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7592',
    page: '2',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-285', 'API1:2023'],
    threat: 'client-takeover',
  },
  [
    check('registration/management', {
      page: '3',
      title: 'Where clients are managed is said with the token for it',
      must: 'give registration_client_uri and registration_access_token together, the first as a whole URL',
      needs: { offered },
      judge: ({ offered: { answer } }) =>
        answered(answer, () => {
          const client = clientIn(answer)
          if (client === undefined) return inconclusive(`no client was registered: ${summaryOf(answer)}`, answer)
          if (client.place === undefined && client.token === undefined)
            return notApplicable('the server offers no management of clients (RFC 7592)')
          return holdsIf(
            client.token !== undefined && URL.canParse(client.place ?? ''),
            'gives one without the other, or a part of a URL',
            {
              expected: 'registration_client_uri and registration_access_token',
              actual: client.place ?? 'no registration_client_uri',
              exchange: answer,
            },
          )
        }),
      fix: 'Give both in every client information response, or neither.',
      weakness: 'API8:2023',
    }),

    check('registration/token-in-url', {
      spec: 'policy',
      page: 'registration',
      title: 'The address of a client holds no token',
      policy: 'keep the token for a client out of the address at which it is managed',
      needs: { offered },
      judge: ({ offered: { answer } }) => {
        const client = clientIn(answer)
        if (client?.place === undefined || client.token === undefined)
          return notApplicable('the server offers no management of clients (RFC 7592)')
        return holdsIf(!client.place.includes(client.token), 'puts the token for a client into its address', {
          expected: 'an address without a secret',
          actual: client.place,
          exchange: answer,
        })
      },
      fix: 'Take the token from the Authorization field alone.',
      weakness: ['CWE-598', 'API2:2023', 'MCP01:2025'],
      threat: 'token-theft',
    }),

    check('registration/read', {
      page: '2.1',
      title: 'A client reads what is registered of it',
      must: 'answer a read with 200 and the client, its id unchanged',
      needs: { life },
      judge: ({ life: { read, clientId } }) => isClient(read, clientId),
      fix: 'Answer GET at registration_client_uri with the client information response.',
      weakness: 'API1:2023',
    }),

    check('registration/update', {
      page: '2.2',
      title: 'An update replaces what was registered',
      must: 'replace the metadata of a client by that of the update, and drop what it leaves out',
      needs: { life },
      judge: ({ life: { update, reread, said, clientId } }) => {
        if ([403, 405, 501].includes(statusOf(update) ?? 0)) return notApplicable(`clients are not updated here: ${summaryOf(update)}`)
        return isClient(update, clientId).and(isClient(reread, clientId)).and(replaced(said, reread))
      },
      fix: 'Store the metadata of the update as a whole in place of the former.',
      weakness: ['API3:2023'],
    }),

    check('registration/delete', {
      page: '2.3',
      title: 'A deletion is answered with 204',
      must: 'answer 204 when a client has deleted itself',
      needs: { life },
      judge: ({ life: { removed } }) => {
        if ([403, 405, 501].includes(statusOf(removed) ?? 0)) return notApplicable(`clients are not deleted here: ${summaryOf(removed)}`)
        return answered(removed, () =>
          holdsIf(statusOf(removed) === 204, 'answers a deletion otherwise', {
            expected: 'HTTP 204',
            actual: summaryOf(removed),
            exchange: removed,
          }),
        )
      },
      fix: 'Answer DELETE with 204 and no body.',
      weakness: 'API1:2023',
    }),

    check('registration/deleted', {
      page: '5',
      title: 'The token of a deleted client is dead',
      must: 'answer 401 to the token of a client that was deleted',
      needs: { life },
      judge: ({ life: { removed, gone } }) =>
        afterDeletion(removed, () =>
          answered(gone, () =>
            holdsIf(statusOf(gone) === 401, 'does not answer 401 for a client that is deleted', {
              expected: 'HTTP 401',
              actual: summaryOf(gone),
              exchange: gone,
            }),
          ),
        ),
      fix: 'Invalidate the registration access token with the client.',
      weakness: ['CWE-613', 'API2:2023'],
    }),

    check('registration/deleted-client', {
      spec: 'policy',
      page: 'registration',
      title: 'A deleted client is unknown at the token endpoint',
      policy: 'refuse a deleted client at the token endpoint as an unknown one',
      needs: { life },
      judge: ({ life: { removed, known, dead } }) =>
        afterDeletion(removed, () => {
          if (errorIn(known) === 'invalid_client') return inconclusive('the client is not let in while it exists', known)
          return answered(dead, () =>
            holdsIf(
              statusOf(dead)! >= 400 && /invalid_client|unauthorized_client/.test(String(errorIn(dead))),
              'still knows a client that is deleted',
              {
                expected: 'HTTP 401, invalid_client',
                actual: summaryOf(dead),
                exchange: dead,
              },
            ),
          )
        }),
      fix: 'Drop cached clients when one is deleted.',
      weakness: ['CWE-613', 'API2:2023'],
    }),

    check('registration/orphaned-token', {
      page: '2.3',
      requires: ['authorization code', 'user'],
      title: 'Tokens die with their client',
      should: 'invalidate the access tokens of a client that is deleted',
      needs: { orphans },
      judge: ({ orphans: { control, removed, after } }) =>
        controlledHttp([control], () => afterDeletion(removed, () => refused(after, 'takes a token whose client is deleted'))),
      fix: 'Revoke the grants of a client when it is deleted.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('registration/foreign-token', {
      page: '2.1',
      title: 'A client manages no other client',
      must: 'refuse a registration access token that was issued for another client',
      needs: { trespass },
      judge: ({ trespass: { before, tried, after } }) =>
        // What follows a deletion that succeeded cannot serve as a control.
        controlledHttp([before], () =>
          all([
            refused(tried.read, 'lets one client read another'),
            refused(tried.update, 'lets one client change another'),
            refused(tried.delete, 'lets one client delete another'),
          ]).and(untouched(after)),
        ),
      fix: 'Compare the client of the token with the client of the address before anything else.',
      weakness: ['CWE-639', 'API1:2023', 'MCP07:2025'],
    }),

    check('registration/locked-out', {
      spec: 'policy',
      page: 'registration',
      title: 'A token that is used at the wrong client goes on working at its own',
      policy: 'not invalidate a token because somebody has tried it at another client, which would lock its owner out',
      needs: { trespass },
      judge: ({ trespass: { before, own } }) =>
        controlledHttp([before], () =>
          answered(own, () =>
            holdsIf(statusOf(own) === 200, 'locks a client out whose token was used at another', {
              expected: 'HTTP 200',
              actual: summaryOf(own),
              exchange: own,
            }),
          ),
        ),
      fix: 'Refuse the request and leave the token as it is.',
      weakness: 'API4:2023',
      threat: 'exhaustion',
    }),

    check('registration/management-token', {
      page: '2.1',
      title: 'Nobody manages a client without its token',
      must: 'refuse to read, change or delete a client without the token that was issued for it',
      needs: { tokenless },
      judge: ({ tokenless: { before, tried, after } }) =>
        controlledHttp([before], () =>
          all(tried.map((exchange) => refused(exchange, `lets anybody ${verbs[exchange.request.method]} a client`))).and(untouched(after)),
        ),
      fix: 'Ask for the registration access token on every request for a client.',
      weakness: ['CWE-306', 'API1:2023', 'API2:2023'],
    }),

    check('registration/challenge', {
      spec: 'rfc6750',
      page: '3',
      title: 'A 401 for a client has a Bearer challenge',
      must: 'send a WWW-Authenticate field with the scheme Bearer when it refuses a token with 401',
      needs: { tokenless },
      judge: ({ tokenless: { before, tried } }) => {
        const unauthorized = tried.filter((exchange) => statusOf(exchange) === 401)
        if (unauthorized.length === 0) return notApplicable('nothing is answered with 401')
        return controlledHttp([before], () =>
          all(
            unauthorized.map((exchange) =>
              holdsIf(bearerOf(headerOf(exchange, 'www-authenticate')) !== undefined, 'refuses a token without a challenge', {
                expected: 'WWW-Authenticate: Bearer …',
                actual: headerOf(exchange, 'www-authenticate') ?? 'no WWW-Authenticate',
                exchange,
              }),
            ),
          ),
        )
      },
      fix: 'Send `WWW-Authenticate: Bearer error="invalid_token"` with every 401 of the registration endpoints.',
      weakness: 'API8:2023',
    }),

    check('registration/former-token', {
      spec: 'policy',
      page: 'registration',
      title: 'A token that was replaced is dead',
      policy: 'discard the former token of a client when it issues a new one',
      needs: { formerToken },
      judge: ({ formerToken: { update, replaced, former, after } }) =>
        controlledHttp([update, after], () =>
          replaced ? refused(former, 'still takes the token it has replaced') : notApplicable('the token of a client is not replaced'),
        ),
      fix: 'Delete the former registration access token with the answer that carries the new one.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('registration/unknown-client', {
      page: '2.1',
      title: 'A client that does not exist is answered with 401',
      must: 'answer 401 when the client does not exist',
      needs: { strangers },
      judge: ({ strangers: { control, unknown } }) =>
        controlledHttp([control], () =>
          answered(unknown, () =>
            holdsIf(statusOf(unknown) === 401, 'answers otherwise for a client that does not exist', {
              expected: 'HTTP 401',
              actual: summaryOf(unknown),
              exchange: unknown,
            }),
          ),
        ),
      fix: 'Answer 401 with invalid_token, as for a wrong token.',
      weakness: ['CWE-204', 'API2:2023'],
      threat: 'credential-guessing',
    }),

    check('registration/client-oracle', {
      spec: 'policy',
      page: 'registration',
      title: 'Nobody finds out which clients exist',
      policy: 'answer for a client of somebody else as for one that does not exist',
      needs: { strangers },
      judge: ({ strangers: { control, unknown, foreign } }) =>
        controlledHttp([control], () =>
          answered(unknown, () =>
            answered(foreign, () =>
              holdsIf(outline(unknown) === outline(foreign), 'tells which clients exist', {
                expected: outline(unknown),
                actual: outline(foreign),
                exchange: foreign,
              }),
            ),
          ),
        ),
      fix: 'Send one answer for every token that does not fit.',
      weakness: ['CWE-204', 'API2:2023'],
      threat: 'credential-guessing',
    }),

    check('registration/fixed-id', {
      page: '2.2',
      title: 'A client keeps its id',
      must: 'not change the client_id in an update',
      needs: { overwritten },
      judge: ({ overwritten: { control, clientId, renamed, afterId } }) =>
        controlledHttp([control], () =>
          all(
            [renamed, afterId].map((exchange) => {
              const now = clientIn(exchange)?.clientId
              return answered(exchange, () =>
                holdsIf(now === undefined || now === clientId, 'lets a client choose its id', {
                  expected: clientId,
                  actual: now,
                  exchange,
                }),
              )
            }),
          ),
        ),
      fix: 'Refuse an update whose client_id is not that of the client.',
      weakness: ['CWE-639', 'API1:2023'],
    }),

    check('registration/fixed-secret', {
      page: '2.2',
      title: 'A client does not choose its secret',
      must: 'not let a client overwrite its secret with one of its own choice',
      needs: { overwritten },
      judge: ({ overwritten: { control, secret, chosen, afterSecret } }) =>
        controlledHttp([control], () =>
          all(
            [chosen, afterSecret].map((exchange) =>
              answered(exchange, () =>
                holdsIf(clientIn(exchange)?.secret !== secret, 'lets a client choose its secret', {
                  expected: 'HTTP 400, or the secret as it was',
                  actual: summaryOf(exchange),
                  exchange,
                }),
              ),
            ),
          ),
        ),
      fix: 'Refuse an update whose client_secret is not the present one.',
      weakness: ['CWE-521', 'API1:2023'],
    }),

    check('registration/update-validated', {
      spec: 'policy',
      page: 'registration',
      title: 'Updates are held to the same rules as registrations',
      policy: 'refuse in an update what it refuses in a registration',
      needs: { badUpdates },
      judge: ({ badUpdates: { before, tried } }) =>
        controlledHttp([before], () =>
          all(
            tried.map(({ uri, answer, fresh }) =>
              answered(answer, () => {
                if (clientIn(fresh) !== undefined) return notApplicable('the registration itself is not refused')
                const kept = JSON.stringify(clientIn(answer)?.said.redirect_uris ?? []).includes(uri)
                return holdsIf(!kept, 'takes in an update what it refuses in a registration', {
                  expected: 'HTTP 400',
                  actual: `${uri} in ${summaryOf(answer)}`,
                  exchange: answer,
                })
              }),
            ),
          ),
        ),
      fix: 'Run updates through the validation of registrations.',
      weakness: ['CWE-601', 'CWE-20', 'API8:2023'],
      threat: 'rogue-registration',
    }),
  ],
)

const verbs: Record<string, string> = { GET: 'read', PUT: 'change', DELETE: 'delete' }

const errorIn = (exchange: Exchange): unknown => bodyOf(exchange)?.error

function isClient(exchange: Exchange, clientId: string): Judgement {
  return answered(exchange, () =>
    holdsIf(statusOf(exchange) === 200 && clientIn(exchange)?.clientId === clientId, 'does not answer with the client', {
      expected: `HTTP 200 with client_id ${clientId}`,
      actual: summaryOf(exchange),
      exchange,
    }),
  )
}

function replaced(before: Json, reread: Exchange): Judgement {
  const { client_name: name, contacts: left } = clientIn(reread)?.said ?? {}
  const detail = { expected: 'the name of the update, and no contacts', actual: summaryOf(reread), exchange: reread }
  if ('client_name' in before && name !== 'Assay renamed') return broken('keeps the former name of a client', detail)
  const dropped = left === undefined || left === null || (Array.isArray(left) && left.length === 0)
  return dropped || !('contacts' in before) ? holds : broken('keeps what an update leaves out', detail)
}

const afterDeletion = (removed: Exchange, judge: () => Judgement): Judgement =>
  answered(removed, () => (statusOf(removed)! < 300 ? judge() : notApplicable(`clients are not deleted here: ${summaryOf(removed)}`)))

const untouched = (after: Exchange): Judgement =>
  answered(after, () => {
    const taken = statusOf(after) !== 200 || clientIn(after)?.said.client_name === 'Assay taken over'
    return taken
      ? broken('has changed or deleted the client', { expected: 'the client as it was', actual: summaryOf(after), exchange: after })
      : holds
  })
