import {
  answered,
  broken,
  check,
  type Exchange,
  errorOf,
  holds,
  holdsIf,
  notApplicable,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { changed, type Seen, toolNames } from './changed.ts'

/** Milliseconds that any other request may take while a schema is costly to validate. */
const patience = 1_000

/** Twenty-two steps that each refer twice to the next: four million schemas, in twenty-three lines. */
const explosive = (): Record<string, unknown> => {
  const steps = 22
  const $defs = Object.fromEntries(
    Array.from({ length: steps }, (_, step) => [
      `s${step}`,
      { allOf: [{ $ref: `#/$defs/s${step + 1}` }, { $ref: `#/$defs/s${step + 1}` }] },
    ]),
  )
  return {
    type: 'object',
    properties: { script: { type: 'string' } },
    $defs: { ...$defs, [`s${steps}`]: { type: 'object' } },
    allOf: [{ $ref: '#/$defs/s0' }],
  }
}

const costly = probe(
  'a schema that costs much to validate',
  { alone: true, disruptive: true, requires: ['tools', 'scripted upstream'] },
  async ({ instruments, connect, pause }) => {
    const upstream = instruments.upstream!
    const session = await connect()
    await session.listen({ filter: { toolsListChanged: true } })
    const before = await toolNames(session)
    try {
      await upstream.setTools([{ name: 'assay_explosive', inputSchema: explosive(), annotations: { readOnlyHint: true } }])
      let after = await toolNames(session)
      const lists = [...after.pages]
      for (let waited = 0; sameNames(before, after) && waited < patience; waited += 100) {
        await pause(100)
        after = await toolNames(session)
        lists.push(...after.pages)
      }
      const name = after.names.find((each) => each.endsWith('assay_explosive'))
      if (name === undefined) return { before, after, timed: lists }
      const running = session.send('tools/call', { name, arguments: { script: await upstream.script({}) } }, { deadline: 2 * patience })
      const meanwhile = await session.send('tools/list', undefined, { deadline: 2 * patience })
      await running
      return { before, after, timed: [...lists, meanwhile] }
    } finally {
      await upstream.setTools(null)
      for (let waited = 0; waited < patience && !sameNames(before, await toolNames(session)); waited += 100) await pause(100)
    }
  },
)

const sane = (exchange: Exchange) =>
  answered(exchange, () =>
    holdsIf((resultOf(exchange) !== undefined || errorOf(exchange) !== undefined) && (statusOf(exchange) ?? 200) < 500, 'fails inside', {
      expected: 'a result, or an error that says so',
      actual: summaryOf(exchange),
      exchange,
    }),
  )

const took = (exchange: Exchange): number => Math.round(exchange.ended - exchange.started)

interface Changed {
  before: Seen
  after: Seen
}

const sameNames = (one: Seen, other: Seen): boolean => one.names.join() === other.names.join()

const follows = ({ before, after }: Changed): boolean => !sameNames(before, after)
const fixedList = notApplicable('the list does not follow the upstream by itself')

const rivals = (names: readonly string[], rival: string): string[] => names.filter((name) => name.endsWith(rival))

/** Both tools of one name are listed under names of their own, and the one that came last is reached by its own. */
function apart({
  before,
  after,
  rival,
  collision,
}: Changed & { rival: string | null; collision: { name: string; exchange: Exchange; reached: unknown[] } | null }) {
  if (!follows({ before, after })) return fixedList
  if (rival === null) return notApplicable('no other server behind the target offers a tool whose own name can be told')
  const gone = before.names.filter((name) => !after.names.includes(name))
  if (gone.length > 0)
    return broken('no longer lists a tool once another server offers one of its name', {
      expected: gone,
      actual: after.names,
      exchange: after.page,
    })
  const double = rivals(after.names, rival).find((name, index, all) => all.indexOf(name) !== index)
  if (double !== undefined)
    return broken('lists two tools under one name', { expected: 'a name for each', actual: double, exchange: after.page })
  if (collision === null)
    return broken('leaves out one of two tools of the same name', {
      expected: `a second tool ${rival}`,
      actual: after.names,
      exchange: after.page,
    })
  return holdsIf(collision.reached.length > 0, `sends a call of ${collision.name} elsewhere`, {
    expected: 'a call at the server that offers it',
    actual: summaryOf(collision.exchange),
    exchange: collision.exchange,
  })
}

export default section(
  { spec: 'mcp', page: 'server/tools#tool-names', revisions: '2026-07-28..', requires: ['tools', 'scripted upstream'] },
  [
    check('tools/collision', {
      title: 'Tools of the same name on two servers are told apart',
      should: 'disambiguate tools of one name that come from several servers',
      needs: { changed },
      judge: ({ changed }) => apart(changed),
      fix: 'Prefix every name with an identifier of its server, always, so that names do not depend on who came first.',
      covers: 'tools.aggregate.collision',
    }),

    check('tools/collision-policy', {
      title: 'Tools of the same name on two servers are told apart, before 2026-07-28 too',
      page: 'server/tools',
      policy: 'disambiguate tools of one name that come from several servers',
      revisions: '..2025-11-25',
      needs: { changed },
      judge: ({ changed }) => apart(changed),
      fix: 'Prefix every name with an identifier of its server, always, so that names do not depend on who came first.',
    }),

    check('tools/unknown-dialect', {
      title: 'A schema in an unknown dialect is handled gracefully',
      page: 'basic#implementation-requirements',
      must: 'handle a schema in a dialect it does not support with an appropriate error, where it needs the schema at all',
      needs: { changed },
      judge: ({ changed: { dialect, ...lists } }) => {
        if (!follows(lists)) return fixedList
        if (dialect === null)
          return lists.after.names.length > 0
            ? holds
            : broken('lists no tool at all once one has a schema in an unknown dialect', { exchange: lists.after.page })
        return sane(dialect.exchange)
      },
      fix: 'Leave the tool out, pass its calls on unvalidated, or answer with an error that names the dialect.',
      covers: 'tools.schema.dialect-unsupported',
    }),

    check('tools/network-reference', {
      title: 'References to the network are not followed',
      page: 'basic#ref-resolution',
      must: 'not fetch a $ref that resolves to a network address',
      needs: { changed },
      judge: ({ changed: { fetched, ...lists } }) => {
        if (!follows(lists)) return fixedList
        const [first] = fetched
        return first === undefined
          ? holds
          : broken('fetches what a schema of an upstream refers to', {
              expected: 'no request',
              actual: `${first.verb} ${first.path}`,
              exchange: lists.after.page,
            })
      },
      fix: 'Switch remote references off in the validator; refuse such schemas, or pass them on unread.',
      covers: 'tools.schema.no-network-ref',
    }),

    check('tools/schema-cost', {
      title: 'A schema cannot hold the target up',
      page: 'basic#composition-keyword-resource-use',
      should: 'bound what it spends on validating against one schema',
      needs: { costly },
      judge: ({ costly: { before, after, timed } }) => {
        // A target that is slow as a whole is not held up by one schema.
        const bound = Math.max(patience, 5 * Math.max(...before.pages.map(took)))
        const slow = timed.find((exchange) => took(exchange) >= bound || exchange.failure !== undefined)
        if (slow !== undefined)
          return broken('keeps other requests waiting while it works on one schema', {
            expected: `tools/list answered within ${bound} ms`,
            actual: slow.failure?.message ?? `${took(slow)} ms`,
            exchange: slow,
          })
        return follows({ before, after }) ? holds : fixedList
      },
      fix: 'Bound depth and number of subschemas, or the time of one validation; leave validation to the server that owns the tool.',
      covers: 'tools.schema.bounded',
    }),
  ],
)
