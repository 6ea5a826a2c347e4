import {
  all,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasStatus,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  isResponse,
  type Judgement,
  notApplicable,
  notTestable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { bearerOf, type Challenge } from '../challenge.ts'
import { decodeJwt } from './jwt.ts'

const none = 'assay:none'

type Operation = 'opening' | 'tools/list' | 'tools/call'

interface Step {
  operation: Operation
  /** Scopes of the token. */
  scope: string
  exchange: Exchange
}

/** Times one operation is tried, each time with the scopes the last refusal asked for. */
const mostTries = 3

const forging = { over: 'http', requires: ['authorization', 'forging issuer'] } as const

async function perform(context: ProbeContext, operation: Operation, scope: string): Promise<Step> {
  const token = await context.instruments.issuer!.mint({ claims: { scope } })
  const connection = await context.connect({ token, forged: true, hold: operation === 'opening' })
  if (operation === 'opening') return { operation, scope, exchange: connection.opening }
  if (operation === 'tools/list') return { operation, scope, exchange: await connection.send('tools/list') }
  const { name, arguments: given } = await context.tool('any')
  return { operation, scope, exchange: await connection.send('tools/call', { name, arguments: given }) }
}

const ladder = probe('operations with more and more scopes', forging, async (context) => {
  const { connect, facts, instruments } = context
  const opening = async () => (await connect({ token: await instruments.issuer!.mint(), hold: true })).opening
  const before = await opening()
  const unasked = (await connect({ identity: null, hold: true })).opening
  const callable = facts.facilities['callable tool'] === true
  const operations: Operation[] = [
    'opening',
    ...(facts.facilities.tools === true ? (['tools/list'] as const) : []),
    ...(callable ? (['tools/call'] as const) : []),
  ]
  const steps: Step[] = []
  let scope = none
  for (const operation of operations) {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const step = await perform(context, operation, scope)
      steps.push(step)
      const asked = statusOf(step.exchange) === 403 ? challengeOf(step.exchange)?.parameters.scope : undefined
      if (asked === undefined) break
      // As clients do: what is asked for is added to what was granted.
      scope = [...new Set([...scope.split(' '), ...asked.split(' ')])].join(' ')
    }
    // Without the scopes of one operation, the refusal of the next would say nothing new.
    if (isRefusal(steps.at(-1)!)) break
  }
  return { before, unasked, callable, steps, after: await opening() }
})

const lookalikes = probe('scopes of similar names', forging, async (context) => {
  const { before, steps, after } = await context.use(ladder)
  const refused = steps.find(isRefusal)
  const asked = refused === undefined ? undefined : challengeOf(refused.exchange)?.parameters.scope?.split(' ')
  if (refused === undefined || asked === undefined) return { before, tried: [], after }
  const alter: ((scope: string) => string)[] = [
    (scope) => `${scope}x`,
    (scope) => `x${scope}`,
    (scope) => scope.toUpperCase(),
    (scope) => scope.slice(0, -1),
  ]
  const scopes = alter.map((change) => asked.map(change).join(' ')).filter((scope) => scope !== asked.join(' '))
  return { before, tried: await Promise.all(scopes.map((scope) => perform(context, refused.operation, scope))), after }
})

/** What is listed with few scopes, called with the same, and then with all. */
const listed = probe(
  'a tool called with the scopes that list it',
  { ...forging, requires: [...forging.requires, 'callable tool'] },
  async (context) => {
    const { steps } = await context.use(ladder)
    const step = steps.find((each) => each.operation === 'tools/list' && !isRefusal(each))
    if (step === undefined) throw new Unfit('inconclusive', 'no list of tools was served')
    const { name, arguments: given } = await context.tool('any')
    const call = async (scope?: string) => {
      const token = await context.instruments.issuer!.mint(scope === undefined ? {} : { claims: { scope } })
      const connection = await context.connect({ token, forged: scope !== undefined })
      return { listed: await connection.send('tools/list'), called: await connection.send('tools/call', { name, arguments: given }) }
    }
    return { few: await call(step.scope), all: await call() }
  },
)

/** A call that is refused by itself, among other messages of one body. */
const batched = probe(
  'a call in a batch, without its scopes',
  { ...forging, requires: [...forging.requires, 'callable tool'] },
  async (context) => {
    const { steps } = await context.use(ladder)
    const step = steps.find((each) => each.operation === 'tools/call' && isRefusal(each) && statusOf(each.exchange) === 403)
    if (step === undefined) throw new Unfit('not-applicable', 'no call was refused for its scope')
    const { name, arguments: given } = await context.tool('any')
    const message = (id: string, method: string, params?: Record<string, unknown>) => ({
      jsonrpc: '2.0',
      id,
      method,
      ...(params && { params }),
    })
    const post = async (scope?: string) => {
      const token = await context.instruments.issuer!.mint(scope === undefined ? {} : { claims: { scope } })
      const connection = await context.connect({ token, forged: scope !== undefined })
      return connection.post(
        [message('assay-1', 'ping'), message('assay-2', 'tools/call', { name, arguments: given }), message('assay-3', 'ping')],
        {
          wholeStream: true,
          deadline: 2_000,
        },
      )
    }
    return { all: await post(), few: await post(step.scope) }
  },
)

/** The same operations with every scope, and with the one that implies them all. */
const implied = probe('operations with the scope that implies the others', forging, async (context) => {
  const { broadScope } = context.instruments.issuer!
  if (broadScope === undefined)
    throw new Unfit(
      'not-applicable',
      'no scope implies the others, by the word of the operator: see `instruments.issuer.broadScope` of the target',
    )
  const { steps, callable } = await context.use(ladder)
  const operations = [...new Set([...steps.map(({ operation }) => operation), ...(callable ? (['tools/call'] as const) : [])])]
  const { scope: every } = decodeJwt(await context.instruments.issuer!.mint())!.claims
  const tried: { all: Step; one: Step }[] = []
  for (const operation of operations)
    tried.push({ all: await perform(context, operation, String(every)), one: await perform(context, operation, broadScope) })
  return { tried }
})

const answersCall = ({ messages }: Exchange): boolean =>
  messages.some(({ message }) => isResponse(message) && message.id === 'assay-2' && 'result' in message)

const challengeOf = (exchange: Exchange): Challenge | undefined => bearerOf(headerOf(exchange, 'www-authenticate'))

const isRefusal = ({ exchange }: Step): boolean => resultOf(exchange) === undefined

const asksForNone = notApplicable('the target serves every operation without a scope, and asks for none')

const forbidden = (steps: readonly Step[]): Step[] => steps.filter(({ exchange }) => statusOf(exchange)! >= 400)

export default section(
  {
    threat: 'scope-bypass',
    weakness: ['CWE-863', 'API5:2023', 'MCP02:2025'],
    spec: 'mcp',
    page: 'basic/authorization#scope-challenge-handling',
    revisions: '2025-11-25..',
    over: 'http',
    requires: ['authorization', 'forging issuer'],
  },
  [
    check('tokens/scope-enforced', {
      spec: 'rfc6749',
      page: '7',
      revisions: '2025-03-26..',
      title: 'A token without the scopes asked for is refused',
      must: 'ensure that the scope of the token covers the resource asked for',
      needs: { ladder },
      judge: ({ ladder: { before, unasked, callable, steps, after } }) =>
        controlled([before, after], () => {
          const lacking = steps.filter(({ scope }) => scope === none)
          if (lacking.some(isRefusal)) return holds
          const asked = challengeOf(unasked)?.parameters.scope
          if (asked === undefined) return asksForNone
          if (!callable) return notTestable('needs a tool that may be called: the opening and the list of tools may be free of scopes')
          const { operation, exchange } = lacking.at(-1)!
          return broken(`serves ${operation} without any of the scopes it asks for`, { expected: asked, actual: none, exchange })
        }),
      fix: 'Compare the scopes of the token with those the operation needs, on every request.',
      weakness: ['CWE-862', 'CWE-863', 'API5:2023', 'MCP02:2025'],
      covers: 'auth.rs.403',
    }),

    check('tokens/scope-status', {
      page: 'basic/authorization#error-handling',
      revisions: '2025-03-26..',
      title: 'A lack of scope is answered with 403',
      must: 'answer 403 when the scopes of a token do not suffice',
      needs: { ladder },
      judge: ({ ladder: { before, steps, after } }) =>
        controlled([before, after], () =>
          each(forbidden(steps), 'no operation was refused for its scope', ({ exchange }) => hasStatus(exchange, 403)),
        ),
      fix: 'Answer 403 to a valid token that lacks a scope; on 401 clients throw the token away.',
      covers: 'auth.rs.403',
    }),

    check('tokens/scope-exact', {
      spec: 'rfc6749',
      page: '3.3',
      revisions: '2025-03-26..',
      title: 'Scopes of similar names are refused',
      must: 'treat scopes as case-sensitive strings separated by spaces, and compare them as a whole',
      needs: { lookalikes },
      judge: ({ lookalikes: { before, tried, after } }) =>
        controlled([before, after], () =>
          each(tried, 'no operation was refused with the scope it needs', (step) =>
            holdsIf(isRefusal(step), `serves ${step.operation} with scopes of similar names`, {
              expected: 'HTTP 403',
              actual: `${step.scope}: ${summaryOf(step.exchange)}`,
              exchange: step.exchange,
            }),
          ),
        ),
      fix: 'Split the scope at spaces, and look for the needed one among the parts.',
      weakness: ['CWE-187', 'CWE-178', 'CWE-863', 'API5:2023', 'MCP02:2025'],
    }),

    check('tokens/scope-listed', {
      revisions: '2025-03-26..',
      title: 'What is listed is called, or asks for a scope',
      policy: 'call a tool it has listed, or name in a challenge the scope the call lacks',
      needs: { listed },
      judge: ({ listed: { few, all } }) =>
        controlled([few.listed, all.called], () =>
          holdsIf(resultOf(few.called) !== undefined || statusOf(few.called) === 403, 'lists a tool that it then does not know', {
            expected: 'a result, or HTTP 403 with a challenge',
            actual: summaryOf(few.called),
            exchange: few.called,
          }),
        ),
      fix: 'Answer 403 with insufficient_scope, or leave out of the list what cannot be called.',
      weakness: ['CWE-862', 'API5:2023', 'MCP02:2025'],
    }),

    check('tokens/scope-in-batch', {
      spec: 'rfc6749',
      page: '7',
      revisions: '2025-03-26',
      title: 'A batch hides no call from the check of scopes',
      must: 'ensure for each message of a batch that the scope of the token covers it',
      needs: { batched },
      judge: ({ batched: { all, few } }) =>
        answersCall(all)
          ? holdsIf(!answersCall(few), 'serves a call in a batch without the scopes it asks for', {
              expected: 'an error for the call',
              actual: summaryOf(few),
              exchange: few,
            })
          : notApplicable('the target serves no call in a batch'),
      fix: 'Check scopes where a message is dispatched, not where a body is received.',
      weakness: ['CWE-862', 'CWE-863', 'API5:2023', 'MCP02:2025'],
    }),

    check('tokens/scope-hierarchy', {
      page: 'basic/authorization#step-up-authorization-flow',
      revisions: '2026-07-28',
      title: 'A scope that implies others is enough for what these allow',
      must: 'account for scopes that imply others when it decides whether a token is sufficient',
      needs: { implied },
      judge: ({ implied: { tried } }) =>
        controlled(
          tried.map(({ all }) => all.exchange),
          () =>
            all(
              tried.map(({ one }) =>
                holdsIf(!isRefusal(one), `refuses ${one.operation} with the scope that implies the one it asks for`, {
                  expected: 'a result',
                  actual: `${one.scope}: ${summaryOf(one.exchange)}`,
                  exchange: one.exchange,
                }),
              ),
            ),
        ),
      fix: 'Expand the scopes of a token by those they imply before they are compared.',
      covers: 'auth.rs.scope-hierarchy',
    }),

    check('tokens/scope-challenge', {
      title: 'A lack of scope is explained in a challenge',
      should: 'answer 403 with a Bearer challenge that has error="insufficient_scope", scope and resource_metadata',
      needs: { ladder },
      judge: ({ ladder: { before, steps, after } }) =>
        controlled([before, after], () =>
          each(
            forbidden(steps).filter(({ exchange }) => statusOf(exchange) === 403),
            'no operation was refused with 403',
            ({ exchange }) => explains(exchange),
          ),
        ),
      fix: 'Name the error, every scope the operation needs and the metadata of the resource, so that a client can ask for a better token.',
      covers: 'auth.rs.insufficient-scope',
    }),

    check('tokens/scope-step-up', {
      title: 'One challenge names every scope an operation needs',
      should: 'include in the challenge all scopes needed to satisfy the request',
      needs: { ladder },
      judge: ({ ladder: { before, steps, after } }) =>
        controlled([before, after], () => {
          const challenged = steps.filter(({ exchange }) => statusOf(exchange) === 403)
          const operations = [...new Set(challenged.map(({ operation }) => operation))]
          return each(operations, 'no operation was refused with 403', (operation) =>
            suffices(steps.filter((step) => step.operation === operation)),
          )
        }),
      fix: 'Collect all scopes the operation needs before refusing it.',
      covers: 'auth.rs.scope-single-challenge',
    }),
  ],
)

function explains(exchange: Exchange): Judgement {
  const { error, scope, resource_metadata } = challengeOf(exchange)?.parameters ?? {}
  return holdsIf(
    error === 'insufficient_scope' && scope !== undefined && resource_metadata !== undefined,
    'refuses without saying which scope is needed',
    {
      expected: 'Bearer error="insufficient_scope", scope="…", resource_metadata="…"',
      actual: headerOf(exchange, 'www-authenticate') ?? 'no WWW-Authenticate',
      exchange,
    },
  )
}

/** The first attempt was refused; with the scopes it was told to bring, the second is served. */
function suffices(attempts: readonly Step[]): Judgement {
  const [refused, second] = attempts
  if (second === undefined) return inconclusive('the challenge names no scope', refused!.exchange)
  const { exchange } = second
  if (errorOf(exchange) !== undefined && statusOf(exchange) === 200)
    return inconclusive('the operation fails with the scopes asked for', exchange)
  return all([
    holdsIf(statusOf(exchange) !== 403, `asks for one more scope for ${second.operation} after it was given those it had asked for`, {
      expected: 'a result',
      actual: headerOf(exchange, 'www-authenticate'),
      exchange,
    }),
  ])
}
