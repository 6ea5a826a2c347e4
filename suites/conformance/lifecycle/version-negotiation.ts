import {
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  eraOf,
  errorOf,
  hasResult,
  holds,
  holdsIf,
  inconclusive,
  notApplicable,
  probe,
  resultOf,
  revisions,
  section,
  summaryOf,
} from '../../../src/model/index.ts'

const published: readonly string[] = revisions.filter((revision) => eraOf(revision) === 'session')

/** Versions nobody serves: before the first, after the last, and no date at all. */
const unserved = ['1999-01-01', '2099-01-01', 'x']

/** Versions named in an answer that are asked for in a second round, at most. */
const mostNamed = 3

interface Offer {
  asked: string
  exchange: Exchange
  /** A ping on the session the offer opened, where one was sent. */
  used?: Exchange
}

/** Asks for a version on a session of its own, and ends it. */
async function offer(target: Connection, asked: string): Promise<Offer> {
  const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: 'assay', version: '0.1.0' } }
  const exchange = await target.send('initialize', params, { headers: { 'Mcp-Session-Id': null, 'MCP-Protocol-Version': null } })
  const version = resultOf(exchange)?.protocolVersion
  const session = exchange.response?.headers['mcp-session-id'] ?? null
  const own = {
    headers: { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': typeof version === 'string' && version >= '2025-06-18' ? version : null },
  }
  const used = asked === unserved[0] && typeof version === 'string' ? await use(target, own) : undefined
  if (session !== null) await target.http('DELETE', own)
  return { asked, exchange, used }
}

async function use(target: Connection, own: { headers: Record<string, string | null> }): Promise<Exchange> {
  await target.notify('notifications/initialized', undefined, own)
  return target.send('ping', undefined, own)
}

const offers = probe('initialize with every published version, and with versions nobody serves', { over: 'http' }, async ({ connect }) => {
  const target = await connect({ hold: true })
  const first = await Promise.all([...published, ...unserved].map((version) => offer(target, version)))
  const asked = new Set(first.map((each) => each.asked))
  const named = [...new Set(first.map(answerTo))].filter((version): version is string => typeof version === 'string' && !asked.has(version))
  const second = await Promise.all(named.slice(0, mostNamed).map((version) => offer(target, version)))
  return { offers: [...first, ...second] }
})

const answerTo = ({ exchange }: Offer): unknown => resultOf(exchange)?.protocolVersion

const agrees = (each: Offer): boolean => answerTo(each) === each.asked

const isUnserved = ({ asked }: Offer): boolean => unserved.includes(asked)

/** The refusal the specification shows as its own example, and its successor. */
const isRefusal = ({ exchange }: Offer): boolean => [-32602, -32022].includes(errorOf(exchange)?.code as number)

const controls = (offers: readonly Offer[]) => offers.filter(agrees).map(({ exchange }) => exchange)

export default section({ spec: 'mcp', page: 'basic/lifecycle#version-negotiation', revisions: '..2025-11-25', over: 'http' }, [
  check('lifecycle/version-agreement', {
    title: 'A version the server supports is agreed to',
    must: 'answer initialize with the version asked for when it supports it',
    needs: { offers },
    judge: ({ offers: { offers } }) => {
      // What it names in any answer, it says it supports.
      const supported = new Set(offers.map(answerTo).filter((version) => typeof version === 'string'))
      return controlled(controls(offers), () =>
        each(
          offers.filter((each) => supported.has(each.asked) && !isUnserved(each)),
          'the target names no version',
          (each) =>
            holdsIf(agrees(each), `answers another version than ${each.asked}, which it supports`, {
              expected: each.asked,
              actual: summaryOf(each.exchange),
              exchange: each.exchange,
            }),
        ),
      )
    },
    fix: 'Compare the version asked for with the list of supported ones, and answer it unchanged when it is there.',
    covers: 'lifecycle.version.same',
  }),

  check('lifecycle/version-fallback', {
    title: 'A version the server does not support is answered with one it does',
    must: 'answer initialize with another version, one it supports, when it does not support the one asked for',
    needs: { offers },
    judge: ({ offers: { offers } }) =>
      controlled(controls(offers), () =>
        each(offers.filter(isUnserved), 'nothing was asked', (each) => {
          if (isRefusal(each)) return holds
          return hasResult(each.exchange, ({ protocolVersion }) => {
            const again = offers.find(({ asked }) => asked === protocolVersion)
            const detail = {
              expected: 'another version, which it agrees to when asked for it',
              actual: protocolVersion,
              exchange: each.exchange,
            }
            if (protocolVersion === each.asked) return broken(`agrees to ${each.asked}, which does not exist`, detail)
            return holdsIf(again !== undefined && agrees(again), 'offers a version it does not agree to itself', detail)
          }).and(each.used === undefined ? holds : hasResult(each.used))
        }),
      ),
    fix: 'Answer an unknown version with the newest one you support, and serve the session under it.',
    covers: 'lifecycle.version.fallback',
  }),

  check('lifecycle/version-latest', {
    title: 'The version offered instead is the latest the server supports',
    should: 'offer the latest version it supports when it does not support the one asked for',
    needs: { offers },
    judge: ({ offers: { offers } }) => {
      const latest = offers
        .filter((each) => agrees(each) && published.includes(each.asked))
        .map(({ asked }) => asked)
        .sort()
        .at(-1)
      if (latest === undefined) return inconclusive('the target agrees to no published version')
      const fallbacks = offers.filter((each) => isUnserved(each) && typeof answerTo(each) === 'string' && !agrees(each))
      if (fallbacks.length === 0) return notApplicable('the target refuses versions it does not support')
      return each(fallbacks, '', (each) =>
        holdsIf(String(answerTo(each)) >= latest, 'offers an older version than it supports', {
          expected: latest,
          actual: answerTo(each),
          exchange: each.exchange,
        }),
      )
    },
    fix: 'Offer the newest of the supported versions.',
    covers: 'lifecycle.version.latest',
  }),
])
