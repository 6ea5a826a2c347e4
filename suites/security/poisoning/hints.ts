import { check, section } from '../../../src/model/index.ts'
import { partsOf, separatorOf } from './names.ts'
import { type Item, itemsOf, type Json, judgedItems, lists } from './told.ts'

type Told = Parameters<typeof itemsOf>[0]

/** The first word of a name, when it says that something is lost; `remove` and `drop` are also what pure functions do. */
const destroys = /^(?:delete|destroy|purge|erase|wipe|uninstall|terminate|revoke|overwrite)(?=$|[\W_\d]|[A-Z])/i

const hintsOf = ({ definition }: Item): Json => (typeof definition.annotations === 'object' ? (definition.annotations ?? {}) : {})

/** Judges the annotations of tools; the names are those at their own servers. */
function hints(expected: string, faultOf: (hints: Json, own: string) => string | undefined) {
  return {
    needs: { lists },
    judge: ({ lists: told }: { lists: Told }) => {
      const tools = itemsOf(told).filter(({ kind }) => kind === 'tool')
      const separator = separatorOf(tools.map(({ name }) => name))
      const annotated = tools.filter((tool) => Object.keys(hintsOf(tool)).length > 0)
      return judgedItems(annotated, expected, (tool) => {
        const fault = faultOf(hintsOf(tool), partsOf(tool.name, separator).own)
        return fault === undefined ? [] : [fault]
      })
    },
  }
}

export default section(
  {
    spec: 'mcp',
    page: 'server/tools#data-types',
    revisions: '2025-03-26..',
    requires: 'tools',
    threat: 'tool-poisoning',
    weakness: ['CWE-451', 'MCP03:2025', 'LLM06:2025'],
  },
  [
    check('poisoning/read-only-hint', {
      ...hints('readOnlyHint: false', ({ readOnlyHint }, own) =>
        readOnlyHint === true && destroys.test(own) ? 'is marked as read-only, and its name says otherwise' : undefined,
      ),
      title: 'What deletes is not marked as read-only',
      policy: 'mark no tool as read-only whose name says that it deletes: clients call such tools without asking',
      fix: 'Correct the annotation, or set it at the gateway for every tool you approve.',
    }),

    check('poisoning/destructive-hint', {
      ...hints('destructiveHint: true, or none', ({ readOnlyHint, destructiveHint }, own) =>
        readOnlyHint !== true && destructiveHint === false && destroys.test(own)
          ? 'is marked as not destructive, and its name says otherwise'
          : undefined,
      ),
      title: 'What deletes is not marked as harmless',
      policy: 'mark no tool as not destructive whose name says that it deletes',
      fix: 'Set destructiveHint, or leave it out: its default is true.',
    }),

    check('poisoning/hint-contradiction', {
      ...hints('hints that agree', ({ readOnlyHint, destructiveHint }) =>
        readOnlyHint === true && destructiveHint === true ? 'is marked as read-only and as destructive' : undefined,
      ),
      title: 'Hints do not contradict each other',
      policy: 'mark no tool as read-only and destructive at once, because clients read one of the two',
      fix: 'Decide which it is.',
    }),
  ],
)
