import { type Connection, isObject, probe, resultOf } from '../../../src/model/index.ts'

/** Milliseconds in which a change is to be announced and listed. */
const within = 1_000
const added = 'scripted://note/assay-added'

/** A resource comes to an upstream; the list is read as a client reads it. */
export const changed = probe(
  'an upstream whose resources change',
  { alone: true, requires: ['resources.listChanged', 'scripted upstream'] },
  async ({ connect, instruments, pause }) => {
    const upstream = instruments.upstream!
    const session = await connect()
    const stream = await session.listen({ filter: { resourcesListChanged: true } })
    const before = await lists(session)
    try {
      await upstream.setResources([
        { uri: 'scripted://note', name: 'note' },
        { uri: added, name: 'added' },
      ])
      const heard = await stream.next(isListChanged, within)
      let after = await lists(session)
      for (let waited = 0; !after.listed && waited < within; waited += 100) {
        await pause(100)
        after = await lists(session)
      }
      return { within, heard: heard === undefined ? null : heard, listed: after.listed, page: after.page, before: before.page }
    } finally {
      await upstream.setResources(null)
      for (let waited = 0; waited < within && (await lists(session)).listed; waited += 100) await pause(100)
    }
  },
)

const isListChanged = (message: unknown): boolean => isObject(message) && message.method === 'notifications/resources/list_changed'

async function lists(session: Connection) {
  let page = await session.send('resources/list')
  for (let count = 1; count < 20; count += 1) {
    const { resources, nextCursor } = resultOf(page) ?? {}
    if (Array.isArray(resources) && resources.some((item) => isObject(item) && item.uri === added)) return { listed: true, page }
    if (typeof nextCursor !== 'string') break
    page = await session.send('resources/list', { cursor: nextCursor })
  }
  return { listed: false, page }
}
