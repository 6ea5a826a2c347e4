import {
  broken,
  type Connection,
  type Contracts,
  check,
  contractChanges,
  contractsOf,
  type Exchange,
  holds,
  inconclusive,
  type Judgement,
  notificationsOf,
  probe,
  resultOf,
  section,
  summaryOf,
  transcript,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { definitionsOf, type Json, type Lists, lists } from './told.ts'

const approval = probe('the approved contracts', { requires: 'approved contracts' }, async ({ approved }) => ({ approved: approved! }))

/** Pages read again of one list at most. */
const mostPages = 20

const ending = probe('the lists at the end of the run', { alone: true }, async ({ session, connect, catalogue, instruments, facts }) => {
  const names = (await catalogue()).tools.items.map(({ name }) => name)
  const { scripted } = instruments.upstream?.toolNames ?? {}
  const ours = scripted === undefined ? undefined : names.find((name) => name.endsWith(scripted))?.slice(0, -scripted.length)
  const [kept, fresh] = [await session(), await connect()]
  // One after the other: a target that counts how often it was asked gives itself away.
  return { ours, kept: await read(kept, facts), fresh: await read(fresh, facts) }
})

type Reading = Pick<Lists, 'tools' | 'prompts' | 'templates'>

async function read(connection: Connection, { capabilities }: UnitFacts): Promise<Reading> {
  const walk = async (claimed: unknown, method: string): Promise<Exchange[]> => {
    const pages: Exchange[] = []
    let cursor: unknown
    while (claimed && pages.length < mostPages) {
      const page = await connection.send(method, cursor === undefined ? undefined : { cursor })
      pages.push(page)
      cursor = resultOf(page)?.nextCursor
      if (typeof cursor !== 'string') break
    }
    return pages
  }
  return {
    tools: await walk(capabilities.tools, 'tools/list'),
    prompts: await walk(capabilities.prompts, 'prompts/list'),
    templates: await walk(capabilities.resources, 'resources/templates/list'),
  }
}

const toldBy = ({ tools, prompts, templates }: Reading, instructions?: unknown, ours?: string) =>
  contractsOf({
    tools: definitionsOf(tools, 'tools').filter(({ name }) => ours === undefined || !String(name).startsWith(ours)),
    prompts: definitionsOf(prompts, 'prompts').filter(({ name }) => ours === undefined || !String(name).startsWith(ours)),
    templates: definitionsOf(templates, 'resourceTemplates'),
    ...(typeof instructions === 'string' ? { instructions } : {}),
  })

const unread = ({ tools, prompts, templates }: Reading): Exchange | undefined =>
  [...tools, ...prompts, ...templates].find((exchange) => resultOf(exchange) === undefined)

const listsOf: Readonly<Record<string, string>> = { tools: 'tools', prompts: 'prompts', templates: 'resources' }

/** Names differences between two readings that the target has not announced. */
function compared(
  first: Contracts,
  second: Contracts,
  exchange: Exchange | undefined,
  excused: (name: string, member: boolean) => boolean,
) {
  const { added, changed, gone } = contractChanges(first, second)
  const faults = [
    ...changed.filter((name) => !excused(name, false)).map((name) => `${name} is another than before`),
    ...added.filter((name) => !excused(name, true)).map((name) => `${name} is new`),
    ...gone.filter((name) => !excused(name, true)).map((name) => `${name} is gone`),
  ]
  if (faults.length === 0) return holds
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  return broken(`${faults[0]}${more}`, { expected: 'the same lists', actual: faults.slice(0, 20), exchange })
}

const readable = (readings: readonly Reading[], judge: () => Judgement): Judgement => {
  const failed = readings.map(unread).find((exchange) => exchange !== undefined)
  return failed === undefined ? judge() : inconclusive(`a list could not be read: ${summaryOf(failed)}`, failed)
}

export default section(
  {
    spec: 'policy',
    page: 'approved-contracts',
    revisions: 'all',
    threat: 'tool-poisoning',
    weakness: ['CWE-494', 'MCP03:2025', 'LLM03:2025'],
  },
  [
    check('poisoning/approved-contract', {
      title: 'What models are told is what was approved',
      policy: 'list only tools, prompts and templates, and give only instructions, whose contract somebody has approved',
      requires: 'approved contracts',
      needs: { lists, approval },
      judge: ({ lists: told, approval: { approved } }) =>
        readable([told], () => {
          const now = toldBy(told, resultOf(told.opening)?.instructions)
          const { added, changed } = contractChanges(approved, now)
          const faults = [
            ...changed.map((name) => `${name} has changed since it was approved`),
            ...added.map((name) => `${name} is not approved`),
          ]
          if (faults.length === 0) return holds
          const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
          return broken(`${faults[0]}${more}`, {
            expected: 'approved contracts',
            actual: faults.slice(0, 20),
            exchange: told.tools[0] ?? told.opening,
          })
        }),
      fix: 'Read what has changed; then approve it with `assay approve`, or refuse it at the gateway.',
    }),

    check('poisoning/stable-catalogue', {
      title: 'Tools stay what they were during a run',
      policy: 'change no tool, prompt or template without saying so with list_changed',
      needs: { lists, ending, exchanges: transcript },
      judge: ({ lists: told, ending: { kept, ours }, exchanges }, { capabilities }) =>
        readable([told, kept], () => {
          // With an upstream of our own behind the target, an announcement may be of our own changes there.
          const heard = (kind: string): boolean =>
            ours === undefined && exchanges.some((exchange) => notificationsOf(exchange, `notifications/${kind}/list_changed`).length > 0)
          // Where changes are claimed to be announced, one may have been announced while nobody listened. Members may come and go so;
          // another contract under the same name may not.
          const excused = (name: string, member: boolean): boolean => {
            const kind = listsOf[name.split(' ')[0]!]!
            return heard(kind) || (member && (capabilities[kind] as Json | undefined)?.listChanged === true)
          }
          return compared(toldBy(told, undefined, ours), toldBy(kept, undefined, ours), kept.tools[0] ?? kept.prompts[0], excused)
        }),
      fix: 'Serve contracts as they were approved; announce changes, and have them approved again.',
    }),

    check('poisoning/same-catalogue', {
      title: 'A new connection is told the same',
      policy: 'tell every connection of one identity the same of its tools, prompts and templates',
      needs: { ending },
      judge: ({ ending: { kept, fresh, ours } }) =>
        readable([kept, fresh], () =>
          compared(toldBy(kept, undefined, ours), toldBy(fresh, undefined, ours), fresh.tools[0] ?? fresh.prompts[0], () => false),
        ),
      fix: 'Derive lists from the identity alone, not from who asks first, how often, or with which client.',
    }),
  ],
)
