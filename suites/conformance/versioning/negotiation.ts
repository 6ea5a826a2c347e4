import { all, check, controlled, type Exchange, errorOf, holdsIf, isObject, probe, section } from '../../../src/model/index.ts'
import { meta, plainMethod, refusedWith } from '../stateless/requests.ts'

/** One from before the protocol, one from after us. */
const never = ['1900-01-01', '2099-01-01']

export const unsupported = probe('requests at versions that do not exist', async ({ session, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const before = await client.send(method)
  const refused = await Promise.all(
    never.map((version) =>
      client.send(method, undefined, { headers: { 'MCP-Protocol-Version': version }, meta: { [meta.version]: version } }),
    ),
  )
  return { before, refused, after: await client.send(method) }
})

/** What an error about the version lists as supported. */
export function supportedIn(exchange: Exchange): unknown[] | undefined {
  const data = errorOf(exchange)?.data
  return isObject(data) && Array.isArray(data.supported) ? data.supported : undefined
}

export default section({ spec: 'mcp', page: 'basic/versioning#protocol-version-negotiation', revisions: '2026-07-28' }, [
  check('versioning/unsupported-version', {
    title: 'A version that is not supported is refused',
    must: 'refuse a version it does not implement with error -32022, over HTTP with status 400',
    needs: { unsupported },
    judge: ({ unsupported: { before, refused, after } }) =>
      controlled([before, after], () => all(refused.map((each) => refusedWith(each, 400, -32022)))),
    fix: 'Answer error -32022: a client that gets anything else takes the server for one of the session era.',
    covers: 'transport.version.unsupported',
  }),

  check('versioning/supported-versions', {
    title: 'The refusal of a version lists those that are supported',
    must: 'list the versions it supports in the data of the error, this one among them',
    needs: { unsupported },
    judge: ({ unsupported: { before, refused, after } }) =>
      controlled([before, after], () =>
        all(
          refused.map((exchange) =>
            holdsIf(supportedIn(exchange)?.includes('2026-07-28') ?? false, 'does not list the versions it supports', {
              expected: 'data.supported with "2026-07-28"',
              actual: errorOf(exchange)?.data ?? 'no data',
              exchange,
            }),
          ),
        ),
      ),
    fix: 'Put every version that is served into `data.supported`.',
    covers: 'transport.version.unsupported',
  }),
])
