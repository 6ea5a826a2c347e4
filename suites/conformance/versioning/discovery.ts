import {
  all,
  broken,
  check,
  type Exchange,
  each,
  errorOf,
  hasResult,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  isRevision,
  type Judgement,
  probe,
  type Revision,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'

import { supportedIn, unsupported } from './negotiation.ts'

const discovered = probe('a discovery with a text for an id', async ({ session }) =>
  (await session()).send('server/discover', undefined, { id: 'discover-1' }),
)

const listed = ['tools', 'resources', 'prompts'] as const

const lists = probe('the lists of every capability, claimed or not', async ({ session }) => {
  const client = await session()
  return Promise.all(listed.map(async (capability) => ({ capability, list: await client.send(`${capability}/list`) })))
})

const advertised = probe('a connection at every revision the discovery names', async ({ session, connect, use }) => {
  const { opening } = await session()
  const { refused } = await use(unsupported)
  const versions = versionsIn(opening)
  const others = versions.filter((version): version is Revision => isRevision(version) && version !== '2026-07-28')
  const openings = await Promise.all(
    others.map(async (version) => ({ version, opening: (await connect({ revision: version, hold: true })).opening })),
  )
  return { discover: opening, refused: refused[0]!, openings }
})

function versionsIn(discover: Exchange): unknown[] {
  const versions = resultOf(discover)?.supportedVersions
  return Array.isArray(versions) ? versions : []
}

/** Whether the opening agreed to this very version. */
const agrees = (opening: Exchange, version: string): boolean => resultOf(opening)?.protocolVersion === version

const itemsOf = (list: Exchange, capability: string): unknown[] => {
  const items = resultOf(list)?.[capability]
  return Array.isArray(items) ? items : []
}

const sorted = (versions: readonly unknown[]): string => versions.map(String).sort().join(', ')

const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/i
const name = /^([a-z0-9]([a-z0-9._-]*[a-z0-9])?)?$/i

/** Whether an extension is named as metadata keys are, with the prefix that those may leave out. */
export function isExtensionName(key: string): boolean {
  const slash = key.indexOf('/')
  return (
    slash > 0 &&
    key
      .slice(0, slash)
      .split('.')
      .every((part) => label.test(part)) &&
    name.test(key.slice(slash + 1))
  )
}

export default section({ spec: 'mcp', page: 'server/discover', revisions: '2026-07-28' }, [
  check('versioning/discovery', {
    title: 'The server can be discovered',
    must: 'answer server/discover',
    needs: { discovered },
    judge: ({ discovered }) => hasResult(discovered),
    fix: 'Answer server/discover whenever it comes, first or not.',
    covers: 'discover.implemented',
  }),

  check('versioning/discovery-content', {
    title: 'The discovery names versions and capabilities',
    must: 'name the versions it supports, this one among them, and its capabilities in the result of server/discover',
    page: 'server/discover#discoverresult',
    needs: { discovered },
    judge: ({ discovered }) =>
      resultOf(discovered) === undefined
        ? inconclusive(`the discovery has no result: ${summaryOf(discovered)}`, discovered)
        : hasResult(discovered, ({ supportedVersions, capabilities }) =>
            holdsIf(
              Array.isArray(supportedVersions) && supportedVersions.includes('2026-07-28'),
              'does not name the version it was asked at',
              {
                expected: 'supportedVersions with "2026-07-28"',
                actual: supportedVersions ?? 'none',
              },
            ).and(holdsIf(isObject(capabilities), 'names no capabilities', { expected: 'an object', actual: capabilities ?? 'none' })),
          ),
    fix: 'Build the result from the same table that decides which versions are served.',
    covers: 'discover.shape',
  }),

  check('versioning/claimed-capabilities', {
    title: 'What is claimed is there',
    must: 'answer the list of every capability it claims',
    page: 'server/tools#capabilities',
    needs: { lists },
    judge: ({ lists }, { capabilities }) =>
      each(
        lists.filter(({ capability }) => capabilities[capability] !== undefined),
        'the target claims no lists',
        ({ list }) => hasResult(list),
      ),
    fix: 'Claim a capability only when its methods are registered.',
    covers: 'discover.capabilities-honest',
  }),

  check('versioning/unclaimed-capabilities', {
    title: 'What is there is claimed',
    must: 'claim the capability of every list that is not empty',
    page: 'server/tools#capabilities',
    needs: { lists },
    judge: ({ lists }, { capabilities }) =>
      each(
        lists.filter(({ capability }) => capabilities[capability] === undefined),
        'the target claims every list',
        ({ capability, list }) =>
          holdsIf(itemsOf(list, capability).length === 0, `lists ${capability} without claiming the capability`, {
            expected: `capabilities.${capability}`,
            exchange: list,
          }),
      ),
    fix: 'Derive the claims from what is registered: clients do not ask for what is not claimed.',
    covers: 'discover.capabilities-honest',
  }),

  check('versioning/advertised-versions', {
    title: 'The versions a server names are those it serves',
    policy: 'name the same versions in the discovery and in the refusal of a version, and serve each of them',
    page: 'basic/versioning#protocol-version-negotiation',
    needs: { advertised },
    judge: ({ advertised: { discover, refused, openings } }) => {
      const versions = versionsIn(discover)
      const supported = supportedIn(refused)
      if (supported === undefined) return inconclusive('the refusal of a version lists none', refused)
      const same = holdsIf(
        sorted(versions) === sorted(supported),
        'names other versions in the discovery than in the refusal of a version',
        {
          expected: versions,
          actual: supported,
          exchange: refused,
        },
      )
      return all([same, ...openings.map(({ version, opening }) => servesAs(opening, version))])
    },
    fix: 'Use one table of versions for the discovery, the error and the dispatch.',
    covers: 'transport.version.supported-consistent',
  }),

  check('versioning/extension-names', {
    title: 'Extensions are named with a prefix',
    must: 'name extensions as metadata keys are named, with a prefix',
    page: 'basic/versioning#extension-negotiation',
    needs: { discovered },
    judge: ({ discovered }, { capabilities }) =>
      each(isObject(capabilities.extensions) ? Object.keys(capabilities.extensions) : [], 'the target claims no extension', (key) =>
        holdsIf(isExtensionName(key), 'names an extension without a valid prefix', {
          expected: 'labels, a slash and a name: com.example/thing',
          actual: key,
          exchange: discovered,
        }),
      ),
    fix: 'Prefix the name with a domain of your own, in reverse.',
    covers: 'discover.extensions.format',
  }),
])

function servesAs(opening: Exchange, version: string): Judgement {
  if (agrees(opening, version)) return holds
  const answered = resultOf(opening) !== undefined || errorOf(opening) !== undefined
  return answered
    ? broken(`names ${version}, and does not serve it`, {
        expected: `initialize agrees to ${version}`,
        actual: summaryOf(opening),
        exchange: opening,
      })
    : inconclusive(`initialize at ${version} is not answered`, opening)
}
