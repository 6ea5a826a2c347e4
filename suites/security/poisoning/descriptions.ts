import { check, notApplicable, section } from '../../../src/model/index.ts'
import { activeIn, imageIn, isActive, leakIn } from './addresses.ts'
import { controlIn, directionIn, invisibleIn } from './characters.ts'
import { excerpt, type Item, isInSchema, itemsOf, judgedItems, judgedTexts, lists, type Text, textsOf } from './told.ts'
import { encodedIn, instructionIn, paddingIn, unrenderedIn } from './words.ts'

const isServer = ({ item }: Text): boolean => item.kind === 'server'
const always = (): boolean => true

const texts = (expected: string, fits: (text: Text) => boolean, faultOf: (text: string) => string | undefined) => ({
  needs: { lists },
  judge: ({ lists: told }: { lists: Parameters<typeof itemsOf>[0] }) => judgedTexts(itemsOf(told), expected, fits, faultOf),
})

const addressesOf = ({ definition }: Item): string[] =>
  [definition.uri, definition.uriTemplate, definition.serverInfo?.websiteUrl].filter((address) => typeof address === 'string')

const iconsOf = ({ definition }: Item): string[] =>
  [definition.icons, definition.serverInfo?.icons]
    .flat()
    .map((icon) => icon?.src)
    .filter((address) => typeof address === 'string')

const isIconAddress = (address: string): boolean => /^https?:\/\//i.test(address) || /^data:image\//i.test(address)

export default section(
  {
    spec: 'policy',
    page: 'tool-descriptions',
    revisions: 'all',
    threat: 'tool-poisoning',
    weakness: ['CWE-1427', 'MCP03:2025', 'LLM01:2025'],
  },
  [
    check('poisoning/hidden-instruction', {
      ...texts('descriptions that describe', (text) => !isInSchema(text) && !isServer(text), instructionIn),
      title: 'Descriptions give no orders behind the back of the user',
      policy: 'describe tools, prompts and resources without setting other instructions aside, asking for secrecy or for credentials',
      fix: 'Take the sentence out, and find out who wrote it; do not serve the tool until then.',
    }),

    check('poisoning/schema-instruction', {
      ...texts('schemas that describe', isInSchema, instructionIn),
      title: 'Schemas give no orders behind the back of the user',
      policy: 'keep orders to the model out of the names, descriptions, defaults, enumerations and examples of its schemas',
      fix: 'Take the text out of the schema, and have schemas reviewed as descriptions are: a model reads all of them.',
    }),

    check('poisoning/server-instructions', {
      needs: { lists },
      judge: ({ lists: told }) => {
        const server = itemsOf(told).filter(({ kind }) => kind === 'server')
        if (!server.some(({ definition }) => typeof definition.instructions === 'string'))
          return notApplicable('the target gives no instructions of its own')
        return judgedTexts(server, 'instructions on the use of the server', always, instructionIn)
      },
      title: 'The instructions of the server stay within the server',
      policy: 'give no instructions that set others aside, ask for secrecy or for credentials',
      fix: 'Say in the instructions how the tools are used together, and nothing else.',
    }),

    check('poisoning/unrendered-text', {
      ...texts('text that is shown as it is read', always, unrenderedIn),
      title: 'Descriptions hold no text that is not shown',
      policy: 'keep comments and unseen elements out of what models read, because whoever approves it does not see them',
      weakness: ['CWE-451', 'MCP03:2025', 'LLM01:2025'],
      fix: 'Remove the comment or element.',
    }),

    check('poisoning/padding', {
      ...texts('text in one piece', always, paddingIn),
      title: 'Descriptions do not go on out of sight',
      policy: 'leave no long blank before a part of a description, which pushes it out of the window it is approved in',
      weakness: ['CWE-451', 'MCP03:2025', 'LLM01:2025'],
      fix: 'Remove the blank, and read what stands behind it.',
    }),

    check('poisoning/encoded-text', {
      ...texts('text in the clear', always, (text) => {
        const decoded = encodedIn(text)
        return decoded === undefined ? undefined : `holds sentences in base64: ${excerpt(decoded)}`
      }),
      title: 'Descriptions hold no encoded sentences',
      policy: 'write what models are to read in the clear',
      weakness: ['CWE-451', 'MCP03:2025', 'LLM01:2025'],
      fix: 'Remove the encoded text, and find out what it is for.',
    }),

    check('poisoning/invisible-characters', {
      ...texts('characters that are seen, or that their script needs', always, invisibleIn),
      title: 'Names and descriptions hold no invisible characters',
      policy: 'keep out tags, zero-width characters, fillers and stray selectors, in which text is hidden',
      weakness: ['CWE-451', 'MCP03:2025', 'LLM01:2025'],
      fix: 'Strip what Unicode says to ignore by default, except where an emoji or a script needs it.',
    }),

    check('poisoning/reading-direction', {
      ...texts('text that is read in the order it is written in', always, directionIn),
      title: 'Names and descriptions do not turn the reading direction around',
      policy: 'keep out marks that show text in another order than models read it in',
      weakness: ['CWE-451', 'MCP03:2025'],
      fix: 'Strip overrides always, and other marks from text without letters that are read from the right.',
    }),

    check('poisoning/control-characters', {
      ...texts('text and line ends', always, controlIn),
      title: 'Names and descriptions hold no control characters',
      policy: 'keep out escape sequences, which colour, move and hide what a terminal shows',
      weakness: ['CWE-150', 'MCP03:2025'],
      fix: 'Strip everything below U+0020 but line ends and tabs, and U+007F to U+009F.',
    }),

    check('poisoning/remote-image', {
      ...texts('text that fetches nothing', always, imageIn),
      title: 'Descriptions fetch nothing by being shown',
      policy: 'put no images, frames or scripts of other places into what it says of itself',
      weakness: ['CWE-200', 'MCP03:2025'],
      fix: 'Use the icons member for images, and plain links for the rest.',
    }),

    check('poisoning/exfiltration-address', {
      ...texts('addresses of fixed content', always, leakIn),
      title: 'Descriptions name no address to be filled with what was said',
      policy: 'name no address into which a model is to write conversations, prompts or secrets',
      weakness: ['CWE-200', 'MCP03:2025', 'LLM02:2025'],
      fix: 'Remove the address.',
    }),

    check('poisoning/active-address', {
      needs: { lists },
      judge: ({ lists: told }) =>
        judgedItems(itemsOf(told), 'addresses that are fetched, not run', (item) => [
          ...addressesOf(item)
            .filter(isActive)
            .map((address) => `has the address ${excerpt(address)}`),
          ...textsOf(item).flatMap(({ path, text }) => {
            const fault = activeIn(text)
            return fault === undefined ? [] : [`${path} ${fault}`]
          }),
        ]),
      title: 'No address runs a script when it is followed',
      policy: 'list no resource, site or link with the scheme javascript or vbscript, or of HTML within the address',
      weakness: ['CWE-79', 'MCP03:2025'],
      fix: 'Allow only the schemes that are needed.',
    }),

    check('poisoning/icon-address', {
      spec: 'mcp',
      page: 'basic#icons',
      revisions: '2025-11-25..',
      needs: { lists },
      judge: ({ lists: told }) => {
        const withIcons = itemsOf(told).filter((item) => iconsOf(item).length > 0)
        return judgedItems(withIcons, 'https, or an image within the address', (item) =>
          iconsOf(item)
            .filter((address) => !isIconAddress(address))
            .map((address) => `has the icon ${excerpt(address.slice(0, 120))}`),
        )
      },
      title: 'Icons are fetched over the web, or stand in their address',
      policy: 'give icons whose address clients need not reject: no javascript, file, ftp, ws or local schemes',
      weakness: ['CWE-79', 'MCP03:2025'],
      fix: 'Serve the icon over https from the origin of the server, or as data:image/png;base64.',
    }),
  ],
)
