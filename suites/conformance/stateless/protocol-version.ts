import { all, check, controlled, isRefused, notApplicable, probe, resultOf, section } from '../../../src/model/index.ts'
import { meta, plainMethod, refusedWith } from './requests.ts'

const header = 'MCP-Protocol-Version'

const mismatched = probe('requests whose version header differs from their metadata', { over: 'http' }, async ({ session, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const before = await client.send(method)
  const [older, newer] = await Promise.all([
    client.send(method, undefined, { headers: { [header]: '2025-11-25' } }),
    client.send(method, undefined, { meta: { [meta.version]: '2099-01-01' } }),
  ])
  return { before, older, newer, after: await client.send(method) }
})

const unversioned = probe('a request without the version header', { over: 'http' }, async ({ session, connect, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const before = await client.send(method)
  const bare = await client.send(method, undefined, { headers: { [header]: null } })
  const after = await client.send(method)
  const { opening } = await connect({ revision: '2025-03-26', hold: true })
  return { before, bare, after, older: resultOf(opening)?.protocolVersion ?? null }
})

const retired = ['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']

const unknown = probe('methods that do not exist', async ({ session, facts }) => {
  const client = await session()
  const before = await client.send(plainMethod(facts))
  const made = await client.send('assay/unknown')
  const former = await Promise.all(
    retired.map((method) => client.send(method, method.startsWith('resources/') ? { uri: 'assay://none' } : { level: 'info' })),
  )
  return { before, made, former, after: await client.send(plainMethod(facts)) }
})

const page = 'basic/transports/streamable-http#protocol-version-header'

export default section({ spec: 'mcp', page, revisions: '2026-07-28', over: 'http' }, [
  check('stateless/version-header', {
    title: 'A request without the version header is refused',
    must: 'refuse a request without the version header with status 400 and error -32020, unless it serves clients from before the header',
    needs: { unversioned },
    judge: ({ unversioned: { before, bare, after, older } }) =>
      typeof older === 'string' && older < '2025-06-18'
        ? notApplicable(`the target serves ${older}, which has no version header`)
        : controlled([before, after], () => refusedWith(bare, 400, -32020)),
    fix: 'Require `MCP-Protocol-Version` on every POST.',
    covers: 'transport.version.required',
  }),

  check('stateless/version-mismatch', {
    title: 'A version header that differs from the metadata is refused',
    must: 'refuse a request whose version header differs from its metadata with status 400 and error -32020',
    needs: { mismatched },
    // One of two versions that differ is not supported here, for which there is an error of its own; and a header that names
    // a session revision may be answered in the manner of that revision, so long as the request is not served.
    judge: ({ mismatched: { before, older, newer, after } }) =>
      controlled([before, after], () =>
        refusedWith(newer, 400, -32020, -32022).and(
          isRefused(older, 'serves a request whose header names another version than its metadata'),
        ),
      ),
    fix: 'Compare the header with `_meta` before either decides how the request is served.',
    covers: 'transport.version.match-meta',
  }),

  check('stateless/unknown-method', {
    title: 'An unknown method is answered with 404 and an error',
    must: 'answer a method it does not implement with status 404 and error -32601',
    needs: { unknown },
    judge: ({ unknown: { before, made, after } }) => controlled([before, after], () => refusedWith(made, 404, -32601)),
    fix: 'Map error -32601 to status 404 where the response is written.',
    covers: 'transport.method-not-found-404',
  }),

  check('stateless/retired-methods', {
    title: 'Methods of the session era are not served without a session',
    policy: 'answer methods that this revision no longer has like any unknown method',
    needs: { unknown },
    judge: ({ unknown: { before, former, after } }) =>
      controlled([before, after], () => all(former.map((each) => refusedWith(each, 404, -32601)))),
    fix: 'Keep one table of methods for each era.',
  }),
])
