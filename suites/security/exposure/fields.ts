import { createHash } from 'node:crypto'
import {
  all,
  check,
  controlled,
  type Exchange,
  holdsIf,
  type Judgement,
  notTestable,
  type ProbeContext,
  probe,
  section,
  Unfit,
} from '../../../src/model/index.ts'
import { scriptedCall } from '../../conformance/utilities/long-call.ts'
import { refuses, withoutToken } from './bare.ts'

/** By these a proxy tells what stands behind it who has signed in. */
const identityFields = [
  'X-User',
  'X-User-Id',
  'X-Remote-User',
  'Remote-User',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Authenticated-User',
  'X-Authenticated-Userid',
  'X-Consumer-Id',
  'X-Consumer-Username',
  'X-Credential-Identifier',
  'X-Amzn-Oidc-Identity',
  'X-Goog-Authenticated-User-Email',
  'X-MS-Client-Principal-Name',
  'X-Webauth-User',
  'Tailscale-User-Login',
]

const claimed = withoutToken('requests that say who they come from, without a token', () => ({
  ...Object.fromEntries(identityFields.map((name) => [`with ${name} and no token`, { headers: [[name, 'admin']] as [string, string][] }])),
  'with all fields that name a user and no token': { headers: identityFields.map((name): [string, string] => [name, 'admin']) },
}))

const inside = ['127.0.0.1', '10.0.0.1', 'localhost']

const origins = withoutToken('requests that say they come from inside, without a token', (_, { facts }) => {
  const { pathname } = new URL(facts.url)
  const address = (name: string, value: string) => [
    `with ${name}: ${value} and no token`,
    { headers: [[name, value]] as [string, string][] },
  ]
  const from = inside.flatMap((value) => [
    address('X-Forwarded-For', value),
    address('X-Real-IP', value),
    address('X-Client-IP', value),
    address('True-Client-IP', value),
    address('Forwarded', `for=${value};host=${value};proto=https`),
    address('X-Forwarded-Host', value),
  ])
  const elsewhere = ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Uri', 'X-Original-Uri', 'X-Forwarded-Path'].flatMap((name) => [
    address(name, '/health'),
    address(name, pathname),
  ])
  return Object.fromEntries([...from, ...elsewhere, address('X-Internal', 'true'), address('X-Debug', 'true')])
})

const notReached = 'needs the tool of the scripted upstream among the tools of the target'

/** What reached the upstream for one call with these fields. */
async function passed(context: ProbeContext, headers: Record<string, string>) {
  const connection = await context.session()
  const scripted = await scriptedCall(context, {})
  if (scripted?.seen === undefined) throw new Unfit('not-testable', notReached)
  const call = await connection.send('tools/call', scripted.params, { headers })
  const [seen] = await scripted.seen()
  return { call, seen: seen?.headers ?? null }
}

const behind = { over: 'http', requires: 'scripted upstream' } as const

const marker = 'assay-8d20'

const cookie = `session=${marker}`

/** The scripted upstream writes credentials down as fingerprints. */
const marks = [marker, `sha256:${createHash('sha256').update(cookie).digest('hex')}`]

const forwarded = probe('a call with fields that name a user', behind, async (context) => {
  const plain = await passed(context, {})
  const named = await passed(context, {
    ...Object.fromEntries(identityFields.map((name) => [name, marker])),
    Cookie: cookie,
  })
  return { plain, named }
})

const hop = 'x-assay-hop'

/** The fields that reach the upstream whatever the client does are named as the client's own business. */
const nominated = probe('a call whose Connection field names other fields', behind, async (context) => {
  const plain = await passed(context, {})
  const added = Object.keys(plain.seen ?? {}).filter((name) => !connectionOnly.test(name))
  const own = await passed(context, { Connection: `keep-alive, ${hop}`, [hop]: marker })
  const others = await passed(context, { Connection: ['keep-alive', ...added].join(', ') })
  return { plain, added, own, others }
})

/** Fields of one connection, which each hop sets as it must. */
const connectionOnly = /^(connection|keep-alive|host|content-length|content-type|accept|transfer-encoding|te|upgrade|date)$/i

interface Passed {
  call: Exchange
  seen: Record<string, string> | null
}

const onceReached = (passings: Passed[], judge: () => Judgement): Judgement =>
  controlled(
    passings.map(({ call }) => call),
    () => (passings.some(({ seen }) => seen === null) ? notTestable('the call did not reach the scripted upstream') : judge()),
  )

export default section(
  {
    spec: 'policy',
    page: 'fields',
    revisions: 'all',
    over: 'http',
    threat: 'request-confusion',
    weakness: ['CWE-290', 'CWE-348', 'API8:2023'],
  },
  [
    check('exposure/identity-fields', {
      ...refuses(claimed),
      requires: 'authorization',
      title: 'No field stands in for the token',
      policy: 'take nobody for a user because a field of the request names one',
      fix: 'Take the identity from the verified token; strip fields that name a user at the outermost hop.',
    }),

    check('exposure/origin-fields', {
      ...refuses(origins),
      requires: 'authorization',
      title: 'No request is let in for the address it claims',
      policy: 'ask for the token whatever address, host or path the fields of a request claim',
      fix: 'Make no exception from the token for internal addresses; take forwarded addresses from known proxies only.',
    }),

    check('exposure/fields-forwarded', {
      title: 'Fields that name a user go no further',
      policy: 'not pass fields on to upstream servers by which a client could name a user, nor its cookies',
      needs: { forwarded },
      judge: ({ forwarded: { plain, named } }) =>
        onceReached([plain, named], () => {
          const found = Object.entries(named.seen!).find(([, value]) => marks.some((mark) => value.includes(mark)))
          return all([
            holdsIf(found === undefined, 'passes a field of the client on', {
              expected: 'fields of its own only',
              actual: found?.join(': '),
              exchange: named.call,
            }),
          ])
        }),
      fix: 'Build the fields of upstream requests anew from a fixed list.',
    }),

    check('exposure/connection-fields', {
      spec: 'rfc9110',
      page: '7.6.1',
      title: 'What Connection names is removed',
      must: 'remove the fields a Connection field names before a message is forwarded',
      needs: { nominated },
      judge: ({ nominated: { plain, own } }) =>
        onceReached([plain, own], () =>
          holdsIf(!Object.values(own.seen!).some((value) => value.includes(marker)), 'passes a field on that Connection names', {
            expected: `no ${hop}`,
            actual: `${hop}: ${marker}`,
            exchange: own.call,
          }),
        ),
      fix: 'Read Connection, remove what it names and the field itself, then add your own.',
      weakness: ['CWE-444', 'API8:2023'],
    }),

    check('exposure/connection-strips', {
      title: 'Connection does not remove what the target adds',
      policy: 'send upstream what it always sends, its token and its tenant above all, whatever Connection names',
      needs: { nominated },
      judge: ({ nominated: { plain, added, others } }) =>
        onceReached([plain, others], () => {
          const missing = added.filter((name) => !(name in others.seen!))
          return holdsIf(missing.length === 0, 'leaves out fields of its own that a client has named in Connection', {
            expected: added,
            actual: `without ${missing.join(', ')}`,
            exchange: others.call,
          })
        }),
      fix: 'Apply Connection to the fields of the client, before any of your own are added.',
      weakness: ['CWE-444', 'CWE-348', 'API8:2023'],
    }),
  ],
)
