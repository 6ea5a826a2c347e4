import {
  all,
  answered,
  check,
  controlled,
  holdsIf,
  isRefused,
  probe,
  type RawRequest,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { fieldsOf, isServed, refuses, withoutToken } from './bare.ts'

/** Spellings of a path that one hop may take for the path itself and another for some other. */
function spellings(path: string): string[] {
  const inner = path.replace(/^\//, '')
  const first = inner.charCodeAt(0)
  const always = [
    `/${path}`,
    `/.${path}`,
    `/assay/..${path}`,
    `/assay/%2e%2e${path}`,
    `/assay/..;${path}`,
    `/assay%2f..${path}`,
    `${path};assay=1`,
    `${path}%00`,
  ]
  if (inner === '') return always
  return [
    ...always,
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path}%2f`,
    `${path}%20`,
    `${path}.json`,
    path.toUpperCase(),
    `/%${first.toString(16)}${inner.slice(1)}`,
    `/%25${first.toString(16)}${inner.slice(1)}`,
    `\\${inner}`,
  ].filter((spelt) => spelt !== path)
}

const respelt = withoutToken('other spellings of the path, without a token', (_, { facts }) => {
  const { pathname } = new URL(facts.url)
  return Object.fromEntries(spellings(pathname).map((target) => [`for ${target} without a token`, { target }]))
})

const overriding = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']

const disguised = withoutToken('other verbs that claim to be POST, without a token', (_, { facts }) => {
  const inQuery = new URL(facts.url)
  inQuery.searchParams.set('_method', 'POST')
  const named = overriding.flatMap((name) =>
    ['GET', 'DELETE'].map((method): [string, RawRequest] => [
      `by ${method} with ${name}: POST without a token`,
      { method, headers: [[name, 'POST']] },
    ]),
  )
  return { ...Object.fromEntries(named), 'by GET with _method=POST without a token': { method: 'GET', url: inQuery.href } }
})

const overridden = probe('POST that claims to be DELETE', { over: 'http' }, async (context) => {
  const connection = await context.connect()
  const list = () => connection.send('tools/list')
  const before = await list()
  const asked = await Promise.all(overriding.map((name) => connection.send('tools/list', undefined, { headers: { [name]: 'DELETE' } })))
  return { before, asked, after: await list() }
})

const verbs = withoutToken('other verbs without a token', () =>
  Object.fromEntries(
    ['OPTIONS', 'HEAD', 'PUT', 'PATCH', 'PROPFIND', 'ASSAY'].map((method) => [`by ${method} without a token`, { method }]),
  ),
)

const echoed = 'assay-5c1e7f0a'

const traced = probe('TRACE', { over: 'http' }, async ({ request, session }) => {
  const { opening } = await session()
  return request({
    method: 'TRACE',
    authorize: false,
    deadline: 3_000,
    headers: [...fieldsOf(opening).filter(([name]) => !/^content-/i.test(name)), ['X-Assay', echoed]],
  })
})

const preflight = probe('a preflight that carries a call', { over: 'http' }, async ({ connect, request, facts }) => {
  const connection = await connect()
  const before = await connection.send('tools/list')
  const asked = await request({
    method: 'OPTIONS',
    authorize: false,
    body: before.request.body,
    deadline: 3_000,
    headers: [...fieldsOf(before), ['Origin', new URL(facts.url).origin], ['Access-Control-Request-Method', 'POST']],
  })
  return { before, asked }
})

export default section(
  {
    spec: 'policy',
    page: 'paths-and-verbs',
    revisions: 'all',
    over: 'http',
    threat: 'request-confusion',
    weakness: ['CWE-180', 'CWE-863', 'CWE-289', 'API5:2023', 'API8:2023'],
  },
  [
    check('exposure/path-spelling', {
      ...refuses(respelt),
      requires: 'authorization',
      title: 'No spelling of the path goes round the token',
      policy: 'ask for the token whatever way the path of the endpoint is spelt',
      fix: 'Normalise the path once, before it is routed, and decide on access by what it is routed to.',
    }),

    check('exposure/method-override', {
      ...refuses(disguised),
      requires: 'authorization',
      title: 'A verb that claims to be another goes not round the token',
      policy: 'ask for the token whatever a field or a parameter says the verb is',
      fix: 'Take the verb from the request line; leave out middleware that overrides it.',
    }),

    check('exposure/method-as-sent', {
      title: 'The verb is the one of the request line',
      policy: 'take a POST for a POST, whatever a field says the verb is',
      needs: { overridden },
      judge: ({ overridden: { before, asked, after } }) =>
        controlled([before], () =>
          all([
            ...asked.map((exchange) =>
              answered(exchange, () =>
                holdsIf((statusOf(exchange) ?? 0) >= 400 || resultOf(exchange) !== undefined, 'takes a POST for another verb', {
                  expected: 'the answer to tools/list, or a refusal',
                  actual: summaryOf(exchange),
                  exchange,
                }),
              ),
            ),
            answered(after, () =>
              holdsIf(resultOf(after) !== undefined, 'does what a field names as the verb', {
                expected: 'a session that goes on',
                actual: summaryOf(after),
                exchange: after,
              }),
            ),
          ]),
        ),
      fix: 'Take the verb from the request line; leave out middleware that overrides it.',
    }),

    check('exposure/verbs', {
      ...refuses(verbs),
      requires: 'authorization',
      title: 'Every verb asks for the token',
      policy: 'serve nothing by any verb without a token',
      fix: 'Check the token for every request to the path, not for POST alone.',
      weakness: ['CWE-306', 'API5:2023'],
    }),

    check('exposure/preflight', {
      title: 'A preflight carries no work',
      policy: 'answer a preflight, which has no token, without reading its body',
      needs: { preflight },
      judge: ({ preflight: { before, asked } }) =>
        controlled([before], () =>
          answered(asked, () =>
            holdsIf(!isServed(asked), 'serves what a preflight carries', {
              expected: 'an empty answer',
              actual: summaryOf(asked),
              exchange: asked,
            }),
          ),
        ),
      fix: 'Answer OPTIONS from the path alone.',
      weakness: ['CWE-306', 'API8:2023'],
    }),

    check('exposure/trace', {
      title: 'TRACE is refused',
      policy: 'not send back what a request by TRACE holds, which is where hops before it put credentials',
      needs: { traced },
      judge: ({ traced }) =>
        answered(traced, () =>
          traced.response!.body.includes(echoed) && statusOf(traced) === 200
            ? holdsIf(false, 'sends a request by TRACE back', { expected: 'HTTP 405', actual: summaryOf(traced), exchange: traced })
            : isRefused(traced, 'serves TRACE'),
        ),
      fix: 'Answer TRACE with 405 at the outermost hop.',
      weakness: ['CWE-200', 'API8:2023'],
      threat: 'exposed-internals',
    }),
  ],
)
