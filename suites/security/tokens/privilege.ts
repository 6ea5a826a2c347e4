import { createHash } from 'node:crypto'
import {
  all,
  check,
  controlled,
  type Exchange,
  holdsIf,
  inconclusive,
  isRefused,
  notTestable,
  probe,
  section,
  Unfit,
} from '../../../src/model/index.ts'
import { scriptedCall } from '../../conformance/utilities/long-call.ts'

const wrongs: (string | null)[] = [null, 'Bearer assay.not-a.token']

const notReached = 'needs the tool of the scripted upstream among the tools of the target'

/** What the scripted upstream writes down in place of a token. */
const fingerprintOf = (token: string): string => `sha256:${createHash('sha256').update(token).digest('hex')}`

const passed = probe(
  'a call whose token could be passed on',
  { over: 'http', requires: ['authorization', 'scripted upstream'] },
  async (context) => {
    const connection = await context.session()
    const scripted = await scriptedCall(context, {})
    if (scripted?.seen === undefined || connection.token === undefined) throw new Unfit('not-testable', notReached)
    const call = await connection.send('tools/call', scripted.params)
    const reached = await scripted.seen()
    const traffic = await context.instruments.upstream!.traffic()
    const marks = [connection.token, fingerprintOf(connection.token)]
    const carries = (value: unknown) => marks.some((mark) => JSON.stringify(value ?? '').includes(mark))
    // The token itself stays out of the evidence.
    const where = traffic.filter(carries).map(({ verb, method, headers }) => {
      const header = Object.entries(headers).find(([, value]) => carries(value))
      return `${verb} ${method ?? ''} ${header === undefined ? 'in its body or path' : `in ${header[0]}`}`
    })
    return { call, reached: reached.length, where: [...new Set(where)].slice(0, 10) }
  },
)

const early = probe('calls without a right token', { over: 'http', requires: ['authorization', 'scripted upstream'] }, async (context) => {
  const connection = await context.connect()
  const [right, wrong] = await Promise.all([scriptedCall(context, {}), scriptedCall(context, {})])
  if (right?.seen === undefined || wrong?.seen === undefined) throw new Unfit('not-testable', notReached)
  const before = await connection.send('tools/call', right.params)
  const refused = await Promise.all(
    wrongs.map((Authorization) => connection.send('tools/call', wrong.params, { headers: { Authorization } })),
  )
  const after = await connection.send('tools/call', right.params)
  await context.pause(50)
  return { before, refused, after, allowed: (await right.seen()).length, arrived: (await wrong.seen()).length }
})

/** Shorter names turn up in ordinary words. */
const tellingLength = 6

const said = probe('what a refusal says', { over: 'http', requires: ['authorization', 'tools'] }, async ({ connect, catalogue }) => {
  const connection = await connect()
  const before = await connection.send('tools/list')
  const { tools, resources, prompts } = await catalogue()
  const names = [...tools.items.map(({ name }) => name), ...resources.items.map(({ uri }) => uri), ...prompts.items.map(({ name }) => name)]
  const refused = await Promise.all(
    wrongs.flatMap((Authorization) => [
      connection.send('tools/list', undefined, { headers: { Authorization } }),
      connection.send('tools/call', { name: names[0], arguments: {} }, { headers: { Authorization } }),
    ]),
  )
  const telling = names.filter((name) => name.length >= tellingLength).slice(0, 200)
  return { before, refused, names: telling, asked: names[0] ?? null, after: await connection.send('tools/list') }
})

const textOf = (exchange: Exchange): string => JSON.stringify([exchange.response?.headers, exchange.response?.body, exchange.messages])

export default section(
  {
    threat: 'forged-token',
    weakness: ['CWE-200', 'CWE-696', 'API2:2023', 'API3:2023', 'MCP07:2025'],
    spec: 'mcp',
    page: 'basic/authorization#access-token-privilege-restriction',
    movedTo: 'basic/authorization/security-considerations#access-token-privilege-restriction',
    revisions: '2025-06-18..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('tokens/data-before-check', {
      title: 'A refusal tells nothing of what is behind it',
      must: 'ensure that no data is returned to unauthorized parties',
      needs: { said },
      judge: ({ said: { before, refused, names, asked, after } }) =>
        controlled([before, after], () =>
          all(
            refused.map((exchange) => {
              const told = names.find((name) => name !== asked && textOf(exchange).includes(JSON.stringify(name).slice(1, -1)))
              return isRefused(exchange, 'serves a request without a right token').and(
                holdsIf(told === undefined, 'names what is behind it in a refusal', {
                  expected: 'nothing of the catalogue',
                  actual: told,
                  exchange,
                }),
              )
            }),
          ),
        ),
      fix: 'Answer a refusal from the request alone, before tools are looked up.',
      covers: 'auth.rs.no-data-before-auth',
    }),

    check('tokens/work-before-check', {
      title: 'A refused call is not carried out',
      must: 'validate the token before the request is processed',
      requires: 'scripted upstream',
      needs: { early },
      judge: ({ early: { before, refused, after, allowed, arrived } }) =>
        controlled([before, after], () => {
          if (allowed === 0) return inconclusive('the control did not reach the scripted upstream', before)
          const exchange = refused[0]!
          return all([
            ...refused.map((each) => isRefused(each, 'serves a call without a right token')),
            holdsIf(arrived === 0, 'passes a call on before it refuses it', {
              expected: 'no call upstream',
              actual: `${arrived} calls upstream`,
              exchange,
            }),
          ])
        }),
      fix: 'Check the token before the call is routed.',
      weakness: ['CWE-696', 'CWE-862', 'API2:2023', 'API5:2023', 'MCP07:2025'],
      covers: 'auth.rs.no-data-before-auth',
    }),

    check('tokens/passthrough', {
      title: 'The token of the client goes no further',
      must: 'not pass the token it received from the client through to upstream servers',
      requires: 'scripted upstream',
      needs: { passed },
      judge: ({ passed: { call, reached, where } }) =>
        controlled([call], () =>
          reached === 0
            ? notTestable('the call did not reach the scripted upstream')
            : holdsIf(where.length === 0, 'passes the token of the client on', {
                expected: 'a token of its own, or none',
                actual: where,
                exchange: call,
              }),
        ),
      fix: 'Fetch a token of the gateway for each upstream, and take Authorization off what is forwarded.',
      weakness: ['CWE-441', 'CWE-522', 'API2:2023', 'MCP01:2025', 'MCP07:2025'],
      threat: 'token-theft',
      covers: 'auth.rs.no-passthrough',
    }),
  ],
)
