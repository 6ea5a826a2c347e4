import {
  all,
  type Connection,
  check,
  type Exchange,
  errorOf,
  hasResult,
  holdsIf,
  inconclusive,
  isRevision,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'

const newestSession = '2025-11-25'

const first = probe('an initialize request to a stateless server', async ({ session, connect }) => {
  const { opening } = await session()
  return { discover: opening, initialize: (await connect({ revision: newestSession, hold: true })).opening }
})

const beside = probe('both eras side by side', { over: 'http' }, async (context) => {
  const modern = await context.session()
  const legacy = await legacyOf(context)
  if (legacy === undefined) return null
  const rounds = await Promise.all(
    [1, 2, 3].map(async () => {
      const [ping, discover] = await Promise.all([legacy.send('ping'), modern.send('server/discover')])
      return { ping, discover }
    }),
  )
  return { rounds, after: await legacy.send('ping') }
})

const newest = probe('an initialize request at the stateless revision', async ({ connect }) => {
  const legacy = await connect({ revision: newestSession, hold: true })
  if (resultOf(legacy.opening) === undefined || legacy.via === 'stdio') return null
  const params = { protocolVersion: '2026-07-28', capabilities: {}, clientInfo: { name: 'assay', version: '1' } }
  const headers = { 'Mcp-Session-Id': null, 'MCP-Protocol-Version': null }
  const initialize = await legacy.post({ jsonrpc: '2.0', id: 'newest', method: 'initialize', params }, { headers })
  const opened = initialize.response?.headers['mcp-session-id']
  if (opened !== undefined) await legacy.http('DELETE', { headers: { 'Mcp-Session-Id': opened } })
  return initialize
})

/** A connection of the session era, at the revision the target prefers; undefined when it serves none. */
async function legacyOf({ connect }: ProbeContext): Promise<Connection | undefined> {
  const wanted = await connect({ revision: newestSession })
  const agreed = resultOf(wanted.opening)?.protocolVersion
  if (agreed === newestSession) return wanted
  return isRevision(agreed) && agreed < newestSession ? connect({ revision: agreed }) : undefined
}

const listed = { tools: 'name', resources: 'uri', prompts: 'name' } as const
type Kind = keyof typeof listed
const kinds = Object.keys(listed) as Kind[]

interface Names {
  names: string[]
  last: Exchange
  /** Why the list may go on. */
  unread?: string
}

const mostPages = 20

/** Names on all pages of a list. Tools that can only be called as tasks are left out: the stateless era has no tasks of its own. */
async function namesOf(client: Connection, kind: Kind): Promise<Names> {
  const names: string[] = []
  let last = await client.send(`${kind}/list`)
  for (let pages = 1; ; pages += 1) {
    const result = resultOf(last)
    if (result === undefined) return { names, last, ...(errorOf(last)?.code === -32601 ? {} : { unread: summaryOf(last) }) }
    const items = (Array.isArray(result[kind]) ? result[kind] : []) as { execution?: { taskSupport?: string }; [member: string]: unknown }[]
    names.push(...items.filter(({ execution }) => execution?.taskSupport !== 'required').map((item) => String(item[listed[kind]])))
    if (typeof result.nextCursor !== 'string') return { names, last }
    if (pages === mostPages) return { names, last, unread: `more than ${mostPages} pages` }
    last = await client.send(`${kind}/list`, { cursor: result.nextCursor })
  }
}

async function cataloguesOf(client: Connection): Promise<Record<Kind, Names>> {
  const [tools, resources, prompts] = await Promise.all(kinds.map((kind) => namesOf(client, kind)))
  return { tools: tools!, resources: resources!, prompts: prompts! }
}

// Alone, because other probes change the catalogue of a gateway.
const catalogues = probe('the catalogues of both eras', { alone: true }, async (context) => {
  const legacy = await legacyOf(context)
  if (legacy === undefined) return null
  return { modern: await cataloguesOf(await context.session()), legacy: await cataloguesOf(legacy) }
})

const older = probe('the catalogues of this and the newest session revision', { alone: true }, async (context) => {
  const newest = await legacyOf(context)
  if (newest === undefined) return null
  return { own: await cataloguesOf(await context.session()), newest: await cataloguesOf(newest) }
})

/** Nothing that the one lists is missing in the other. */
function allOf(kind: Kind, from: Names, within: Names): Judgement {
  const unread = from.unread ?? within.unread
  if (unread !== undefined) return inconclusive(`a list of ${kind} could not be read to its end: ${unread}`, within.last)
  const missing = from.names.filter((name) => !within.names.includes(name))
  return holdsIf(
    missing.length === 0,
    `lists ${within.names.length} ${kind} where ${from.names.length} are there: ${missing.length} are missing`,
    {
      expected: missing,
      actual: within.names,
      exchange: within.last,
    },
  )
}

const oneEra = notApplicable('the target serves one era only')

const inBothEras = (kind: Kind) =>
  check(`versioning/${kind}-in-both-eras`, {
    title: `The ${kind} are the same in both eras`,
    must: `list the ${kind} that are available to the client, which are those the same client is listed in a session`,
    page: `server/${kind}#capabilities`,
    needs: { catalogues },
    judge: ({ catalogues }) => (catalogues === null ? oneEra : allOf(kind, catalogues.legacy[kind], catalogues.modern[kind])),
    fix: 'Serve both eras from one catalogue.',
    covers: 'discover.dual-era',
  })

const page = 'basic/versioning#backward-compatibility-with-initialization-based-versions'

export default section({ spec: 'mcp', page, revisions: '2026-07-28' }, [
  check('versioning/initialize-error', {
    title: 'A client of the session era learns which versions are served',
    should: 'name the versions it supports in the error it answers initialize with, when it serves no sessions',
    needs: { first },
    judge: ({ first: { discover, initialize } }) => {
      if (resultOf(initialize) !== undefined) return notApplicable('the target serves sessions too')
      if (initialize.response === undefined && initialize.messages.length === 0)
        return inconclusive('initialize is not answered', initialize)
      const said = `${initialize.response?.body ?? ''} ${JSON.stringify(initialize.messages)}`
      const versions = resultOf(discover)?.supportedVersions as string[]
      return holdsIf(
        versions.some((version) => said.includes(version)),
        'refuses initialize without naming the versions it supports',
        {
          expected: versions,
          actual: summaryOf(initialize),
          exchange: initialize,
        },
      )
    },
    fix: 'Name the versions in the message or the data of the error: old clients show nothing else to their users.',
    covers: 'discover.initialize-error-names-versions',
  }),

  check('versioning/eras-side-by-side', {
    title: 'Both eras are served on one URL at the same time',
    policy: 'serve stateless requests and sessions side by side, each in the manner of its era',
    over: 'http',
    needs: { beside },
    judge: ({ beside }) =>
      beside === null
        ? oneEra
        : all([
            hasResult(beside.after),
            ...beside.rounds.flatMap(({ ping, discover }) => [
              hasResult(ping),
              hasResult(discover, ({ resultType }) =>
                holdsIf(resultType === 'complete', 'answers in the manner of the other era', {
                  expected: 'resultType "complete"',
                  actual: resultType ?? 'none',
                }),
              ),
            ]),
          ]),
    fix: 'Choose the era for each request, from its metadata.',
    covers: 'discover.dual-era',
  }),

  check('versioning/initialize-at-stateless-revision', {
    title: 'initialize never agrees to a revision that has no initialize',
    policy: 'offer a session revision, or an error, to an initialize request that asks for a stateless one',
    over: 'http',
    needs: { newest },
    judge: ({ newest }) => {
      if (newest === null) return oneEra
      const agreed = resultOf(newest)?.protocolVersion
      return holdsIf(typeof agreed !== 'string' || agreed < '2026-07-28', 'opens a session at a revision without sessions', {
        expected: 'a session revision, or an error',
        actual: agreed,
        exchange: newest,
      })
    },
    fix: 'Keep the versions of initialize and those of stateless requests in two lists.',
    covers: 'discover.dual-era',
  }),

  ...kinds.map(inBothEras),

  check('versioning/catalogue-in-sessions', {
    title: 'Sessions list all that stateless requests do',
    policy: 'list in a session whatever it lists without one',
    needs: { catalogues },
    judge: ({ catalogues }) =>
      catalogues === null ? oneEra : all(kinds.map((kind) => allOf(kind, catalogues.modern[kind], catalogues.legacy[kind]))),
    fix: 'Serve both eras from one catalogue.',
    covers: 'discover.dual-era',
  }),

  check('versioning/catalogue-at-older-revisions', {
    title: 'Older revisions list all that the newest session revision does',
    policy: 'list the same at every session revision',
    page: 'basic/lifecycle#version-negotiation',
    revisions: '..2025-06-18',
    needs: { older },
    judge: ({ older }) =>
      older === null
        ? notApplicable('the target serves no newer session revision')
        : all(kinds.map((kind) => allOf(kind, older.newest[kind], older.own[kind]))),
    fix: 'Drop members an older revision does not know, not the items that have them.',
  }),
])
