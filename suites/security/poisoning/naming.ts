import { check, type Judgement, notApplicable, section } from '../../../src/model/index.ts'
import { mixedIn, partsOf, separatorOf, skeletonOf } from './names.ts'
import { excerpt, type Item, itemsOf, judgedItems, lists, textsOf } from './told.ts'

type Told = Parameters<typeof itemsOf>[0]

const named = (told: Told): Item[] => itemsOf(told).filter(({ kind }) => kind === 'tool' || kind === 'prompt')

/** Names every item that is like an earlier one of its kind. */
function judgedPairs(items: readonly Item[], expected: string, alike: (name: string, other: string) => boolean): Judgement {
  return judgedItems(items, expected, (item) => {
    const others = items.slice(0, items.indexOf(item)).filter(({ kind, name }) => kind === item.kind && name !== item.name)
    return others.filter(({ name }) => alike(item.name, name)).map(({ name }) => `its name is like that of ${excerpt(name)}`)
  })
}

const differInCase = (name: string, other: string): boolean => name.toLowerCase() === other.toLowerCase()

/** Judges the tools of a list in which the names of several servers can be told apart. */
function acrossServers(told: Told, judge: (tools: Item[], separator: string) => Judgement): Judgement {
  const tools = itemsOf(told).filter(({ kind }) => kind === 'tool')
  const separator = separatorOf(tools.map(({ name }) => name))
  return separator === undefined ? notApplicable('the names of tools do not tell several servers apart') : judge(tools, separator)
}

const urging =
  /\b(?:always|must|never|instead of|before (?:using|calling|you)|whenever|do not (?:use|call)|don't (?:use|call)|first call)\b/i

/** The sentence in which a text gives orders about a tool of this name. */
function orderAbout(text: string, names: readonly string[]): string | undefined {
  for (const sentence of text.split(/(?<=[.!?])\s+|\n+/).slice(0, 200)) {
    if (urging.test(sentence) && names.some((name) => mentions(sentence, name))) return sentence
  }
  return undefined
}

const mentions = (sentence: string, name: string): boolean => {
  const at = sentence.indexOf(name)
  return at >= 0 && !/[\w-]/.test(sentence[at - 1] ?? ' ') && !/[\w-]/.test(sentence[at + name.length] ?? ' ')
}

// A name that is an ordinary word may stand in any sentence.
const isTelling = (name: string): boolean => /[_-]|[a-z][A-Z]/.test(name)

export default section(
  {
    spec: 'policy',
    page: 'tool-names',
    revisions: 'all',
    requires: 'tools',
    threat: 'tool-poisoning',
    weakness: ['CWE-1007', 'MCP03:2025'],
  },
  [
    check('poisoning/mixed-script', {
      requires: [],
      title: 'A word of a name is of one script',
      policy: 'write each word of its names and titles in one script, because letters of another may look the same',
      needs: { lists },
      judge: ({ lists: told }) =>
        judgedItems(itemsOf(told), 'words of one script', (item) =>
          [item.name, item.definition.name, item.definition.title].flatMap((text, index, all) => {
            const mixed = typeof text === 'string' && all.indexOf(text) === index ? mixedIn(text) : undefined
            return mixed === undefined ? [] : [mixed]
          }),
        ),
      fix: 'Write names in ASCII, and refuse others from servers that are not your own.',
    }),

    check('poisoning/name-case', {
      title: 'No two names differ in case alone',
      policy: 'give tools, and prompts, names that differ in more than case',
      weakness: ['CWE-178', 'MCP03:2025'],
      needs: { lists },
      judge: ({ lists: told }) => judgedPairs(named(told), 'names that differ in more than case', differInCase),
      fix: 'Rename one of them.',
    }),

    check('poisoning/confusable-names', {
      title: 'No two names look alike',
      policy: 'give tools, and prompts, names that differ in more than separators, compatible forms and look-alike letters',
      needs: { lists },
      judge: ({ lists: told }) =>
        judgedPairs(
          named(told),
          'names that can be told apart by eye',
          (name, other) => !differInCase(name, other) && skeletonOf(name) === skeletonOf(other),
        ),
      fix: 'Rename the one that came last, and find out why it was named so.',
    }),

    check('poisoning/shadowed-name', {
      title: 'No server names a tool as if it were of another',
      policy: 'refuse tools whose own name begins with the prefix of another server',
      weakness: ['CWE-290', 'MCP03:2025'],
      needs: { lists },
      judge: ({ lists: told }) =>
        acrossServers(told, (tools, separator) => {
          const servers = new Set(tools.map(({ name }) => partsOf(name, separator).server))
          return judgedItems(tools, 'names without the prefix of another server', ({ name }) => {
            const { server, own } = partsOf(name, separator)
            const claimed = partsOf(own, separator).server
            return claimed !== server && servers.has(claimed) ? [`poses as a tool of ${excerpt(claimed)}`] : []
          })
        }),
      fix: 'Refuse the separator in the names of servers and of their tools.',
    }),

    check('poisoning/borrowed-title', {
      title: 'No tool bears the name of another as its title',
      policy: 'show no tool under a title that is the name of another tool',
      weakness: ['CWE-451', 'MCP03:2025'],
      needs: { lists },
      judge: ({ lists: told }) => {
        const tools = named(told).filter(({ kind }) => kind === 'tool')
        return judgedItems(tools, 'titles of their own', ({ name, definition }) =>
          [definition.title, definition.annotations?.title]
            .filter((title) => typeof title === 'string' && title !== name && tools.some((other) => other.name === title))
            .slice(0, 1)
            .map((title) => `bears the title ${excerpt(title)}, which is the name of another tool`),
        )
      },
      fix: 'Refuse such titles, or show names beside them.',
    }),

    check('poisoning/cross-reference', {
      title: 'No tool gives orders about the tools of another server',
      policy: 'pass on no description that tells models how to use, or to avoid, a tool of another server',
      weakness: ['CWE-1427', 'MCP03:2025', 'LLM01:2025'],
      needs: { lists },
      judge: ({ lists: told }) =>
        acrossServers(told, (tools, separator) => {
          const rivals = tools.map(({ name }) => ({ name, ...partsOf(name, separator) }))
          return judgedItems(tools, 'descriptions of the tool itself', (item) => {
            const { server } = partsOf(item.name, separator)
            const shared = new Set(rivals.filter((rival) => rival.server === server).map(({ own }) => own))
            const names = rivals
              .filter((rival) => rival.server !== server)
              .flatMap(({ name, own }) => (isTelling(own) && !shared.has(own) ? [name, own] : [name]))
            return textsOf(item)
              .flatMap(({ path, text }) => {
                const order = orderAbout(text, names)
                return order === undefined ? [] : [`${path} gives orders about a tool of another server: ${excerpt(order)}`]
              })
              .slice(0, 1)
          })
        }),
      fix: 'Take the sentence out; how tools of several servers go together is for the client to say.',
    }),
  ],
)
